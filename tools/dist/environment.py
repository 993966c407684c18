"""Runs in the program before ours: the engine's environment, as it was before PyInstaller's loader added to it.

The plugin asks the engine's own programs at times; they must not load the libraries that are bundled here.
"""

import os

_before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if _before is None:
    os.environ.pop("LD_LIBRARY_PATH", None)
else:
    os.environ["LD_LIBRARY_PATH"] = _before
for _name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[_name]
