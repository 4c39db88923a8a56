"""What extraction gives back: a page as text and image nodes in page order, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, ReferenceReason

MODES = ("main", "recall")
"""`main` keeps the main content (M3W-like), `recall` the page without its furniture (OBELICS-like)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one page may cost; a page that breaks one of these is a `Document` with a `failure` and no nodes.

    The first four are checked on the bytes, before the parser (C code that Python cannot interrupt) is called;
    `max_seconds` between the passes of our own code. The parser is linear in bytes but quadratic in depth and in
    the attributes of one tag (measured on lexbor: 10,000 nested `<div>` 0.15 s, 100,000 15 s; 20,000 attributes on
    one tag 0.9 s), which is where the bounds on depth and attributes come from.
    """

    max_bytes: int = 10_000_000  # Common Crawl cuts a response at 5 MiB
    max_elements: int = 200_000  # start tags; the longest page of the gold has 12,000, the HTML standard 150,000
    max_depth: int = 3_000  # open elements; browsers flatten a tree deeper than 512
    max_attributes: int = 5_000  # of one tag
    max_seconds: float = 20.0  # CPU seconds in our own passes
    max_nodes: int = 20_000  # nodes given back
    max_images: int = 1_000  # a shard numbers the images of a document with three digits
    max_data_image_bytes: int = 2_000_000  # of one data: image, decoded
    max_data_bytes: int = 8_000_000  # of all data: images of one page

    def __post_init__(self) -> None:
        """Raise ConfigError where a bound is not positive."""
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ConfigError(f"extract.{name} must be positive, not {getattr(self, name)!r}")


@dataclass(slots=True, kw_only=True)
class Node:
    """One text or one image, where a reader of the page meets it; exactly one of `text`, `image_url` is None.

    Nobody changes one; it is not frozen because that costs 5 microseconds a node, a twentieth of an extraction.
    """

    text: str | None = None
    image_url: str | None = None  # absolute, as a browser resolves it; `data:sha256,HEX` for a data: image
    role: str = "paragraph"  # heading1..heading6, paragraph, list_item, quote, code, table, caption, image
    alt: str | None = None
    title: str | None = None
    caption: str | None = None
    width: int | None = None  # pixels, as the page declares them
    height: int | None = None
    found_by: str | None = None  # src, srcset, picture, data, noscript, background, or a lazy-loading attribute
    full_size_url: str | None = None  # the larger picture that the image links to
    link_density: float = 0.0  # share of the text's characters that stand in links


@dataclass(slots=True, kw_only=True)
class DroppedImage:
    """An image of the page that is not among the nodes."""

    url: str
    reason: ReferenceReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedText:
    """A text of the page that is not among the nodes; collected only with `explain=True`."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A page as extracted. `failure` is None, or says which budget the page broke (then there are no nodes)."""

    nodes: list[Node] = field(default_factory=list)
    failure: DocumentReason | None = None
    title: str | None = None
    description: str | None = None
    canonical_url: str | None = None
    declared_language: str | None = None
    date: str | None = None  # YYYY-MM-DD, where the page says one
    author: str | None = None
    site_name: str | None = None
    licence: str | None = None  # absolute URL of rel=license
    consent: tuple[str, ...] = ()  # `signal:where`, see filters.consent
    opted_out: bool = False
    images_opted_out: bool = False
    charset: str = "utf-8"
    mojibake: float = 0.0
    dropped: list[DroppedImage] = field(default_factory=list)
    dropped_texts: list[DroppedText] = field(default_factory=list)
    og_image: str | None = None
    data_images: dict[str, bytes] = field(default_factory=dict)
    num_links: int = 0  # `a` elements with text in the whole page
    num_elements: int = 0
    link_density: float = 0.0  # of the kept text
