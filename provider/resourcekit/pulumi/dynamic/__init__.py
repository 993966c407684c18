"""The declarations as a dynamic provider, for programs in Python that cannot install a plugin.

This package imports the Pulumi SDK, which the native provider never does.
"""
