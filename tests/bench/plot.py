"""Curves of cost against the number of resources, as a small SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 360, 64, 40, 190, 44
_COLOURS = ("#0b6e4f", "#c0392b", "#7f8c8d", "#2c5aa0", "#b7791f")
Curve = Sequence[tuple[float, float]]


def write(path: Path, title: str, unit: str, curves: Mapping[str, Curve]) -> None:
    """Lines through (N, cost) on linear axes from nought, so that what grows linearly looks straight."""
    points = [point for curve in curves.values() for point in curve]
    most_x, most_y = max(x for x, _ in points), max(y for _, y in points) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + x / most_x * wide, 1), round(_HEIGHT - _BOTTOM - y / most_y * high, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for step in range(5):
        x, y = at(0, most_y * step / 4)
        parts.append(f'<line x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{most_y * step / 4:.3g}</text>')
    for x_value in sorted({x for x, _ in points}):
        x, y = at(x_value, 0)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{x_value:g}</text>')
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 6}">resources; {escape(unit)} upwards</text>')
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{x},{y}" for x, y in (at(*point) for point in curve))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in (at(*point) for point in curve)]
        parts.append(
            f'<text x="{_WIDTH - _RIGHT + 12}" y="{_TOP + 16 + number * 18}" fill="{colour}">{escape(name)}</text>'
        )
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")
