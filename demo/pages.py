"""Make any page of the sample: `make_page(seed, number)` is the same for the same two numbers, everywhere.

Pages come in blocks of 60 that hold every kind; the language and the pictures differ from block to block. Beside
those of its content, a page loads the pictures of its site's furniture (`demo.sites`).
"""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape

from demo import hostile, kinds
from demo.album import Album
from demo.body import Body
from demo.dice import Dice, digest
from demo.page import Kind, Page, Picture, Truth, Verdict
from demo.pictures.chrome import banner
from demo.prose import Prose
from demo.sites import SITES, Furniture, wrap

__all__ = ["BLOCK", "Page", "Picture", "Truth", "make_page"]

BLOCK = 60
_A, _G, _L, _S, _T, _I = Kind.ARTICLE, Kind.GALLERY, Kind.LAZY, Kind.SRCSET, Kind.TABLE, Kind.LIST
_SCHEDULE = (
    _A, _G, _A, _L, _S, _A, _T, _I, Kind.CODE, Kind.RECIPE, Kind.SHOP, Kind.FORUM,
    _A, Kind.LEGACY_CHARSET, Kind.NO_IMAGES, _A, Kind.LINKS, Kind.JUNK, Kind.HOSTILE, _G, Kind.NEAR_DUPLICATE,
    Kind.NO_AI, _A, _L, _S, _A, _T, Kind.LEGACY_CHARSET, Kind.SAME_PAGE, _I, Kind.HOSTILE, Kind.NO_IMAGE_AI,
    _A, _G, _A, Kind.NEAR_DUPLICATE, Kind.RECIPE, Kind.LEGACY_CHARSET, _S, _L, Kind.JUNK, Kind.RESERVED, _A, _T,
    Kind.SAME_RECORD, Kind.CODE, Kind.FORUM, Kind.LEGACY_CHARSET, Kind.HOSTILE, _G, Kind.NEAR_DUPLICATE, _A, _I,
    Kind.SHOP, _S, Kind.NO_IMAGES, _L, _G, _A, _A,
)  # fmt: skip
# Which page of the block a repeating page repeats: articles all.
_REPEATS = {20: 0, 28: 12, 35: 2, 44: 15, 50: 5}
# The forms of a page's first pictures, so that a block holds each at least once.
_FORMS = {
    0: ("jpeg",), 1: ("jpeg", "grey", "gif"), 2: ("jpeg", "exif"), 3: ("webp",), 6: ("palette",), 8: ("alpha", "png"),
    12: ("progressive",), 15: ("jpeg", "low"), 19: ("exif", "gif", "webp"), 22: ("cmyk",), 25: ("broken", "gone"),
    26: ("alpha",), 33: ("progressive", "jpeg", "cmyk"), 43: ("png",), 49: ("grey", "gif"), 57: ("jpeg", "broken"),
}  # fmt: skip
# Legacy charsets: (position in the block) -> language, charset, where it is declared
_CHARSETS = {
    13: ("ru", "windows-1251", "header"),
    27: ("zh", "gb18030", "meta"),
    37: ("de", "iso-8859-1", "nowhere"),
    47: ("ru", "windows-1251", "nowhere"),
}
_FIRST = datetime(2024, 5, 18, 4, 10, 7, tzinfo=UTC)
_SPACING = timedelta(seconds=41)
_LATER = timedelta(days=3)
_LANGUAGES = ("en",) * 15 + ("es", "fr", "de", "ru", "zh") * 9


def make_page(seed: int, number: int) -> Page:
    """Page `number` (from 0) of the sample with `seed`; the same for the same arguments.

    A page that repeats another one (`Page.repeats`) is made from the earlier one's number.
    """
    kind = _SCHEDULE[number % BLOCK]
    if number % BLOCK not in _REPEATS:
        return _compose(seed, number, kind)
    earlier = number - number % BLOCK + _REPEATS[number % BLOCK]
    if kind is Kind.NEAR_DUPLICATE:
        return _compose(seed, earlier, kind, near=number)
    page = make_page(seed, earlier)
    page = replace(page, kind=kind, repeats=earlier, truth=replace(page.truth, verdict=Verdict.DUPLICATE))
    if kind is Kind.SAME_PAGE:
        later = datetime.fromisoformat(page.captured) + _LATER
        return replace(page, captured=_stamp(later), html=page.html + b"<!-- cached copy -->\n")
    return page


@functools.lru_cache(maxsize=4)
def _languages(seed: int, block: int) -> list[str]:
    return Dice("languages", seed, block).some(_LANGUAGES, BLOCK)


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _compose(seed: int, number: int, kind: Kind, near: int = 0) -> Page:
    """Page `number`, or, with `near`, the page of that number that is nearly the same."""
    place, name = number % BLOCK, near or number
    charset = _CHARSETS.get(place)
    language = charset[0] if charset else _languages(seed, number // BLOCK)[place]
    dice = Dice("page", seed, number)
    site = dice.pick([site for site in SITES if site.language == language])
    prose = Prose(language, seed, number, variant=5 if near else 0)
    album = Album(prose, f"{site.picture_root}/2024/05/", (seed, number), _FORMS.get(place, ()))
    body = Body(album, relative=site.images == "own")
    draft = kinds.Draft(prose.line("titles"), prose, album, body, dice)
    way = {18: 0, 30: 1, 48: 2}.get(place, 0)
    if kind is Kind.HOSTILE:
        hostile.trap(body, way)
    kinds.LAYOUTS.get(kind, kinds.article)(draft)
    draft.head += _head(kind, charset, album)
    main = "\n".join(body.html)
    html, furniture = wrap(site, prose, draft.title, main, "\n".join(draft.head) + "\n", dice)
    if kind is Kind.HOSTILE:
        html = hostile.troubled(html, way)
    if kind is Kind.LAZY:
        furniture.image(f"{site.root}/static/img/loading.gif", banner("...", "grey", (120, 90)))
    slug = f"{kind.value.replace('_', '-')}-{digest('slug', seed, number, size=3)}"
    return Page(
        url=f"{site.root}/2024/05/{slug}-{name}.html",
        html=html.encode(charset[1] if charset else "utf-8", "xmlcharrefreplace"),
        content_type=_content_type(charset),
        language=language,
        kind=kind,
        images={**album.images, **furniture.images},
        truth=_truth(kind, way, draft, furniture),
        pairs=body.pairs,
        title=draft.title,
        captured=_stamp(_FIRST + name * _SPACING),
        headers=(("TDM-Reservation", "1"),) if kind is Kind.RESERVED else (),
        repeats=number if near else None,
    )


def _content_type(charset: tuple[str, str, str] | None) -> str:
    if charset is None:
        return "text/html; charset=UTF-8"
    return f"text/html; charset={charset[1]}" if charset[2] == "header" else "text/html"


def _head(kind: Kind, charset: tuple[str, str, str] | None, album: Album) -> list[str]:
    head = []
    if charset is None:
        head.append('<meta charset="utf-8">')
    elif charset[2] == "meta":
        head.append(f'<meta http-equiv="Content-Type" content="text/html; charset={charset[1]}">')
    if kind is Kind.NO_AI:
        head.append('<meta name="robots" content="noai, noimageai">')
    if kind is Kind.NO_IMAGE_AI:
        head.append('<meta name="robots" content="noimageai">')
    if album.shots:
        head.append(f'<meta property="og:image" content="{escape(album.shots[0].url)}">')
    return head


def _truth(kind: Kind, way: int, draft: kinds.Draft, furniture: Furniture) -> Truth:
    verdict = {
        Kind.NO_AI: Verdict.OPTED_OUT,
        Kind.RESERVED: Verdict.OPTED_OUT,
        Kind.NO_IMAGE_AI: Verdict.TEXT_ONLY,
        Kind.NEAR_DUPLICATE: Verdict.DUPLICATE,
        Kind.JUNK: Verdict.JUNK,
        Kind.LINKS: Verdict.JUNK,
    }.get(kind, Verdict.JUNK if kind is Kind.HOSTILE and way == 1 else Verdict.KEEP)
    return Truth(
        verdict=verdict,
        nodes=tuple(draft.body.nodes),
        absent_texts=(*furniture.texts, *draft.absent),
        absent_images=tuple(furniture.images),
        alternatives=dict(draft.body.alternatives),
    )
