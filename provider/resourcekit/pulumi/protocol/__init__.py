"""The protocol's messages as Pulumi's SDK ships them, without the SDK around them.

`import pulumi.runtime.proto` runs `pulumi/__init__`, which loads the whole SDK and costs more than all the rest of the
plugin's start. The messages import each other relatively, so their folder can stand behind another package's name; the
descriptors in them are the same, whoever else imports them under their own.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

# Finding a top-level package does not run it.
_sdk = importlib.util.find_spec("pulumi")
if _sdk is None or _sdk.origin is None:
    raise ModuleNotFoundError("the Pulumi SDK is not installed: pip install pulumi", name="pulumi")
__path__.append(str(Path(_sdk.origin).parent / "runtime" / "proto"))
