"""Render the console's templates: always escaped, and undefined names are errors."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from controlplane.console.list_query import ListQuery

_NONE = "\N{EN DASH}"

SECTIONS = (
    ("overview", "/", "Overview"),
    ("databases", "/console/databases", "Databases"),
    ("applications", "/console/applications", "Applications"),
    ("webhooks", "/console/webhooks", "Webhooks"),
    ("requests", "/console/requests", "Requests"),
)


@dataclass(frozen=True)
class Page:
    """The contents of a page."""

    template: str  # the template of the live part
    title: str
    section: str  # one of SECTIONS
    summary: str  # one line about the present state, for screen readers
    context: dict[str, Any]  # the variables of the template
    back: str = "/"  # the address that Esc leads to
    list_query: ListQuery | None = None  # the filters of a list; None = the page is no list
    searches: str = ""  # what the text of a list is searched in


@dataclass(frozen=True)
class Rendered:
    """Rendered HTML."""

    html: Markup  # safe, because the templates escape their values
    etag: str  # changes with the live part


def render_part(page: Page) -> Rendered:
    """Render only the live part."""
    summary = Markup('<p id="summary" class="{}">{}</p>\n').format(
        "hint" if page.list_query else "unseen", page.summary
    )
    rendered = _environment().get_template(page.template).render(**page.context, list_query=page.list_query)
    html = summary + Markup(rendered)  # noqa: S704
    digest = hashlib.sha256(html.encode()).hexdigest()[:32]
    return Rendered(html, f'"{digest}"')


def render_page(page: Page) -> Rendered:
    """Render the whole document."""
    part = render_part(page)
    html = _environment().get_template("page.html").render(page=page, part=part.html, etag=part.etag, sections=SECTIONS)
    return Rendered(Markup(html), part.etag)  # noqa: S704


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("controlplane.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["time"] = _time
    environment.filters["milliseconds"] = _milliseconds
    environment.filters["pretty"] = _pretty
    environment.filters["short"] = _short
    return environment


def _time(moment: datetime | None) -> Markup:
    """Return a `<time>` in UTC, to the second; a dash for None."""
    if moment is None:
        return Markup('<span class="none">{}</span>').format(_NONE)
    # Formatted by hand, because a page has hundreds of them.
    date, _, time = moment.astimezone(UTC).isoformat(" ", "seconds")[:19].partition(" ")
    return Markup(f'<time datetime="{date}T{time}Z"><span class="date">{date} </span>{time}</time>')  # noqa: S704


def _milliseconds(value: float | None) -> str:
    """Return `4.2 ms` or `1.25 s`; a dash for None."""
    if value is None:
        return _NONE
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def _short(target: str) -> str:
    """Return a request's path without the prefix of the API."""
    return target.removeprefix("/api/v1") or "/"


def _pretty(text: str) -> str:
    """Return JSON text on several lines, unless it is nested too deeply for that."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except RecursionError:
        return text
