"""The request log: what was asked lately, what was answered, and how to ask it again. No secret is kept in it."""
