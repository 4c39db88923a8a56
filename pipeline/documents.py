"""Step 01: archives in, documents out. Eight stages fused in one pass; a page is read, judged and written once.

    read_warc -> block_pages -> extract -> mask_personal_data -> identify_language
              -> measure_text -> judge_text -> count_tokens

One slice is one archive (or a bounded number of pointers into one). Its task writes documents, the row of its input
file, and the images that stand in pages as data: URLs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from filters import decontaminate, language, page_lists, page_urls
from filters.document_id import document_id
from filters.forgotten import Forgotten
from filters.text import tokens, word_lists
from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.models import load as load_models
from pipeline import (
    block_pages,
    count_tokens,
    extract,
    forget_pages,
    identify_language,
    judge_text,
    mask_personal_data,
    measure_text,
    rejudge,
    tombstones,
)
from pipeline.archive.inputs import InputFile, read_input
from pipeline.draft import BatchStage, Draft, PageStage
from pipeline.fetch.block_lists import Registry, read_lists
from pipeline.read_warc import Tally, drafts
from pipeline.recipe_file import digest
from pipeline.rejudge import MEASURED
from pipeline.slices import Guard, Process, Work, run_listed
from pipeline.store import StoreWriter
from schemas.document import DOCUMENTS, INPUTS
from schemas.image import DATA_IMAGES
from schemas.reasons import DocumentReason, NodeReason

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.run import Run

BATCH_CHARS = 300_000
"""Characters of text that are measured, judged and written at once: some hundred pages."""

_NODE = tuple(f.name for f in fields(NodeMeasures))
_DOCUMENT = tuple(f.name for f in fields(DocumentMeasures))


def input_slices(inputs: Sequence[InputFile]) -> tuple[tuple[str, str], ...]:
    """(slice, payload) for each work item; the name stands for what is read, not for where it lies."""

    def name(item: InputFile) -> str:
        pointers = item.pointers.data.hex() if item.pointers else None
        is_vague = item.size_bytes is None and "/" not in item.warc_filename  # two servers may have files of one name
        return digest([item.warc_filename, item.size_bytes, pointers, *([item.path] if is_vague else [])])

    return tuple((name(item), item.to_json()) for item in inputs)


def input_bytes(slices: Iterable[tuple[str, str]]) -> int | None:
    """Bytes that the slices of `input_slices` read; None where only a server knows of one."""
    sizes = [json.loads(payload).get("size_bytes") for _, payload in slices]
    return None if None in sizes else sum(sizes)


def make(run: Run) -> None:
    """Read the archives that are not read yet; rows that were measured under other thresholds are judged again."""
    guard = Guard(
        record_seconds=run.recipe.extract.watchdog_s,
        worker_bytes=run.recipe.extract.worker_bytes,
    )
    prefix = run.where("01_documents").data_prefix(run.folder)
    num_tasks = min(len(run.inputs), run.parallelism())
    process = read_slice(
        run.recipe, prefix, num_tasks=num_tasks, root=str(run.folder), measured=run.measured("01_documents")
    )
    rejudge.from_stored(run, guard)
    errors = run_listed(run.spark, run.where("01_documents"), run.inputs, process, guard)
    run.check("01_documents", errors)


def read_slice(
    recipe: Recipe,
    prefix: str,
    *,
    num_tasks: int = 1,
    more: Sequence[PageStage] = (),
    root: str | None = None,
    measured: str = "",
) -> Process:
    """What a task does with one slice.

    Args:
        recipe: what is read and kept.
        prefix: folder of the slice's store files, relative to the output folder.
        num_tasks: tasks that run at once, which share the ceiling of requests to remote archives.
        more: stages of a caller's own, after extraction.
        root: output folder, whose tombstones count; None has none.
        measured: what stands for the measures, kept in the commit record for `pipeline.rejudge`.
    """

    def process(work: Work) -> None:
        item = InputFile.from_json(next(work.rows())["payload"])
        page_stages, batch_stages = stages(recipe)
        forgotten = tombstones.load(root) if root else Forgotten(())
        if forgotten:
            before, after = forget_pages.stages(forgotten)
            block, extraction, *others = page_stages
            page_stages = (before, block, extraction, after, *others)
        store = StoreWriter(str(work.out.folder.path / "data"), work.slice)
        tally = Tally(item.warc_filename)
        registry = read_lists(recipe.fetch.block_lists)
        records = read_input(item, recipe.read_warc, num_tasks=num_tasks)
        for batch in _batches(drafts(records, tally, work.journal), (*page_stages, *more), work.at_once(BATCH_CHARS)):
            work.together(batch)
            for stage in batch_stages:
                stage([draft for draft in batch if draft.drop_reason is None])
            _keep_data_images(batch, store, work, prefix, registry)
            work.out.write(DOCUMENTS, [forget_pages.closed(row(draft)) for draft in batch])
        work.out.write(INPUTS, [tally.row()])
        work.extra[MEASURED] = measured
        for path, _ in store.close():
            work.out.add(work.out.folder.path / "data" / path, table="store", rows=0)

    return process


def stages(recipe: Recipe) -> tuple[tuple[PageStage, ...], tuple[BatchStage, ...]]:
    """The stages after reading, bound to the recipe; models are loaded once a worker."""
    identifier = _identifier(recipe.language.model)
    models = load_models(recipe.text.models)
    judge = judge_text.judge_of(recipe.language, recipe.text, recipe.decontaminate, _lists(), models)
    return (
        (
            block_pages.stage(_blocklist(recipe.page_urls)),
            extract.stage(recipe.extract),
            mask_personal_data.stage(recipe.personal_data),
            identify_language.stage(recipe.language, identifier),
        ),
        (
            measure_text.stage(recipe.minhash, _lists(), models, _evaluation(recipe.decontaminate)),
            judge_text.stage(judge),
            count_tokens.stage(_tokenizer()),
        ),
    )


def row(draft: Draft) -> dict[str, Any]:
    """The row of DOCUMENTS."""
    page, document = draft.page, draft.document
    is_closed = draft.drop_reason == DocumentReason.OPTED_OUT or document is None
    return {
        "id": document_id(page.url, page.fetched_at, page.payload_digest),
        "url": page.url,
        "url_key": page_urls.canonical(page.url),
        "site": page_urls.site(page.url),
        "warc_filename": draft.warc_filename,
        "warc_record_offset": page.offset,
        "warc_record_length": page.length,
        "payload_digest": page.payload_digest,
        "fetched_at": page.fetched_at,
        "crawl": draft.crawl,
        "num_html_bytes": len(page.body),
        "charset": document.charset if document else None,
        "title": document.title if document and not is_closed else None,
        "author": document.author if document and not is_closed else None,
        "date": document.date if document and not is_closed else None,
        "licence": document.licence if document else None,
        "declared_language": document.declared_language if document else None,
        "consent": list(document.consent) if document else [],
        "images_opted_out": bool(document and document.images_opted_out),
        "language": draft.language,
        "language_score": draft.language_score,
        "language_shares": [{"language": name, "share": share} for name, share in _language_shares(draft).items()],
        "masked": [{"kind": kind, "count": count} for kind, count in sorted(draft.masked.items())],
        "nodes": [] if is_closed else list(_nodes(draft)),
        "dropped_images": []
        if is_closed or document is None
        else [{"url": dropped.url, "drop_reason": str(dropped.reason)} for dropped in document.dropped],
        "num_words": sum(facts.measures.num_words for facts in draft.texts if facts.drop_reason is None),
        "num_tokens": sum(facts.num_tokens or 0 for facts in draft.texts),
        "measures": {name: getattr(draft.measures, name) for name in _DOCUMENT} if draft.measures else None,
        "contaminated_runs": draft.contaminated_runs,
        "text_hash": draft.text_hash,
        "signature": draft.signature,
        "shingles": draft.shingles,
        "not_scored": [name for name in _DOCUMENT if draft.measures and getattr(draft.measures, name) is None],
        "drop_reason": None if draft.drop_reason is None else str(draft.drop_reason),
    }


def _batches(pages: Iterable[Draft], page_stages: Sequence[PageStage], bound: int) -> Iterator[list[Draft]]:
    """Pages through the stages that take one at a time, then together up to a bound of text."""
    held: list[Draft] = []
    size = 0
    for draft in pages:
        try:
            for stage in page_stages:
                if draft.drop_reason is None:
                    stage(draft)
            _encode(draft)
        except MemoryError:
            draft.document, draft.drop_reason = None, draft.drop_reason or DocumentReason.OVER_MEMORY
        except Exception:  # noqa: BLE001 - the boundary of a record: a page never stops a job
            draft.document, draft.drop_reason = None, draft.drop_reason or DocumentReason.EXTRACT_FAILED
        held.append(draft)
        size += 1_000 + sum(map(len, draft.node_texts()))
        if size >= bound:
            yield held
            held, size = [], 0
    yield held


def _encode(draft: Draft) -> None:
    """Raise UnicodeEncodeError where a string of the row is no UTF-8 (half a surrogate pair): no file takes it."""
    if (page := draft.document) is not None:
        told = [page.title, page.author, page.date, page.licence, page.declared_language, page.charset]
        for node in page.nodes:
            told += (node.text, node.image_url, node.alt, node.title, node.caption, node.found_by)
        told += (dropped.url for dropped in page.dropped)
        "".join(filter(None, told)).encode()


def _nodes(draft: Draft) -> Iterator[dict[str, Any]]:
    """The nodes of a row; those of a page that was dropped before it was measured have no measures."""
    facts = iter(draft.texts)
    languages = iter(draft.node_languages)
    for node in draft.document.nodes if draft.document else ():
        known = next(facts, None) if node.text is not None else None
        yield {
            "role": node.role,
            "text": node.text,
            "image_url": node.image_url,
            "alt": node.alt,
            "title": node.title,
            "caption": node.caption,
            "width": node.width,
            "height": node.height,
            "found_by": node.found_by,
            "link_density": node.link_density if node.text is not None else None,
            "language": next(languages, None) if node.text is not None else None,
            "text_hash": known.text_hash if known else None,
            "num_words": known.measures.num_words if known else None,
            "num_tokens": known.num_tokens if known else None,
            "measures": {name: getattr(known.measures, name) for name in _NODE} if known else None,
            "drop_reason": _reason(known.drop_reason) if known else None,
        }


def _language_shares(draft: Draft) -> dict[str, float]:
    pairs = [(name, len(text)) for name, text in zip(draft.node_languages, draft.node_texts(), strict=False) if name]
    return language.shares([name for name, _ in pairs], [size for _, size in pairs])


def _reason(reason: NodeReason | None) -> str | None:
    return None if reason is None else str(reason)


def _keep_data_images(
    batch: list[Draft], store: StoreWriter, work: Work, prefix: str, registry: Registry | None
) -> None:
    """Put the bytes of data: images of pages that are kept into the store; of those on a list only the hash."""
    rows = []
    for draft in batch:
        if draft.drop_reason is None and draft.document is not None and not draft.document.images_opted_out:
            for url, data in draft.document.data_images.items():
                sha256 = url.rpartition(",")[2]
                known: dict[str, Any] = {"url": url, "sha256": sha256, "blocked": None}
                if registry and (why := registry.blocks_bytes(data)):
                    nowhere = {"store_file": None, "store_offset": None, "store_length": None}
                    rows.append({**known, **nowhere, "blocked": why})
                    continue
                at = store.append(data, name=sha256)
                place = {"store_file": f"{prefix}/{at.file}", "store_offset": at.offset, "store_length": at.length}
                rows.append({**known, **place})
    work.out.write(DATA_IMAGES, rows)


@cache
def _identifier(model: str) -> language.Identifier:
    return language.load(model)


@cache
def _blocklist(config: page_lists.Config) -> page_lists.Blocklist | None:
    return page_lists.load(config.blocklists) if config.blocklists else None


@cache
def _evaluation(config: decontaminate.Config) -> decontaminate.Index | None:
    return decontaminate.load(config)


@cache
def _lists() -> word_lists.Lists:
    return word_lists.load()


@cache
def _tokenizer() -> tokens.Tokenizer:
    return tokens.load()
