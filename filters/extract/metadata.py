"""What a page says about itself: title, description, canonical URL, date, author, site name, language, licence."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from filters.extract.text import clean_inline
from filters.extract.tree import Tree, attributes
from filters.extract.urls import base_url, resolve

_SEPARATOR: Final = re.compile(r"\s+(?:[|\u2013\u2014\u00bb\u00ab\u00b7\u2022:>~]|-|::|//)\s+")
"""What stands between a title and the name of the site."""
_DATE: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/.]?(0[1-9]|1[0-2])[-/.]?(0[1-9]|[12]\d|3[01])(?!\d)")
"""A day in any form that puts the year first; the years are those of the web and of what is older and dated."""
_DATE_KEYS: Final = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.issued",
    "pubdate",
    "publishdate",
    "publish-date",
    "parsely-pub-date",
    "sailthru.date",
    "og:published_time",
    "citation_date",
    "citation_publication_date",
    "article.published",
    "cxenseparse:recs:publishtime",
    "og:article:published_time",
    "last-modified",
    "article:modified_time",
    "datemodified",
)
_AUTHOR_KEYS: Final = (
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "parsely-author",
    "citation_author",
    "byl",
    "sailthru.author",
    "twitter:creator",
)
_TITLE_KEYS: Final = (
    "og:title",
    "twitter:title",
    "dc.title",
    "dcterms.title",
    "parsely-title",
    "weibo:article:title",
    "citation_title",
)
_DESCRIPTION_KEYS: Final = (
    "og:description",
    "description",
    "twitter:description",
    "dc.description",
    "dcterms.description",
)
"""Names of `meta`, most trusted first: Open Graph, Dublin Core, Highwire, and those of the larger newspapers' systems.
No score of the gold depends on them but the title, by which the heading is known."""


_KEYS: Final = ("property", "name", "itemprop", "http-equiv")
"""Attributes that name what a `meta` says."""
_SPEAKING: Final = frozenset(("meta", "link", "base", "html", "title", "h1"))
"""Elements that say something about the page."""


@dataclass(slots=True)
class Metadata:
    """What the head (and a few marked elements) of a page say; URLs absolute, texts with white space collapsed."""

    base: str
    title: str | None = None
    description: str | None = None
    canonical_url: str | None = None
    declared_language: str | None = None
    date: str | None = None
    author: str | None = None
    site_name: str | None = None
    licence: str | None = None
    og_image: str | None = None
    metas: list[tuple[str, str]] = field(default_factory=list)


def read_metadata(tree: Tree, url: str, charset: str) -> Metadata:
    """The page's metadata; what the page says in several places is taken in the order: Open Graph or another meta,
    JSON-LD, then the page itself."""
    metas: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    links: dict[str, str] = {}
    base_href = None
    language = page_title = heading = None
    for i in tree.all_of(_SPEAKING):
        name = tree.tag[i]
        if name == "meta":
            attrs = attributes(tree.attrs[i])
            if content := attrs.get("content"):
                keys = " ".join([attrs[key_name] for key_name in _KEYS if key_name in attrs])
                for key in keys.lower().split():
                    metas.setdefault(key, content)
                    pairs.append((key, content))
        elif name == "link":
            raw = tree.attrs[i].lower()
            if "canonical" not in raw and "license" not in raw:
                continue
            attrs = attributes(tree.attrs[i])
            for rel in attrs.get("rel", "").lower().split():
                if rel in ("canonical", "license") and attrs.get("href"):
                    links.setdefault(rel, attrs["href"])
        elif name == "base" and base_href is None:
            base_href = tree.get(i, "href")
        elif name == "html" and language is None:
            language = tree.get(i, "lang") or tree.get(i, "xml:lang")
        elif name == "title" and page_title is None:
            page_title = _text(tree, i)
        elif name == "h1" and heading is None:
            heading = _text(tree, i)
    if "license" not in links and (licence := _licence_link(tree)):
        links["license"] = licence
    base = base_url(url, base_href)
    found = Metadata(base=base, metas=pairs)
    found.declared_language = _short(language or metas.get("content-language") or metas.get("og:locale"), 35)
    for rel, attribute in (("canonical", "canonical_url"), ("license", "licence")):
        if links.get(rel):
            setattr(found, attribute, resolve(base, links[rel], charset))
    graph = _linked_data(tree.scripts)
    site = metas.get("og:site_name") or graph.get("site_name")
    told = _first(metas, _TITLE_KEYS) or _told_title(graph, page_title)
    found.title = _short(told or _page_title(page_title, heading, site), 500)
    found.description = _short(_first(metas, _DESCRIPTION_KEYS) or graph.get("description"), 2_000)
    found.site_name = _short(site or metas.get("application-name"), 200)
    author = _first(metas, _AUTHOR_KEYS) or graph.get("author") or _marked(tree, "author")
    names = (name for name in (author, graph.get("author")) if name and not name.startswith("http"))
    found.author = _short(next(names, None), 200)
    found.date = (
        _date(_first(metas, _DATE_KEYS[:-3]))
        or _date(graph.get("date"))
        or _time(tree)
        or _date(_first(metas, _DATE_KEYS[-3:]))
    )
    image = (
        metas.get("og:image")
        or metas.get("og:image:url")
        or metas.get("twitter:image")
        or metas.get("twitter:image:src")
        or graph.get("image")
    )
    found.og_image = resolve(base, image, charset) if image else None
    if not found.licence and graph.get("license"):
        found.licence = resolve(base, graph["license"], charset)
    return found


def _licence_link(tree: Tree) -> str | None:
    """Where the first link of the text that is marked as a licence leads."""
    attrs = tree.attrs
    for i in [i for i in tree.at.get("a", ()) if ' rel="' in attrs[i] and "license" in attrs[i].lower()]:
        if "license" in (tree.get(i, "rel") or "").lower().split():
            return tree.get(i, "href")
    return None


def _text(tree: Tree, i: int) -> str:
    return clean_inline("".join(tree.text[i : min(tree.end[i], i + 200)])).replace("\n", " ")


def _first(metas: dict[str, str], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if (value := metas.get(key)) and value.strip():
            return value
    return None


def _short(value: str | None, limit: int) -> str | None:
    value = clean_inline(value).replace("\n", " ")[:limit].strip() if value else None
    return value or None


_MARK_AFTER: Final = re.compile(r"\s*[\u00b6\u00a7#\U0001f517]\Z")
"""A permalink mark after a heading."""
_HANGING: Final = re.compile(r"\s+[|\u2013\u2014\u00bb\u00b7:-]+\s*\Z")
"""A separator that nothing follows: the template had no name to put there."""
_MARKS_OF_NOTHING: Final = " |-\u2013\u2014\u00b7:"


def _page_title(title: str | None, heading: str | None, site: str | None) -> str | None:
    """The title without the name of the site, where a heading or a separator shows which part that is."""
    heading = _MARK_AFTER.sub("", heading) if heading else heading
    if not title:
        return heading or None
    if (
        heading
        and (len(heading) > 10 or (len(heading) > 3 and not heading.isascii()))
        and heading.lower() in title.lower()
    ):
        return heading
    title = _HANGING.sub("", title) or title
    parts = [part for part in _SEPARATOR.split(title) if part.strip(_MARKS_OF_NOTHING)]
    if heading in parts:
        return heading
    if site and len(parts) > 1 and site.strip().casefold() in (parts[0].casefold(), parts[-1].casefold()):
        parts = parts[1:] if site.strip().casefold() == parts[0].casefold() else parts[:-1]
        return title[title.find(parts[0]) : title.rfind(parts[-1]) + len(parts[-1])]
    if len(parts) > 1:
        first = parts[0] if len(parts[0].split()) >= len(parts[-1].split()) else parts[-1]
        longest = max(parts, key=len)
        return (
            longest
            if len(first) < 0.5 * len(longest)
            else title[: title.rfind(parts[-1])].rstrip(" |\u2013\u2014\u00bb\u00b7:-")
            if first == parts[0]
            else first
        )
    return title


def _told_title(graph: dict[str, str], title: str | None) -> str | None:
    """The headline of JSON-LD, or its name where that is what the page's title says and the headline is not: a headline
    of Wikipedia's is a short description."""
    headline, name = graph.get("title"), graph.get("name")
    if headline and name and title:
        title = title.casefold()
        return name if headline.casefold() not in title and name.casefold() in title else headline
    return headline or name


def _date(value: str | None) -> str | None:
    """The first day in a value that the calendar has."""
    for year, month, day in _DATE.findall(value or ""):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return None


def _time(tree: Tree) -> str | None:
    """The first `time` element with a date."""
    for i in tree.at.get("time", ()):
        if day := _date(tree.get(i, "datetime")):
            return day
    return None


def _marked(tree: Tree, what: str) -> str | None:
    """The text of the first short element with `rel` or `itemprop` of that name."""
    marks = (f' rel="{what}"', f' itemprop="{what}"')
    attrs = tree.attrs
    for i in [i for i in tree.attributed if what in attrs[i]]:
        if marks[0] in attrs[i] or marks[1] in attrs[i]:
            text = _text(tree, i)
            if 2 < len(text) < 100:
                return text
    return None


_MAX_SCRIPT: Final = 500_000
"""Characters of a script that is read: a bound on hostile pages, the longest of the gold has 30,025."""
_BEFORE_JSON: Final = re.compile(r"(?:(?://|/\*)?\s*(?:<!\[CDATA\[|<!--)\s*(?:\*/)?)?")
_AFTER_JSON: Final = re.compile(r"(?:(?://|/\*)?\s*(?:\]\]>|-->)\s*(?:\*/)?)?\Z")
"""What pages put around JSON: a comment or a CDATA mark, in a comment of a script or not."""
_MARK_LENGTH: Final = 20
"""Characters at the end in which the second mark is looked for: the longest has 7, white space besides."""
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]\w{1,30});")
"""With a semicolon only: `&copy=2` belongs to a URL."""


def _linked_data(scripts: list[str]) -> dict[str, str]:
    """Title, description, date, author, site name, image and licence that JSON-LD gives for an article or page."""
    found: dict[str, str] = {}
    for script in scripts:
        if len(script) > _MAX_SCRIPT:
            continue
        try:
            data = json.loads(_unwrapped(script), strict=False)
        except (ValueError, RecursionError):
            continue
        queue: list[Any] = [data]
        for item in queue:  # grows as graphs are met, up to what a script can hold
            if isinstance(item, list):
                queue.extend(item)
            elif isinstance(item, dict):
                queue.extend(
                    v
                    for k, v in item.items()
                    if k in ("@graph", "mainEntity", "mainEntityOfPage") and isinstance(v, dict | list)
                )
                _read_item(item, found)
    return found


def _unwrapped(script: str) -> str:
    """A script without byte order mark, comment and CDATA marks."""
    script = script.strip().strip("\ufeff; \t\r\n")
    start = _BEFORE_JSON.match(script)
    stop = _AFTER_JSON.search(script, max(0, len(script) - _MARK_LENGTH))
    return script[start.end() if start else 0 : stop.start() if stop else None]


_SITES: Final = ("WebSite", "Organization", "NewsMediaOrganization")
_ARTICLES: Final = re.compile(r"(?:Article|Posting|WebPage|Report|Review|Recipe|NewsItem)$")
"""Ends of schema.org's types that describe the page itself; `_SITES` are those of who publishes it."""


def _read_item(item: dict[str, Any], found: dict[str, str]) -> None:
    kind = item.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    if any(isinstance(k, str) and _ARTICLES.search(k) for k in kinds):
        for ours, keys in (
            ("title", ("headline",)),
            ("name", ("name",)),
            ("description", ("description",)),
            ("date", ("datePublished", "dateCreated")),
            ("license", ("license",)),
            ("image", ("image",)),
            ("author", ("author", "creator")),
        ):
            for key in keys:
                value = _string(item.get(key))
                if value:
                    found.setdefault(ours, value)
        if publisher := _string(item.get("publisher")):
            found.setdefault("site_name", publisher)
    elif any(k in _SITES for k in kinds if isinstance(k, str)) and (name := _string(item.get("name"))):
        found.setdefault("site_name", name)


def _string(value: Any) -> str | None:
    """A value of JSON-LD as a string: the name or URL of an object, the members of a list joined.

    Entities, which mean nothing in a script but which templates write there, are resolved. Half of a surrogate pair,
    which only JSON can write, becomes a question mark: no file or digest takes it.
    """
    if isinstance(value, list):
        parts = [part for v in value[:10] if not isinstance(v, list) and (part := _string(v))]
        return ", ".join(parts) if parts else None
    if isinstance(value, dict):
        value = value.get("name") or value.get("url") or value.get("@id")
    if not isinstance(value, str):
        return None
    if "&" in value:
        value = _ENTITY.sub(lambda found: html.unescape(found[0]), value)
    return value.encode("utf-8", "replace").decode().strip() or None
