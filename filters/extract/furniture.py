"""What of a page is not for its reader: hidden elements, navigation, banners, share rows, comments, related links.

One pass in page order; what is taken out is a subtree with a reason, and its images are reported with that reason.
Names are believed only together with structure (see `names`): a word such as `comments` on an element that holds most
of the page's text takes nothing out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from filters.extract import names as n
from filters.extract.code import is_line_number
from filters.extract.density import A_LINK, HEADINGS, Sums
from filters.extract.hidden import is_faded, is_hidden
from filters.extract.tree import Tree
from schemas.reasons import ReferenceReason as Why

_NEVER_SHOWN: Final = frozenset(
    (
        "head title select datalist textarea option optgroup noframes map area param source track "
        "rt rp rtc input progress meter audio video canvas object embed annotation annotation-xml "
        "amp-ad amp-sidebar amp-analytics amp-pixel amp-consent amp-sticky-ad amp-social-share "
        "amp-embed amp-video nav"
    ).split()
)
_ROLES: Final = re.compile(r' role="(?:menu|menubar|navigation|alert|alertdialog|dialog|search|toolbar|tooltip)"')
_SOFT_ROLES: Final = re.compile(r' role="(?:complementary|contentinfo|banner)"')
_TITLE_ALONE: Final = 500
"""Characters without links from which an element around the page's first `h1` is more than a banner with a title (half
and twice of it alike on the gold's tune half)."""
_RESPONSIVE: Final = re.compile(r"[\" ](?:d|hidden|visible|show)-(?:xs|sm|md|lg|xl|xxl)-?")
"""Hidden on some screens only."""

NOTHING: Final[Mapping[int, Why]] = MappingProxyType({})
MAIN: Final = "main"
RECALL: Final = "recall"


_CONCEALED: Final = 1 << 24
_ROLE: Final = 1 << 25
_SOFT_ROLE: Final = 1 << 26
_FADED: Final = 1 << 27
_NAMES: Final = _CONCEALED - 1
"""What the attributes of an element say, above the flags of `names`."""
_TELLING: Final = ~(n.MAYBE | n.POSITIVE | n.NEGATIVE | n.AVATAR | n.ICON | n.CAPTION | n.TEASER)
"""What may take an element out; the other names weigh, or are asked for elsewhere."""


@n.cached_by_tag
def facts_of(raw: str) -> int:
    """What a serialised tag says: hidden, a role of furniture, and the flags of `names` where they are believed."""
    name = raw[: raw.find(" ")]
    facts = 0
    if ("hidden" in raw or "style=" in raw) and name not in _ALWAYS_SHOWN:
        facts = _CONCEALED if is_hidden(raw) else _FADED if is_faded(raw) else 0
    if ' role="' in raw:
        facts |= (_ROLE if _ROLES.search(raw) else 0) | (_SOFT_ROLE if _SOFT_ROLES.search(raw) else 0)
    if name not in _NEVER_NAMED and "-" not in name:
        facts |= n.flags_of(raw)
    elif name in _NAMED_HIDDEN:
        facts |= n.flags_of(raw) & (n.HIDDEN | n.META if name == "p" else n.HIDDEN)
    return facts


def _tells(raw: str) -> bool:
    """Whether the tag of a link is worth a closer look."""
    return "hidden" in raw or "style=" in raw or "role=" in raw or "sr-only" in raw or "screen-r" in raw


def prune(
    tree: Tree,
    raw_sums: Sums,
    *,
    mode: str,
    known: Mapping[int, Why] = NOTHING,
    by_name: int = 2,
    heading: int = -1,
    comments: bool = True,
) -> dict[int, Why]:
    """Roots of the subtrees that are furniture, each with its reason.

    `raw_sums` are those of the whole tree; `known` is what goes whatever it is called. `by_name` is how far names are
    believed: 2 also where only the name speaks, 1 where the structure agrees, 0 not at all. `heading` is where the
    title stands. In mode `main` comment threads are furniture, in mode `recall` they are where `comments` is False.
    """
    tag, attrs, end = tree.tag, tree.attrs, tree.end
    gone: dict[int, Why] = {}
    links = tree.all_of(_PRESSED)
    reached = 0  # end of the last subtree that is gone
    faded: bool | None = None  # whether what is transparent stays so, asked where something is
    protected = 0  # end of the table, code or figure around, where weak names are not believed
    for i in sorted([*tree.attributed, *tree.all_of(_LOOKED_AT), *known]):
        if i < reached:
            continue
        name, raw = tag[i], attrs[i]
        facts = facts_of(raw) if raw and (name != "a" or _tells(raw)) else 0
        if not facts & _TELLING and name not in _LOOKED_AT and i not in known:
            continue
        if name in _NAMED_HIDDEN and i < protected:
            facts &= ~n.HIDDEN
        if facts & _FADED and faded is None:
            faded = _stays_faded(tree, raw_sums)
        why = None
        if i in known:
            why = known[i]
        elif name in _NEVER_SHOWN:
            why = Why.FURNITURE
        elif name == "dialog" and ' open="' not in raw:
            why = Why.HIDDEN
        elif facts & (_CONCEALED | _ROLE):
            why = Why.HIDDEN if facts & _CONCEALED else Why.FURNITURE
        elif facts & _FADED and faded:
            why = Why.HIDDEN
        elif facts & n.LINE_NUMBERS and is_line_number(tree, i):
            why = Why.FURNITURE
        elif by_name and facts & _NAMES & _TELLING:
            titled = i < heading < end[i]
            weakly = by_name == 2 and mode == MAIN and i >= protected and not titled
            if weakly and name == "header" and _heads_entry(tree, raw_sums, i):
                weakly = False
            flags = facts & _NAMES
            if not comments and flags & n.COMMENTS and not flags & n.MAYBE:
                why = Why.FURNITURE
            else:
                why = _by_name(tree, raw_sums, links, i, flags, mode, titled=titled, weakly=weakly)
        if why is None and (
            (name == "footer" and (mode == MAIN or not _inside_article(tree, i)))
            or (mode == MAIN and (name == "aside" or facts & _SOFT_ROLE))
        ):
            why = Why.FURNITURE
        if why is not None:
            gone[i] = why
            reached = end[i]
        elif name in _PROTECTING and end[i] > protected:
            protected = end[i]
    return gone


def _stays_faded(tree: Tree, sums: Sums) -> bool:
    """Whether the transparent elements of a page hold so little of it that no script will show them."""
    there = (i for i in tree.attributed if "opacity" in tree.attrs[i] and facts_of(tree.attrs[i]) & _FADED)
    held = sum(sums.text[tree.end[i]] - sums.text[i] for i in there)
    return held < _FADED_SHARE * sums.text[-1]


def _by_name(
    tree: Tree, sums: Sums, links: list[int], i: int, flags: int, mode: str, *, titled: bool, weakly: bool
) -> Why | None:
    """The reason for which element `i` goes, whose names say `flags`, or None. `titled` where the page's title stands
    in it; `weakly` where a name alone is believed."""
    stop = tree.end[i]
    size = sums.text[stop] - sums.text[i]
    density = (sums.link[stop] - sums.link[i]) / size if size else 0.0
    share = size / max(1, sums.text[-1])
    if flags & n.HIDDEN and _RESPONSIVE.search(tree.attrs[i]):
        flags &= ~n.HIDDEN
    if flags & n.SHARE and "blockquote" in tree.at and _holds(tree.at["blockquote"], i, stop):
        flags &= ~(n.SHARE | n.UNLIKELY)  # a post that the text quotes
    alone = not titled or flags & n.HIDDEN or size * (1 - density) < _TITLE_ALONE
    linked = flags & _LINKING != 0 and _holds(links, i, stop)
    why = _strong(flags, size, density, share, linked, mode) if alone else None
    if why is not None:
        return why
    if flags & n.NAV_BOX and share < _LARGE_PART and _PICTURES.isdisjoint(tree.tag[i:stop]):
        return Why.FURNITURE
    return _weak(flags) if weakly and share < _MOST else None


def _holds(indices: list[int], start: int, stop: int) -> bool:
    """Whether one of the sorted indices lies in a range."""
    at = bisect_left(indices, start)
    return at < len(indices) and indices[at] < stop


_LINKING: Final = n.SHARE | n.RELATED
"""Names that are believed of what holds a link or a button."""
_ALWAYS_SHOWN: Final = frozenset(("body", "html", "img"))
_PICTURES: Final = frozenset(("img", "amp-img"))
_PROTECTING: Final = frozenset(("table", "pre", "code", "figure"))
"""What holds content whatever the names in it say (none of them: the gold's tune half loses 0.003 of the images)."""
_LOOKED_AT: Final = _NEVER_SHOWN | _PROTECTING | {"footer", "aside", "dialog"}
"""Elements that are looked at even without attributes."""
_NEVER_NAMED: Final = frozenset(
    (
        "body html a main article img pre code p h1 h2 h3 h4 h5 h6 em strong b i figcaption blockquote td tr tbody"
    ).split()
)


_NAMED_HIDDEN: Final = frozenset("a p h1 h2 h3 h4 h5 h6 em strong b i".split())
"""Of these, those that a name can hide: `<h2 class="screen-reader-text">`; not in a figure, table or code."""

_AUTHOR_BOX: Final = 600
"""Characters of a box about the author, at most (half and twice of it alike on the gold's tune half)."""


_AD_TEXT: Final = 150
"""Characters without links from which a box named after adverts says something itself (half and twice of it alike on
the gold's tune half)."""
_FADED_SHARE: Final = 0.3
"""Share of the page's characters from which its transparent elements are such as a script shows later (0.1 to 0.6 alike
on the gold's tune half, where no such element holds content)."""
_NEAR: Final = 30
"""Nodes of a header in which its heading is looked for: heading, date, author (half and twice of it alike on
the gold's tune half)."""
_PRESSED: Final = frozenset(("a", "button", "input"))
"""What makes a row one of buttons."""


_PART: Final = 0.3
"""Share of the page's characters from which a name is not believed: the element is the page (half and twice of it alike
on the gold's tune half)."""
_LARGE_PART: Final = 0.5
"""The same for what its links say too: navigation, related articles (half of it and 0.9 alike on the gold's tune
half)."""
_MOST: Final = 0.6
"""The same for what goes by its name alone (on the gold's tune half half of it loses 0.0009, 0.9 alike)."""
_SHARE_TEXT: Final = 150
"""Characters without links from which an element named after sharing says something itself (half and twice of it alike
on the gold's tune half)."""
_FEW: Final = 60
"""Characters of a strip of related articles or of navigation that is one without many links (half and twice of it alike
on the gold's tune half)."""
_RELATED_LINKS: Final = 0.12
_NAV_LINKS: Final = 0.5
"""Share of linked characters of related articles and of navigation that are longer (on the gold's tune half 0.25 for
the former loses 0.005 of the snippets, 0.05 alike; half of the latter and 0.75 alike)."""
_BANNER_TEXT: Final = range(10, 1_500)
"""Characters of a banner: less is an empty place, more is a page about cookies or newsletters (half and twice of the
latter alike on the gold's tune half)."""
_META_TEXT: Final = 200
"""Characters of a line of dates, tags or ratings, at most (half and twice of it alike on the gold's tune half)."""


def _strong(flags: int, size: int, density: float, share: float, linked: bool, mode: str) -> Why | None:
    """The reason for which an element of these names goes where its structure agrees, or None."""
    if flags & n.HIDDEN and share < _PART:
        return Why.HIDDEN
    if flags & n.SHARE and linked and size * (1 - density) < _SHARE_TEXT:
        return Why.SHARE_BUTTON
    if mode == MAIN and flags & n.COMMENTS and not flags & n.MAYBE:
        return Why.FURNITURE
    if flags & n.RELATED and linked and share < _LARGE_PART and (density > _RELATED_LINKS or size < _FEW):
        return Why.RELATED_STRIP
    if flags & (n.AUTHOR if mode == MAIN else n.AUTHOR_BOX) and size < _AUTHOR_BOX and share < _PART:
        return Why.FURNITURE
    if flags & n.MAYBE:
        return None
    if flags & n.AD_BOX and size * (1 - density) < _AD_TEXT and share < _PART:
        return Why.ADVERT
    named = (
        (flags & n.BANNER and share < _PART and size in _BANNER_TEXT)
        or (flags & n.NAV and share < _LARGE_PART and (density > _NAV_LINKS or size < _FEW))
        or (flags & n.FOOTER and share < _PART)
        or (mode == MAIN and flags & n.META and size < _META_TEXT and share < _PART)
    )
    return Why.FURNITURE if named else None


def _weak(flags: int) -> Why | None:
    """The reason for which an element goes by its name alone, or None."""
    if flags & n.UNLIKELY and not flags & n.MAYBE:
        if flags & n.RELATED:
            return Why.RELATED_STRIP
        return Why.ADVERT if flags & n.ADVERT else Why.FURNITURE
    return None


def _heads_entry(tree: Tree, sums: Sums, i: int) -> bool:
    """Whether the `header` at `i` is that of an entry of a listing: in an `article`, its heading a link."""
    if not _inside_article(tree, i):
        return False
    for j in range(i + 1, min(tree.end[i], i + _NEAR)):
        if tree.tag[j] in HEADINGS:
            size = sums.text[tree.end[j]] - sums.text[j]
            return size > 0 and sums.link[tree.end[j]] - sums.link[j] >= A_LINK * size
    return False


def _inside_article(tree: Tree, i: int) -> bool:
    parent = tree.parent[i]
    steps = 0
    while parent >= 0 and steps < 50:
        if tree.tag[parent] in ("article", "blockquote", "main"):
            return True
        parent = tree.parent[parent]
        steps += 1
    return False
