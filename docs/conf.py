"""The site's settings: `make docs` builds docs/ into build/site."""

from __future__ import annotations

from importlib import metadata

project = "Polykomos infrastructure as code"
author = "Polykomos infrastructure as code"
version = release = metadata.version("polykomos-provider")

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = f"Polykomos {version}"
html_copy_source = False
html_show_sphinx = False

# Links to headings, as GitHub makes them; a link that leads nowhere is a warning, and `make docs` takes warnings as errors.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# HCL has no highlighting of its own in Pygments' default names.
highlight_options = {"default": {"stripall": True}}
# Terraform's registry takes the front matter of its pages; the site shows their text alone.
suppress_warnings = ["myst.header"]
