"""Each image of a page: its URL, what the page says about it, or the reason for which it is left out."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from filters.extract import names as n
from filters.extract.backgrounds import background_of
from filters.extract.document import DroppedImage, Limits, Node
from filters.extract.sources import LAZY_SRCSET, Source, decode_data_url, source_of
from filters.extract.tree import Tree, attributes
from filters.extract.urls import has_scheme, resolve
from schemas.reasons import ReferenceReason as Why

IMAGE_TAGS: Final = frozenset(("img", "amp-img", "amp-anim", "image"))

_MAX_PIXEL: Final = 3
"""Declared pixels of a side up to which an image counts visits and shows nothing (1 to 6 alike on the gold's
tune half)."""
_LARGE: Final = 100
"""Declared pixels of both sides from which a name does not make an image an icon or a tracker (half and twice of it
alike on the gold's tune half)."""
_MAX_ICON: Final = 32
"""Declared pixels of both sides up to which an image is an icon (tuned on the gold: its smallest content image with
a declared size is 40 wide; 16 gains 0.012 of the images and loses 0.012 of their places, 48 loses 0.003)."""

_PICTURE_NODES: Final = 60
"""Nodes of a `picture` that are searched for sources; the bound keeps one of many images linear."""

_NOT_DISPLAYED: Final = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_NUMBER: Final = re.compile(r"\s*(\d{1,6})(?:\.\d+)?\s*+(?:px\s*+)?$")
_STYLE_SIZE: Final = re.compile(r"(?:^|[;\s])(width|height)\s*:\s*(\d{1,6})(?:\.\d+)?px", re.I)
_TRACKER_HOST: Final = re.compile(
    r"(?:^|[.\-])(?:pixel|beacon|track(?:er|ing)?|analytics|stats?|counter|metrics?|doubleclick|scorecardresearch|quantserve)[0-9]*[.\-]"
)
_PATH_WORDS: Final = re.compile(
    r"[/_.\-](?:"
    r"(?P<tracker>pixel|beacon|track(?:er|ing)?|impression|collect|counter|analytics|webbug|b/ss|piwik|matomo|noscript\.gif|__utm)"
    r"(?=[/_.\-?=]|$)|"
    r"(?P<icon>icons?|sprites?|bullets?|arrows?|emoji|smil(?:ey|ies)|favicon|rss|feed-icon|emoticons?)(?=[/_.\-0-9]|$)|"
    r"(?P<avatar>(?:gr)?avatars?)(?=[/_.\-0-9]|$)|"
    r"(?P<advert>adverts?|advertisements?|adserver|adimages?|adbanners?|doubleclick|adsystem)(?=[/_.\-0-9]|$)|"
    r"(?P<share>share|sharing|social|addthis|sharethis|tweet-?button|like-?button)(?=[/_.\-]|$))"
)
_BADGE: Final = re.compile(
    r"^(?:[a-z0-9-]+\.)*(?:badges?|badgen|shields)\.[a-z0-9.-]+/|/badges?/.*\.svg$|[/_-]badge\.svg$"
)
"""Words of the paths and hosts, in lower case, of pictures that are no content, whole between marks. No score of the
gold's tune half depends on one of these lists: such pictures stand outside the content there. They are from pictures of
the corpus."""
_PHOTO: Final = re.compile(r"\.(?:jpe?g|webp|avif)$", re.I)
"""What counts visits is a GIF, a PNG or a script; a photograph of a race track is none, unless its size is a
pixel's."""
_IMAGE_LINK: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|tiff?|bmp)$", re.I)
"""How the address of a picture ends: the formats that browsers show."""


def size_of(attrs: dict[str, str]) -> tuple[int | None, int | None]:
    """Width and height in pixels as attributes or style declare them; percentages and nonsense give None."""
    sizes: list[int | None] = []
    style = attrs.get("style")
    styled = {k.lower(): int(v) for k, v in _STYLE_SIZE.findall(style)} if style else {}
    for name in ("width", "height"):
        found = _NUMBER.match(attrs.get(name, ""))
        value = int(found.group(1)) if found else styled.get(name)
        sizes.append(value if value is None or value < 100_000 else None)
    return sizes[0], sizes[1]


def picture_srcsets(tree: Tree, i: int) -> list[str]:
    """The srcsets of the sources of the `picture` around an `img`, lazy ones too, in page order."""
    up = tree.parent[i]
    for _ in range(2):  # `picture > span > img` is found too
        if up >= 0 and tree.tag[up] == "picture":
            break
        up = tree.parent[up] if up >= 0 else -1
    if up < 0 or tree.tag[up] != "picture":
        return []
    found = []
    for j in range(up + 1, min(tree.end[up], up + _PICTURE_NODES)):
        if tree.tag[j] == "source":
            for name in ("srcset", *LAZY_SRCSET, "data-src", "src"):
                if value := tree.get(j, name):
                    found.append(value)
                    break
    return found


def find_source(tree: Tree, i: int, attrs: dict[str, str]) -> Source | None:
    """The source of the image element `i`."""
    return source_of(attrs, picture_srcsets(tree, i))


def judge(
    url: str, attrs: dict[str, str], width: int | None, height: int | None, *, recall: bool = False
) -> tuple[Why, str] | None:
    """The reason, with what gave it away, for which an image is no content by itself; None where it may be.

    With `recall` size alone condemns only what is a pixel on both sides: rules, flags and small drawings stay.
    """
    sides = [side for side in (width, height) if side is not None]
    if sides and (max(sides) if recall else min(sides)) <= _MAX_PIXEL:
        return Why.TRACKING_PIXEL, f"{width}x{height}"
    names = n.judge_names(" ".join((attrs.get("class", ""), attrs.get("id", ""))))
    netloc, path = _place_of(url)
    host, lower = netloc.lower(), path.lower()
    kinds = {found.lastgroup for found in _PATH_WORDS.finditer(lower)}
    large = (width or 0) >= _LARGE and (height or 0) >= _LARGE
    if not large:
        tracker = "tracker" in kinds or _TRACKER_HOST.search(host)
        if tracker and not _PHOTO.search(path) and (width is None or not _IMAGE_LINK.search(path)):
            return Why.TRACKING_PIXEL, netloc
        if names & n.ICON:
            return Why.ICON, attrs.get("class", "")
        if "icon" in kinds or _BADGE.search(host + lower):
            return Why.ICON, path
        if "share" in kinds:
            return Why.SHARE_BUTTON, path
        if not recall and width is not None and height is not None and width <= _MAX_ICON and height <= _MAX_ICON:
            return Why.ICON, f"{width}x{height}"
    if names & n.AVATAR or "avatar" in kinds:
        return Why.AVATAR, attrs.get("class", "") or path
    if "advert" in kinds or any(found.lastgroup == "advert" for found in _PATH_WORDS.finditer("/" + host)):
        return Why.ADVERT, path
    return None


def _place_of(url: str) -> tuple[str, str]:
    """Host (with user and port) and path of an absolute URL, as written."""
    _, _, after = url.partition("?")[0].partition("://")
    host, _, path = after.partition("/")
    return host, "/" + path


def emoji_text(attrs: dict[str, str]) -> str | None:
    """The character that an emoji image stands for, or None."""
    alt = attrs.get("alt", "")
    if 0 < len(alt) <= 8 and not alt.isascii() and not any(c.isalnum() for c in alt):
        return alt
    return None


def full_size(tree: Tree, i: int, base: str, charset: str) -> str | None:
    """The picture that the link around an image leads to, or None where it leads to a page or nowhere."""
    up = tree.parent[i]
    for _ in range(4):
        if up < 0 or tree.tag[up] in ("body", "p", "li", "td"):
            return None
        if tree.tag[up] == "a":
            href = tree.get(up, "href")
            url = resolve(base, href, charset) if href else None
            return url if url and _IMAGE_LINK.search(_place_of(url)[1]) else None
        up = tree.parent[up]
    return None


class Gallery:
    """Turns image elements into nodes or drops, and remembers what the page showed already."""

    def __init__(self, tree: Tree, base: str, charset: str, limits: Limits, *, recall: bool) -> None:
        """`base` is what references are resolved against."""
        self.recall = recall
        self.tree, self.base, self.charset, self.limits = tree, base, charset, limits
        self.seen: set[str] = set()
        self.dropped: list[DroppedImage] = []
        self.data: dict[str, bytes] = {}
        self.num_kept = 0

    def drop(self, url: str, why: Why, detail: str = "") -> None:
        """Record an image that is not placed."""
        self.dropped.append(DroppedImage(url=url[:4_000], reason=why, detail=detail[:200]))

    def take(self, i: int, *, noscript: bool = False) -> Node | str | None:
        """The node of image element `i`, or of the background of element `i`; a string for an emoji; None where it is
        dropped (and recorded)."""
        attrs = attributes(self.tree.attrs[i])
        source = find_source(self.tree, i, attrs) if self.tree.tag[i] in IMAGE_TAGS else background_of(attrs)
        width, height = size_of(attrs)
        if source is None:
            url = attrs.get("src", "")
            pixel = width is not None and height is not None and max(width, height) <= _MAX_PIXEL
            full = resolve(self.base, url, self.charset) if url else None
            why = Why.TRACKING_PIXEL if pixel and full else Why.PLACEHOLDER
            self.drop(full or url, why if full or not has_scheme(url) else Why.BAD_URL)
            return None
        if source.url[:5].lower() == "data:":
            named = self._data_url(source.url)
            if named is None:
                return None
            url = named
        else:
            found = resolve(self.base, source.url, self.charset)
            if found is None:
                self.drop(source.url, Why.BAD_URL)
                return None
            url = found
        bad = judge(url, attrs, width, height, recall=self.recall)
        if bad:
            emoji = emoji_text(attrs) if bad[0] is Why.ICON else None
            if emoji is None:
                self.drop(url, *bad)
            return emoji
        if source.found_by == "src" and ("hidden" in attrs or _NOT_DISPLAYED.search(attrs.get("style", ""))):
            self.drop(url, Why.HIDDEN, "hidden" if "hidden" in attrs else "style")
            return None
        if url in self.seen:
            self.drop(url, Why.DUPLICATE_IN_PAGE)
            return None
        if self.num_kept >= self.limits.max_images:
            self.drop(url, Why.OVER_LIMIT)
            return None
        self.seen.add(url)
        self.num_kept += 1
        return Node(
            image_url=url,
            role="image",
            alt=_short(attrs.get("alt") or attrs.get("aria-label")),
            title=_short(attrs.get("title")),
            width=width,
            height=height,
            found_by="noscript" if noscript else source.found_by,
            full_size_url=full_size(self.tree, i, self.base, self.charset),
        )

    def _data_url(self, url: str) -> str | None:
        """The name `data:sha256,HEX` of an image inside a URL, its bytes kept aside; None where it is dropped."""
        raw = decode_data_url(url, self.limits.max_data_image_bytes)
        if raw is None:
            self.drop(url[:64], Why.DATA_URL, "not a raster image, or too large")
            return None
        if len(raw) < 200:  # a stand-in: the smallest true picture of the gold has 400 bytes
            self.drop(url[:64], Why.PLACEHOLDER, f"{len(raw)} bytes")
            return None
        if sum(map(len, self.data.values())) + len(raw) > self.limits.max_data_bytes:
            self.drop(url[:64], Why.DATA_URL, "over the limit of the page")
            return None
        name = "data:sha256," + hashlib.sha256(raw).hexdigest()
        self.data[name] = raw
        return name


def _short(value: str | None) -> str | None:
    """An alt or title with white space collapsed, at most 1,000 characters; None where empty."""
    if not value:
        return None
    value = " ".join(value.split())[:1_000]
    return value or None
