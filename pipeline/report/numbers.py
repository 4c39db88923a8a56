"""Numbers as a person reads them: separators, units, short forms."""

from __future__ import annotations

DASH = "\u2013"


def count(value: float | None) -> str:
    """1,234,567; a dash for None."""
    return DASH if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """Three figures and k, M, B or T: 1.23 M."""
    if value is None:
        return DASH
    size = abs(value)
    if 0 < size < 0.001:
        return f"{value:.1e}"
    for limit, divisor, unit in ((1e3, 1, ""), (1e6, 1e3, " k"), (1e9, 1e6, " M"), (1e12, 1e9, " B")):
        if size < limit * 0.9995:
            return _figures(value / divisor) + unit
    return _figures(value / 1e12) + " T"


def measure(value: float | None, unit: str = "") -> str:
    """A short number with its unit; bytes as a size: 1.25 k tokens, 16.7 kB."""
    if unit == "B":
        return size(value)
    return short(value) if value is None or not unit else f"{short(value)} {unit}"


def plain(value: float | None, unit: str = "") -> str:
    """A number in full, for columns that are compared: 2,462 tokens, 0.954; bytes and seconds in their own forms."""
    if value is None:
        return DASH
    if unit in ("B", "s"):
        return size(value) if unit == "B" else duration(value)
    said = f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else _figures(value)
    return f"{said} {unit}" if unit else said


def share(part: float | None, whole: float | None = 1) -> str:
    """12.3 %; a dash where there is no whole."""
    if part is None or not whole:
        return DASH
    percent = 100 * part / whole
    if percent and abs(percent) < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %" if abs(percent) < 99.95 or percent == 100 else "> 99.9 %"


def size(value: float | None) -> str:
    """Bytes: 1.2 MB (powers of 1,000)."""
    if value is None:
        return DASH
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} PB"


def duration(seconds: float | None) -> str:
    """42.1 s, 3.5 min, 2.0 h, 12 days, 3.1 years."""
    if seconds is None:
        return DASH
    for limit, divisor, unit in (
        (120, 1, "s"),
        (7_200, 60, "min"),
        (172_800, 3_600, "h"),
        (63_115_200, 86_400, "days"),
    ):
        if seconds < limit:
            return f"{seconds / divisor:,.1f} {unit}"
    return f"{seconds / 31_557_600:,.1f} years"


def _figures(value: float) -> str:
    size = abs(value)
    text = (
        f"{value:.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )
    return text.rstrip("0").rstrip(".") if "." in text else text
