"""The passes over one page, in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from filters.consent import consent_of, images_opt_out, opts_out
from filters.extract.backgrounds import background_of, painted_in
from filters.extract.budget import Deadline, OverTimeError, broken_budget
from filters.extract.charset import mojibake_share, to_utf8
from filters.extract.code import listings
from filters.extract.content import Content, content_of
from filters.extract.copies import noscript_copies
from filters.extract.density import speaks
from filters.extract.document import MODES, Document, Limits, Node
from filters.extract.emit import Emitter
from filters.extract.explain import texts_left_out
from filters.extract.furniture import MAIN
from filters.extract.images import IMAGE_TAGS, Gallery, find_source
from filters.extract.metadata import Metadata, read_metadata
from filters.extract.sources import is_placeholder
from filters.extract.tables import data_tables
from filters.extract.tree import Tree, attribute, attributes, outermost, parse
from filters.extract.trim import trim
from filters.extract.urls import host_of, resolve
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason
from schemas.reasons import ReferenceReason as Why


def extract(
    html: bytes,
    url: str,
    mode: str = "main",
    *,
    comments: bool | None = None,
    http_charset: str | None = None,
    robots_headers: Sequence[str] = (),
    tdm_header: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    explain: bool = False,
) -> Document:
    """The page as a `Document`: nodes in page order, metadata, consent, and each image that was left out with why.

    `mode` is `main` (main content) or `recall` (all but furniture); `comments` says whether readers' comment threads
    are kept (None: as the mode does, `recall` keeps them); `http_charset` the charset of the HTTP header;
    `robots_headers` the values of X-Robots-Tag and `tdm_header` that of tdm-reservation in the response. With
    `explain` the texts left out are collected too. No bytes raise; ConfigError for an unknown mode.
    """
    if mode not in MODES:
        raise ConfigError(f"extract.mode must be one of {', '.join(MODES)}, not {mode!r}")
    deadline = Deadline(limits.max_seconds)
    broken = broken_budget(html, limits)
    headers = consent_of((), robots_headers, tdm_header)
    if broken is not None:
        return _failed(broken, headers)
    markup, charset = to_utf8(html, http_charset)
    tree = parse(markup, 3 * limits.max_elements)
    if tree is None:
        return _failed(DocumentReason.EXTRACT_FAILED, headers)
    if not tree.tag or len(tree.tag) > 3 * limits.max_elements:
        return _failed(DocumentReason.TOO_MANY_ELEMENTS, headers)
    tree.painted = painted_in(tree)
    about = read_metadata(tree, url, charset)
    consent = consent_of(about.metas, robots_headers, tdm_header)
    try:
        return _document(tree, about, url, charset, consent, mode, comments, limits, deadline, explain=explain)
    except OverTimeError:
        return _failed(DocumentReason.OVER_TIME, consent)


def _document(
    tree: Tree,
    about: Metadata,
    url: str,
    charset: str,
    consent: tuple[str, ...],
    mode: str,
    comments: bool | None,
    limits: Limits,
    deadline: Deadline,
    *,
    explain: bool,
) -> Document:
    """The document of a page that was parsed; OverTimeError where its passes take too long."""
    tables = data_tables(tree)
    code = listings(tree)
    content = content_of(
        tree, mode, tables=tables | code.keys(), title=about.title, host=host_of(url), comments=comments
    )
    deadline.check()
    gallery = Gallery(tree, about.base, charset, limits, recall=mode != MAIN)
    skip = noscript_copies(tree)
    deadline.check()
    emitter, num_content = _emit(tree, content, tables, code, gallery, skip, limits, deadline)
    everything = emitter.with_captions()
    deadline.check()
    trimmed = _trimmed(everything, num_content, about, gallery) if mode == MAIN else {}
    deadline.check()
    nodes = [node for i, node in enumerate(everything) if i not in trimmed]
    _report_others(tree, emitter, content, gallery, skip)
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
        dropped_texts=texts_left_out(tree, content, everything, trimmed) if explain else [],
        og_image=about.og_image,
        data_images=gallery.data,
        num_links=len(tree.at.get("a", ())),
        num_elements=sum(map(len, tree.at.values())),
        link_density=round(emitter.total_link / max(1, emitter.total_text), 4),
    )


def _failed(why: DocumentReason, consent: tuple[str, ...]) -> Document:
    return Document(failure=why, consent=consent, opted_out=opts_out(consent), images_opted_out=images_opt_out(consent))


def _emit(
    tree: Tree,
    content: Content,
    tables: set[int],
    code: Mapping[int, str],
    gallery: Gallery,
    skip: set[int],
    limits: Limits,
    deadline: Deadline,
) -> tuple[Emitter, int]:
    """An emitter that has walked the content and then the comment threads, and how many nodes the content has."""
    spoken = {i for i in tree.at.get("noscript", ()) if speaks(tree, i)}
    emitter = Emitter(tree, content.gone, tables, code, gallery, skip, spoken, limits, deadline)
    for root in content.roots:
        emitter.walk(root)
    num_content = len(emitter.nodes)
    emitter.gone = content.gone_in_threads
    for root in content.threads:
        emitter.walk(root)
    return emitter, num_content


def _trimmed(nodes: list[Node], num_content: int, about: Metadata, gallery: Gallery) -> dict[int, str]:
    """Indices of the nodes that are trimmed, each with why: of the content, and of the threads that follow it. Pictures
    among them are recorded as dropped."""
    gone = dict(trim(nodes[:num_content], about.title, about.author))
    if num_content < len(nodes):
        gone.update((num_content + i, why) for i, why in trim(nodes[num_content:], None))
    for i, why in gone.items():
        if (picture := nodes[i].image_url) is not None:
            gallery.drop(picture, Why.RELATED_STRIP, why)
    return gone


def _report_others(tree: Tree, emitter: Emitter, content: Content, gallery: Gallery, skip: set[int]) -> None:
    """Record the images that stand outside the content, each with the reason of what took it out."""
    gone = content.gone
    starts = outermost(tree, gone)
    for i in sorted((*tree.all_of(IMAGE_TAGS), *tree.painted)):
        if i in emitter.placed or i in skip:
            continue
        at = bisect_right(starts, i) - 1
        why = gone[starts[at]] if at >= 0 and i < tree.end[starts[at]] else Why.FURNITURE
        url = attribute(tree.attrs[i], "src") or ""
        if i in tree.painted:
            painted = background_of(attributes(tree.attrs[i]))
            url = painted.url if painted else url
        elif url[:5] == "data:" or is_placeholder(url):
            source = find_source(tree, i, attributes(tree.attrs[i]))
            url = source.url if source else url
        full = resolve(gallery.base, url, gallery.charset) if url[:5] != "data:" else url[:64]
        gallery.drop(full or url, why)
    for _ in range(tree.num_inline_svg):
        gallery.drop("", Why.INLINE_SVG)


def _report_og(about: Metadata, gallery: Gallery) -> None:
    if about.og_image and about.og_image not in gallery.seen:
        gallery.drop(about.og_image, Why.NOT_PLACED, "og:image")
