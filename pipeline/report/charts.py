"""Charts as SVG, drawn when the page is written: they need no script, no network and no library in the page.

Each has a title for screen readers and stands in a `figure` whose figures can be opened as a table. Colours are classes
of the style sheet, so that dark mode changes them; sizes are attributes, so that the page allows no inline style.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from pipeline.report.numbers import count, measure, short, size

WIDTH, HEIGHT = 360, 204
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 22, 28


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


def histogram(facts: dict[str, Any], *, bounds: Sequence[float] = (), things: str = "values") -> Markup:
    """Columns of kept (and, where told apart, dropped), with marks at median and mean, and at the recipe's bound.

    Args:
        facts: edges, counts, dropped, number, median, mean, label, unit, log, whole.
        bounds: of the recipe.
        things: what the columns count.
    """
    edges, kept, dropped = facts["edges"], facts["counts"], facts["dropped"] or [0] * len(facts["counts"])
    peak = max((a + b for a, b in zip(kept, dropped, strict=True)), default=0)
    unit = facts["unit"]
    title = (
        f"{facts['label']}: {count(facts['number'])} {things}, median {measure(facts['median'], unit)},"
        f" mean {measure(facts['mean'], unit)}"
    )
    parts: list[Markup] = [element("title", title), *_grid(peak), _word(things, 0, 10)]
    step = (WIDTH - LEFT - RIGHT) / len(kept)
    for i, (a, b) in enumerate(zip(kept, dropped, strict=True)):
        high, low = _height(a, peak), _height(a + b, peak)
        x, width = LEFT + i * step, max(1.0, step - 1)
        if b:
            parts.append(_rect("dropped", x, HEIGHT - BOTTOM - low, width, low - high))
        if a:
            parts.append(_rect("kept", x, HEIGHT - BOTTOM - high, width, high))

    def across(value: float) -> float:
        # A bin of whole numbers is named by its left edge and stands in the middle of its column.
        return LEFT + _place(value + 0.5 * facts["whole"], edges, bool(facts["log"])) * (WIDTH - LEFT - RIGHT)

    for tick in ticks(edges[0], edges[-1] - facts["whole"], log=bool(facts["log"])):
        parts.append(_text(tick, across(tick), HEIGHT - BOTTOM + 14, "middle", unit))
    marks = [("median", facts["median"]), ("mean", facts["mean"]), *(("bound", bound) for bound in bounds)]
    for name, value in marks:
        if value is not None:
            x = across(value)
            parts.append(element("line", class_=f"mark {name}", x1=_n(x), x2=_n(x), y1=TOP, y2=HEIGHT - BOTTOM))
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title, class_="chart")


def heat_map(facts: dict[str, Any]) -> Markup:
    """Documents by images (across) and tokens (up); the stronger, the more, on a logarithmic scale."""
    cells, width, height = facts["cells"], 360, 320
    columns, rows = len(facts["x_edges"]) - 1, len(facts["y_edges"]) - 1
    peak = max((cell[2] for cell in cells), default=1)
    total = sum(cell[2] for cell in cells)
    title = f"Images by tokens: {count(total)} documents, at most {count(peak)} in a cell"
    across, up = width - LEFT - RIGHT, height - TOP - BOTTOM - 12
    w, h = across / columns, up / rows
    parts: list[Markup] = [element("title", title), _rect("track", LEFT, TOP, across, up)]
    for x, y, number in cells:
        strength = 0.12 + 0.88 * (math.log1p(number) / math.log1p(peak))
        images = f"{facts['x_edges'][x]:.0f}{'+' if x == columns - 1 else ''}"
        said = (
            f"{images} images, {short(facts['y_edges'][y])} to {short(facts['y_edges'][y + 1])} tokens: {count(number)}"
        )
        cell = _rect("kept", LEFT + x * w, TOP + (rows - 1 - y) * h, w - 0.5, h - 0.5, said)
        parts.append(element("g", cell, fill_opacity=f"{strength:.2f}"))
    for tick in ticks(facts["x_edges"][0], facts["x_edges"][-1] - 1):
        parts.append(_text(tick, LEFT + (tick - facts["x_edges"][0] + 0.5) * w, TOP + up + 14, "middle"))
    for tick in ticks(facts["y_edges"][0], facts["y_edges"][-1], log=True):
        parts.append(_text(tick, LEFT - 5, TOP + (1 - _place(tick, facts["y_edges"], True)) * up + 4, "end"))
    parts += [_word("tokens", 0, 10), _word("images", LEFT + across, TOP + up + 28, "end")]
    return element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=title, class_="chart")


def curves(lines: dict[str, list[list[float]]], title: str) -> Markup:
    """Lines of [x, share] with y from 0 to 1; each has a class of its own and its name at its end."""
    right = max((points[-1][0] for points in lines.values() if points), default=1) or 1
    parts: list[Markup] = [element("title", title), _word("unique", 0, 10)]
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
    for tick in ticks(0, right)[1:]:
        parts.append(_text(tick, LEFT + tick / right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM + 14, "middle"))
    parts.append(_word("images", WIDTH - RIGHT, HEIGHT - 2, "end"))
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title, class_="chart")


def _grid(peak: float) -> list[Markup]:
    parts = []
    for level in (0, 0.5, 1):
        y = HEIGHT - BOTTOM - level * (HEIGHT - TOP - BOTTOM)
        parts.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=_n(y), y2=_n(y)))
        if level * peak == int(level * peak):
            parts.append(_text(level * peak, LEFT - 5, y + 4, "end"))
    return parts


def ticks(low: float, high: float, *, log: bool = False) -> list[float]:
    """Round numbers from low to high to name on an axis: 3 to 8 of them where there are so many."""
    if not high > low:
        return [low]
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [float(10**decade) if decade >= 0 else 10.0**decade for decade in decades]
        inside = [value for value in found if low <= value <= high]
        if len(inside) >= 3:
            return inside
        finer = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        return [value for value in finer if low <= value <= high] or [low]
    rough = (high - low) / 5
    scale: float = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * scale for factor in (1, 2, 5, 10) if factor * scale >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


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


def _text(value: float, x: float, y: float, anchor: str, unit: str = "") -> Markup:
    said = size(value).replace(".0 ", " ") if unit == "B" else short(round(value, 3))
    return _word(said, x, y, anchor)


def _word(said: str, x: float, y: float, anchor: str = "start") -> Markup:
    return element("text", said, x=_n(x), y=_n(y), text_anchor=anchor, class_="axis")


def _n(value: float) -> str:
    return f"{value:.1f}"
