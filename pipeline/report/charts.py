"""Charts as SVG, drawn when the page is written: they need no script, no network and no library in the page.

Each has a title for screen readers and stands in a `figure` whose figures can be opened as a table. Colours are classes
of the style sheet, so that dark mode changes them; sizes are attributes, so that the page allows no inline style.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from pipeline.report.numbers import count, short

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 26


def element(name: str, *children: object, **attributes: object) -> Markup:
    """An element with its attributes and children, all escaped; `class_` is class, `_` in names is a hyphen."""
    said = "".join(f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")


def bar(part: float, whole: float, kind: str = "kept") -> Markup:
    """A bar as long as the share, at least one unit where there is anything."""
    width = 0 if not whole or not part else max(0.6, 100 * part / whole)
    rect = element("rect", class_=kind, x=0, y=0, width=f"{width:.2f}", height=10)
    back = element("rect", class_="track", x=0, y=0, width=100, height=10)
    return element(
        "svg", back, rect, class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true"
    )


def histogram(facts: dict[str, Any], *, bound: float | None = None) -> Markup:
    """Columns of kept (and, where told apart, dropped), with marks at median and mean, and at the recipe's bound."""
    edges, kept, dropped = facts["edges"], facts["counts"], facts["dropped"] or [0] * len(facts["counts"])
    peak = max((a + b for a, b in zip(kept, dropped, strict=True)), default=0)
    title = (
        f"{facts['label']}: {count(facts['number'])} values, median {short(facts['median'])},"
        f" mean {short(facts['mean'])} {facts['unit']}"
    )
    parts: list[Markup] = [element("title", title), *_grid(peak)]
    step = (WIDTH - LEFT - RIGHT) / len(kept)
    for i, (a, b) in enumerate(zip(kept, dropped, strict=True)):
        high, low = _height(a, peak), _height(a + b, peak)
        x, width = LEFT + i * step, max(1.0, step - 1)
        if b:
            parts.append(_rect("dropped", x, HEIGHT - BOTTOM - low, width, low - high))
        if a:
            parts.append(_rect("kept", x, HEIGHT - BOTTOM - high, width, high))
    parts += _x_axis(edges, step / 2 if facts["whole"] else 0.0)
    for name, value in (("median", facts["median"]), ("mean", facts["mean"]), ("bound", bound)):
        if value is not None:
            # A bin of whole numbers is named by its left edge and stands in the middle of its column.
            value += 0.5 if facts["whole"] else 0
            x = LEFT + _place(value, edges, bool(facts["log"])) * (WIDTH - LEFT - RIGHT)
            parts.append(element("line", class_=f"mark {name}", x1=_n(x), x2=_n(x), y1=TOP, y2=HEIGHT - BOTTOM))
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title, class_="chart")


def heat_map(facts: dict[str, Any]) -> Markup:
    """Documents by images (across) and tokens (up); the stronger, the more, on a logarithmic scale."""
    cells, width, height = facts["cells"], 360, 300
    columns, rows = len(facts["x_edges"]) - 1, len(facts["y_edges"]) - 1
    peak = max((cell[2] for cell in cells), default=1)
    total = sum(cell[2] for cell in cells)
    title = f"Images by tokens: {count(total)} documents"
    w, h = (width - LEFT - RIGHT) / columns, (height - TOP - BOTTOM) / rows
    parts: list[Markup] = [element("title", title)]
    parts.append(_rect("track", LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM))
    for x, y, number in cells:
        strength = 0.12 + 0.88 * (math.log1p(number) / math.log1p(peak))
        images = f"{facts['x_edges'][x]:.0f}{'+' if x == columns - 1 else ''}"
        said = (
            f"{images} images, {short(facts['y_edges'][y])} to {short(facts['y_edges'][y + 1])} tokens: {count(number)}"
        )
        cell = _rect("kept", LEFT + x * w, TOP + (rows - 1 - y) * h, w - 0.5, h - 0.5, said)
        parts.append(element("g", cell, fill_opacity=f"{strength:.2f}"))
    for i in range(0, columns, 5):
        parts.append(_text(facts["x_edges"][i], LEFT + (i + 0.5) * w, height - BOTTOM + 14, "middle"))
    for i in range(0, rows + 1, 7):
        parts.append(_text(facts["y_edges"][i], LEFT - 5, TOP + (rows - i) * h + 4, "end"))
    parts.append(element("text", "images", x=width - RIGHT, y=height - 1, text_anchor="end", class_="axis"))
    parts.append(element("text", "tokens", x=2, y=TOP + 32, class_="axis"))
    return element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=title, class_="chart")


def curves(lines: dict[str, list[list[float]]], title: str) -> Markup:
    """Lines of [x, share] with y from 0 to 1; each has a class of its own and its name at its end."""
    right = max((points[-1][0] for points in lines.values() if points), default=1) or 1
    parts: list[Markup] = [element("title", title)]
    span = HEIGHT - TOP - BOTTOM
    for level in (0, 0.25, 0.5, 0.75, 1):
        y = TOP + (1 - level) * span
        parts.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=_n(y), y2=_n(y)))
        parts.append(element("text", f"{level:.0%}", x=LEFT - 5, y=_n(y + 4), text_anchor="end", class_="axis"))
    for number, points in enumerate(lines.values()):
        path = " ".join(
            f"{'M' if not i else 'L'}{_n(LEFT + x / right * (WIDTH - LEFT - RIGHT))} {_n(TOP + (1 - y) * span)}"
            for i, (x, y) in enumerate(points)
        )
        parts.append(element("path", class_=f"line line{number}", d=path or "M0 0"))
    for part in (0.25, 0.5, 0.75, 1):
        anchor = "end" if part == 1 else "middle"
        said = round(part * right) if right >= 20 else part * right
        parts.append(_text(said, LEFT + part * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM + 14, anchor))
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title, class_="chart")


def _grid(peak: float) -> list[Markup]:
    parts = []
    for level in (0, 0.5, 1):
        y = HEIGHT - BOTTOM - level * (HEIGHT - TOP - BOTTOM)
        parts.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=_n(y), y2=_n(y)))
        if level * peak == int(level * peak):
            parts.append(_text(level * peak, LEFT - 5, y + 4, "end"))
    return parts


def _x_axis(edges: Sequence[float], shift: float) -> list[Markup]:
    bins, every = len(edges) - 1, max(1, round((len(edges) - 1) / 5))
    x = [LEFT + i / bins * (WIDTH - LEFT - RIGHT) + shift for i in range(bins + 1)]
    return [
        _text(edges[i], x[i], HEIGHT - BOTTOM + 14, "middle" if i < bins else "end")
        for i in range(0, bins + (0 if shift else 1), every)
    ]


def _place(value: float, edges: Sequence[float], log: bool) -> float:
    """Where a value stands between the first edge (0) and the last (1)."""
    low, high = edges[0], edges[-1]
    part = math.log(max(value, low) / low) / math.log(high / low) if log else (value - low) / (high - low)
    return min(1.0, max(0.0, part))


def _height(value: float, peak: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / peak if peak else 0.0


def _rect(kind: str, x: float, y: float, width: float, height: float, said: str = "") -> Markup:
    inner = [element("title", said)] if said else []
    return element(
        "rect", *inner, class_=kind, x=_n(x), y=_n(y), width=_n(max(0.0, width)), height=_n(max(0.0, height))
    )


def _text(value: float, x: float, y: float, anchor: str) -> Markup:
    return element("text", short(round(value, 3)), x=_n(x), y=_n(y), text_anchor=anchor, class_="axis")


def _n(value: float) -> str:
    return f"{value:.1f}"
