"""What a page of the sample is: its bytes, the pictures that it loads, and the truth about both."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What sort of page it is."""

    ARTICLE = "article"  # text, figures, captions
    GALLERY = "gallery"  # many pictures, a line of text each
    LAZY = "lazy"  # data-src, placeholders, noscript copies
    SRCSET = "srcset"  # srcset and picture
    TABLE = "table"
    LIST = "list"
    CODE = "code"
    LINKS = "links"  # a thousand links
    NEAR_DUPLICATE = "near_duplicate"  # an earlier page with some sentences changed, at another URL
    SAME_PAGE = "same_page"  # an earlier page, at a later date
    SAME_RECORD = "same_record"  # an earlier record once more
    NO_IMAGES = "no_images"
    LEGACY_CHARSET = "legacy_charset"  # declared in the header, in the page, or not at all
    JUNK = "junk"  # lists of keywords, gibberish
    HOSTILE = "hostile"
    NO_AI = "no_ai"  # says noai
    NO_IMAGE_AI = "no_image_ai"  # says noimageai
    RESERVED = "reserved"  # reserves text and data mining
    RECIPE = "recipe"
    SHOP = "shop"
    FORUM = "forum"


class Verdict(StrEnum):
    """What a person would do with the page in a data set."""

    KEEP = "keep"
    TEXT_ONLY = "text_only"  # keep the text, but not its images
    OPTED_OUT = "opted_out"
    DUPLICATE = "duplicate"  # one of two pages that say the same
    JUNK = "junk"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the web answers for an image URL."""

    data: bytes
    content_type: str
    status: int = 200


TextNode = tuple[str, str, str]  # "text", role, text
ImageNode = tuple[str, str, str, str]  # "image", url, alt, caption ("" where there is none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The main content as a person would check it, and what must not be in it.

    * nodes: in page order, the page's title first (heading1; a reader may also take it as the title alone); a
      figure's caption stands with its image and, after it, as a text of role `caption`
    * absent_texts, absent_images: the page's furniture (texts, image URLs)
    * alternatives: for an image URL of `nodes`, the URLs that show the same picture there (srcset, picture)
    """

    verdict: Verdict
    nodes: tuple[TextNode | ImageNode, ...]
    absent_texts: tuple[str, ...] = ()
    absent_images: tuple[str, ...] = ()
    alternatives: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the sample crawl.

    * content_type: the HTTP header's value; `headers` are the further ones
    * captured: when, as YYYY-MM-DDTHH:MM:SSZ
    * images: URL -> answer, for every image that a browser would load
    * pairs: (image URL, what is on it in the page's language), for the whole pictures of the main content
    * repeats: the number of the page that this one repeats, or None
    """

    url: str
    html: bytes
    content_type: str
    language: str
    kind: Kind
    images: dict[str, Picture]
    truth: Truth
    pairs: list[tuple[str, str]]
    title: str
    captured: str
    headers: tuple[tuple[str, str], ...] = ()
    repeats: int | None = None
