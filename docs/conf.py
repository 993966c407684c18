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

# Links to headings, as GitHub makes them. A link that leads nowhere is a warning, and those are errors to `make docs`.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# Pygments' Terraform knows neither splats nor provider functions, and shows them plainly then.
suppress_warnings = ["misc.highlighting_failure"]
