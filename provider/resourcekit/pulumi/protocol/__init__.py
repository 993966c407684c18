"""The protocol's messages, from the Pulumi SDK but without loading the SDK.

`import pulumi.runtime.proto` runs `pulumi/__init__`, which loads the whole SDK and takes longer than the rest of the
plugin's start. The message modules import each other relatively, so this package can include their folder under its own
name. The descriptors are the same under both names.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

# `find_spec` does not run a top-level package.
_sdk = importlib.util.find_spec("pulumi")
if _sdk is None or _sdk.origin is None:
    raise ModuleNotFoundError("the Pulumi SDK is not installed: pip install pulumi", name="pulumi")
__path__.append(str(Path(_sdk.origin).parent / "runtime" / "proto"))
