"""Which picture an `img`, `picture`, `amp-img` or `noscript` shows: one URL, and how it was found.

A page's `src` is often a stand-in that a script replaces when the reader scrolls; what the reader sees then stands
in another attribute. Order: a lazy-loading attribute, a `src` that is no stand-in, `srcset` (of the image, then of
the sources of its `picture`), then any attribute whose value looks like the address of a picture.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

LAZY_URL: Final = (
    "data-src data-original data-lazy-src data-lazy data-original-src data-src-fg data-lazyload "
    "data-lazyload-src data-scroll-image data-lateloadsrc data-img-src data-gt-lazy-src "
    "data-url data-image data-img data-image-src data-full-src data-hi-res-src data-hires "
    "data-large-src data-src-large data-src-medium data-actualsrc data-echo data-runner-src "
    "data-ll-src data-cfsrc data-ezsrc data-pagespeed-lazy-src data-pin-media data-rest-src "
    "data-flickity-lazyload data-defer-src data-deferred data-delayed-url data-raw-src "
    "data-baseurl data-orig-src data-orig-file data-large-file data-medium-file data-thumb "
    "data-file data-real-src data-actual data-normal data-mediumthumb data-sf-src data-wood-src "
    "data-bg-src data-native-src data-lazysrc data-asyncsrc "
    "data-async-src data-preview data-imgsrc data-srcurl data-image-url nitro-lazy-src lazy-src "
    "lazysrc src2 original file zoomfile"
).split()
LAZY_SRCSET: Final = (
    "data-srcset data-lazy-srcset data-src-set data-ezsrcset data-sizes-srcset "
    "data-original-set data-ll-srcset data-original-srcset nitro-lazy-srcset data-bgset "
    "data-rimg-srcset data-responsive"
).split()
_GENERIC: Final = frozenset(
    (
        "data-url data-image data-img data-file data-thumb data-baseurl data-preview data-normal "
        "data-pin-media original file zoomfile data-actual"
    ).split()
)
"""Attributes that lazy loaders use, and others for something else (a small version, the page to share): believed only
where `src` is a stand-in, and only with the name of a picture."""
_NO_ADDRESS: Final = frozenset(("src", "alt", "title", "class", "id", "style"))
_RANK: Final = {name: rank for rank, name in enumerate(LAZY_URL)}
_TEMPLATED: Final = "{"

_STAND_INS: Final = frozenset(
    (
        "blank spacer placeholder placeholders transparent loading loader spinner lazy lazyload lazyloading gray grey "
        "1x1 1px dot clear empty trans transp transparency shim pixel px preload preloader grau blanc dummy fallback "
        "imgload none noimage noimg nophoto nopic imageplaceholder imgplaceholder"
    ).split()
)
"""Last word of the file name of a picture that stands for another; `_STAND_IN_PAIRS`, its last two words."""
_STAND_IN_PAIRS: Final = frozenset(
    (("no", "image"), ("no", "img"), ("no", "photo"), ("no", "pic"), ("default", "image"), ("1", "1"))
)
_EXTENSIONS: Final = frozenset(("gif", "png", "svg", "jpg", "jpeg", "webp"))
_DIGITS: Final = "0123456789x"
_PICTURE_NAME: Final = r"\.(?:jpe?g|png|webp|gif|avif)"
_IMAGE_VALUE: Final = re.compile(rf"\s*+(?=\S++\s*+\Z)\S+{_PICTURE_NAME}(?:[?#]\S*+)?\s*+\Z", re.I)
_IMAGE_SRCSET: Final = re.compile(rf"(?<!\S)(?=\S*?{_PICTURE_NAME})\S++\s++\d", re.I)
"""Both look at each word once, so that a value of megabytes costs no more than its length."""
_NEXT_URL: Final = re.compile(r"[^\s,]")
_SPACE: Final = re.compile(r"\s")
_MAX_SRCSET: Final = 20_000
"""Characters of a srcset, or of any attribute that is searched for a picture, that are looked at."""
_PREFERRED_WIDTH: Final = 1_024
"""Of a srcset the smallest picture at least this wide is taken, else the widest: as a browser on a common screen."""


@dataclass(frozen=True, slots=True)
class Source:
    """The URL of a picture as written in the page, and the attribute that it stood in."""

    url: str
    found_by: str


def parse_srcset(value: str) -> list[tuple[str, float]]:
    """URLs and declared widths of a srcset, in its order; a density counts as that many times 400 px.

    URLs may contain commas (`w_400,h_300`): a comma ends a URL only at its end, as the HTML standard says.
    """
    found: list[tuple[str, float]] = []
    value = value[:_MAX_SRCSET]
    at, stop = 0, len(value)
    while at < stop:
        start = _NEXT_URL.search(value, at)
        if start is None:
            break
        space = _SPACE.search(value, start.start())
        end = space.start() if space else stop
        url = value[start.start() : end]
        at = end
        size = 400.0
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            comma = value.find(",", end)
            at = comma + 1 if comma >= 0 else stop
            size = _declared_width(value[end:at])
        found.append((url, size))
    return found


def _declared_width(descriptors: str) -> float:
    """Pixels that the descriptors of a candidate (`2x`, `640w`, `640w 480h`) stand for."""
    for word in descriptors.strip(" ,\t\n").split():
        if word[-1] in "wx":
            try:
                number = float(word[:-1])
            except ValueError:
                continue
            return number if word[-1] == "w" else number * 400.0
    return 400.0


def choose_srcset(value: str) -> str | None:
    """The candidate that is at least 1,024 px wide and no wider than it must be, else the widest."""
    candidates = [c for c in parse_srcset(value) if not c[0].startswith("data:") and _TEMPLATED not in c[0]]
    if not candidates:
        return None
    wide = [c for c in candidates if c[1] >= _PREFERRED_WIDTH]
    return min(wide, key=lambda c: c[1])[0] if wide else max(candidates, key=lambda c: c[1])[0]


def is_placeholder(url: str) -> bool:
    """Whether a URL is a stand-in: empty, `about:`, a file named blank, spacer, loading, 1x1, ..."""
    if not url or url.startswith(("about:", "#", "javascript:")) or url in ("/", "null", "undefined", "none"):
        return True
    stem, _, extension = url.partition("?")[0].partition("#")[0].rpartition(".")
    if extension.lower() not in _EXTENSIONS:
        return False
    words = stem[-60:].rpartition("/")[2].lower().replace("_", "-").replace(".", "-").rsplit("-", 3)
    last = words.pop()
    if (words and (words[-1], last) in _STAND_IN_PAIRS) or last in _STAND_INS or last.rstrip(_DIGITS) in _STAND_INS:
        return True
    if last.strip(_DIGITS) or not words:
        return False
    last = words.pop()  # what stands before `-300x200`
    return (bool(words) and (words[-1], last) in _STAND_IN_PAIRS) or last in _STAND_INS


def source_of(attrs: dict[str, str], picture_srcsets: list[str]) -> Source | None:
    """The picture that an `img` shows, or None where every address is a stand-in (`data:` addresses count last)."""
    src = attrs.get("src", "").strip()
    stand_in = not src or src[:5].lower() == "data:" or is_placeholder(src)
    for name in sorted((name for name in attrs if name in _RANK), key=_RANK.__getitem__):
        if not stand_in and name in _GENERIC and name != "data-pin-media":  # that is the picture in full size
            continue
        if (url := _lazy_url(name, attrs[name].strip())) is not None:
            return Source(url, name)
    if not stand_in and "lazy" not in attrs.get("class", "").lower():
        return Source(src, "src")
    for name in LAZY_SRCSET:
        if name in attrs and (url := choose_srcset(attrs[name])):
            return Source(url, name)
    if "srcset" in attrs and (url := choose_srcset(attrs["srcset"])) and not is_placeholder(url):
        return Source(url, "srcset")
    for value in picture_srcsets:
        if (url := choose_srcset(value)) and not is_placeholder(url):
            return Source(url, "picture")
    if not stand_in:
        return Source(src, "src")
    return _any_attribute(attrs) or (Source(src, "data") if src[:5].lower() == "data:" else None)


def _lazy_url(name: str, value: str) -> str | None:
    """The value of a lazy-loading attribute where it is the address of a picture, else None."""
    if not 3 < len(value) <= _MAX_SRCSET or value.startswith(("data:", "[")) or "{" in value:
        return None
    if (name in _GENERIC or " " in value) and not _IMAGE_VALUE.match(value.replace(" ", "%20")):
        return None
    return value if ("/" in value or "." in value) and not is_placeholder(value) else None


def _any_attribute(attrs: dict[str, str]) -> Source | None:
    """The first attribute whatever its name whose value looks like the address of a picture."""
    for name, value in attrs.items():
        if name in _NO_ADDRESS or not 5 <= len(value) <= _MAX_SRCSET or name.startswith("aria-"):
            continue
        if _IMAGE_SRCSET.search(value) and (url := choose_srcset(value)):
            return Source(url, name)
        if _IMAGE_VALUE.match(value) and "{" not in value and not is_placeholder(value.strip()):
            return Source(value.strip(), name)
    return None


_RASTER: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
"""How raster files begin that need no more than a prefix."""


def decode_data_url(url: str, max_bytes: int) -> bytes | None:
    """The bytes of a raster `data:` image, or None (not an image, SVG, damaged, over `max_bytes`)."""
    head, comma, body = url.partition(",")
    if not comma or not head[5:].strip().lower().startswith("image/") or "svg" in head.lower():
        return None
    if len(body) > max_bytes * 4:
        return None
    raw = unquote_to_bytes(body)
    if ";base64" in head.lower().replace(" ", ""):
        try:
            raw = base64.b64decode(b"".join(raw.split()) + b"===", validate=False)
        except (binascii.Error, ValueError):
            return None
    if len(raw) > max_bytes:
        return None
    webp = raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"
    avif = raw[4:12] in (b"ftypavif", b"ftypavis")
    return raw if raw.startswith(_RASTER) or webp or avif else None
