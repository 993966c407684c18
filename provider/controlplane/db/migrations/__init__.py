"""The numbered SQL files; 0001-0019 belong to the kernel and databases, 0020-0039 to blueprints and webhooks."""
