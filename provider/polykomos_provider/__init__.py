"""The distribution's programs: the command `polykomos`, the engines' plugins, and the tools for tests."""
