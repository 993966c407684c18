"""Plain language into SQL by rules, without a model. Pure: text, schema and time in, SQL out."""
