"""The declarations as a dynamic provider: for programs in Python that may install no plugin.

Stands on the Pulumi SDK, which the native provider never imports.
"""
