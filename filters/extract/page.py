"""The passes over one page, in order."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from filters.consent import consent_of, images_opt_out, opts_out
from filters.extract.budget import broken_budget
from filters.extract.charset import mojibake_share, to_utf8
from filters.extract.clean import clean
from filters.extract.copies import noscript_copies
from filters.extract.density import Sums, lengths_of, speaks, sums_of, with_blocks
from filters.extract.document import MODES, Document, Limits
from filters.extract.emit import Emitter
from filters.extract.explain import texts_left_out
from filters.extract.furniture import MAIN, prune
from filters.extract.images import IMAGE_TAGS, Gallery, find_source
from filters.extract.lead import leads, title_at
from filters.extract.main_content import choose
from filters.extract.metadata import Metadata, read_metadata
from filters.extract.sources import is_placeholder
from filters.extract.tables import data_tables
from filters.extract.tree import Tree, attribute, attributes, parse
from filters.extract.trim import trim
from filters.extract.urls import resolve
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason
from schemas.reasons import ReferenceReason as Why


def extract(
    html: bytes,
    url: str,
    mode: str = "main",
    *,
    http_charset: str | None = None,
    robots_headers: Sequence[str] = (),
    tdm_header: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    explain: bool = False,
) -> Document:
    """The page as a `Document`: nodes in page order, metadata, consent, and each image that was left out with why.

    `mode` is `main` (main content) or `recall` (all but furniture); `http_charset` the charset of the HTTP header;
    `robots_headers` the values of X-Robots-Tag and `tdm_header` that of tdm-reservation in the response. With
    `explain` the texts left out are collected too. No bytes raise; ConfigError for an unknown mode.
    """
    if mode not in MODES:
        raise ConfigError(f"extract.mode must be one of {', '.join(MODES)}, not {mode!r}")
    deadline = time.process_time() + limits.max_seconds
    broken = broken_budget(html, limits)
    headers = consent_of((), robots_headers, tdm_header)
    if broken is not None:
        return _failed(broken, headers)
    markup, charset = to_utf8(html, http_charset)
    tree = parse(markup)
    if tree is None:
        return _failed(DocumentReason.EXTRACT_FAILED, headers)
    if len(tree.tag) > 3 * limits.max_elements:
        return _failed(DocumentReason.TOO_MANY_ELEMENTS, headers)
    about = read_metadata(tree, url, charset)
    consent = consent_of(about.metas, robots_headers, tdm_header)
    tables = data_tables(tree)
    roots, gone = _content(tree, mode, tables, about.title)
    if time.process_time() > deadline:
        return _failed(DocumentReason.OVER_TIME, consent)
    gallery = Gallery(tree, about.base, charset, limits, recall=mode != MAIN)
    skip = noscript_copies(tree)
    emitter = _emit(tree, roots, gone, tables, gallery, skip, limits)
    everything = emitter.with_captions()
    trimmed = dict(trim(everything, about.title, about.author)) if mode == MAIN else {}
    nodes = [node for i, node in enumerate(everything) if i not in trimmed]
    for i in trimmed:
        if (picture := everything[i].image_url) is not None:
            gallery.drop(picture, Why.RELATED_STRIP, trimmed[i])
    _report_others(tree, emitter, gone, gallery, skip)
    _report_og(about, gallery)
    return Document(
        nodes=nodes,
        title=about.title,
        description=about.description,
        canonical_url=about.canonical_url,
        declared_language=about.declared_language,
        date=about.date,
        author=about.author,
        site_name=about.site_name,
        licence=about.licence,
        consent=consent,
        opted_out=opts_out(consent),
        images_opted_out=images_opt_out(consent),
        charset=charset,
        mojibake=mojibake_share("".join(node.text for node in nodes if node.text)),
        dropped=gallery.dropped,
        dropped_texts=texts_left_out(tree, roots, gone, everything, trimmed) if explain else [],
        og_image=about.og_image,
        data_images=gallery.data,
        num_links=len(tree.at.get("a", ())),
        num_elements=sum(map(len, tree.at.values())),
        link_density=round(emitter.total_link / max(1, emitter.total_text), 4),
    )


def _failed(why: DocumentReason, consent: tuple[str, ...]) -> Document:
    return Document(failure=why, consent=consent, opted_out=opts_out(consent), images_opted_out=images_opt_out(consent))


_ATTEMPTS: Final = ((2, True, True, 500), (1, True, True, 500), (1, False, False, 140), (0, False, False, 0))
"""How far names are believed, whether they weigh, whether boxes are cleaned out, and the characters of content that are
enough: each reading is less suspicious than the one before (Readability's 500 for the first two; 140, a message, for
the last step, because it brings comments and related links back; tuned on the gold's tune half)."""


_NEARLY_ALL: Final = 0.9
"""Share of the page's characters outside links with which nothing is left to be found."""


def _emit(
    tree: Tree,
    roots: Sequence[int],
    gone: Mapping[int, Why],
    tables: set[int],
    gallery: Gallery,
    skip: set[int],
    limits: Limits,
) -> Emitter:
    """An emitter that has walked all roots."""
    spoken = {i for i in tree.at.get("noscript", ()) if speaks(tree, i)}
    emitter = Emitter(tree, gone, tables, gallery, skip, spoken, limits)
    for root in roots:
        emitter.walk(root)
    return emitter


def _content(tree: Tree, mode: str, tables: set[int], title: str | None) -> tuple[list[int], dict[int, Why]]:
    """Roots of the subtrees to give back, and the roots of what is left out inside them."""
    lengths = lengths_of(tree)
    raw_sums = sums_of(tree, lengths, {})
    if mode != MAIN:
        return [0] if tree.tag else [], prune(tree, raw_sums, mode=mode)
    blocks, heading = with_blocks(tree), title_at(tree, title)
    best: tuple[int, list[int], dict[int, Why]] | None = None
    before: tuple[dict[int, Why], bool, bool] | None = None
    for by_name, weigh, conditionally, enough in _ATTEMPTS:
        pruned = prune(tree, raw_sums, mode=mode, by_name=by_name, heading=heading)
        if before == (pruned, weigh, conditionally):
            continue  # nothing that this reading would see anew
        before = pruned, weigh, conditionally
        sums = sums_of(tree, lengths, pruned)
        region = choose(tree, pruned, sums, blocks, weigh_names=weigh)
        if region is None:
            return [], pruned
        gone = clean(tree, pruned, sums, region.roots, blocks, data_tables=tables, conditionally=conditionally)
        size = _kept_text(tree, raw_sums, gone, region.roots)
        if best is None or size > best[0]:
            best = size, leads(tree, gone, sums, blocks, heading, region.roots) + region.roots, gone
        if best[0] >= enough or best[0] >= _NEARLY_ALL * (sums.text[-1] - sums.link[-1]):
            break
    assert best is not None
    return best[1], best[2]


def _kept_text(tree: Tree, raw_sums: Sums, gone: Mapping[int, Why], roots: list[int]) -> int:
    """Characters in the roots outside what is gone."""
    text, end = raw_sums.text, tree.end
    size = 0
    removed = sorted(gone)
    for root in roots:
        size += text[end[root]] - text[root]
        at = bisect_left(removed, root)
        reached = root
        while at < len(removed) and removed[at] < end[root]:
            if removed[at] >= reached:
                reached = end[removed[at]]
                size -= text[reached] - text[removed[at]]
            at += 1
    return size


def _report_others(tree: Tree, emitter: Emitter, gone: dict[int, Why], gallery: Gallery, skip: set[int]) -> None:
    """Record the images that stand outside the content, each with the reason of what took it out."""
    starts: list[int] = []
    for i in sorted(gone):  # the outermost of the subtrees that are gone, which do not overlap
        if not starts or i >= tree.end[starts[-1]]:
            starts.append(i)
    for i in tree.all_of(IMAGE_TAGS):
        if i in emitter.placed or i in skip:
            continue
        at = bisect_right(starts, i) - 1
        why = gone[starts[at]] if at >= 0 and i < tree.end[starts[at]] else Why.FURNITURE
        url = attribute(tree.attrs[i], "src") or ""
        if url[:5] == "data:" or is_placeholder(url):
            source = find_source(tree, i, attributes(tree.attrs[i]))
            url = source.url if source else url
        full = resolve(gallery.base, url, gallery.charset) if url[:5] != "data:" else url[:64]
        gallery.drop(full or url, why)
    for _ in range(tree.num_inline_svg):
        gallery.drop("", Why.INLINE_SVG)


def _report_og(about: Metadata, gallery: Gallery) -> None:
    if about.og_image and about.og_image not in gallery.seen:
        gallery.drop(about.og_image, Why.NOT_PLACED, "og:image")
