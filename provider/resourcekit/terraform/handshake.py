"""go-plugin's magic cookie: the environment variable by which a plugin knows that an engine started it."""

COOKIE = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
