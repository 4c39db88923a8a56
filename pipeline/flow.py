"""The flow: every step in order, what it reads, what it writes, which recipe sections change it.

This tuple is the only place where the order is said; `weft stages` and docs/pipeline.md are printed from it.
"""

from __future__ import annotations

from pipeline import (
    assemble,
    dedup_documents,
    dedup_images,
    dedup_with_images,
    documents,
    embed,
    fetch_images,
    fetch_rounds,
    group_pictures,
    judge_images,
    list_images,
    measure_images,
    percentiles,
    score_pairs,
    write_shards,
)
from pipeline.run import Step
from schemas.document import DECISIONS, DOCUMENTS, INPUTS, UNIQUE
from schemas.errors import ConfigError
from schemas.image import (
    ATTEMPTS,
    DATA_IMAGES,
    DUPLICATES,
    EMBEDDINGS,
    FILES,
    IMAGES,
    LEDGER,
    LINKS,
    MATCHES,
    PERCENTILES,
    PICTURES,
    REFERENCES,
)

HEAD_KEYS = ("path", "sees", "hidden", "answer", "output", "side", "mean", "std")
"""What a score depends on, bounds apart."""

FLOW: tuple[Step, ...] = (
    Step(
        name="01_documents",
        doc="HTML pages of the archives: extracted, language identified, measured, judged.",
        stages=(
            "read_warc",
            "block_pages",
            "extract",
            "mask_personal_data",
            "identify_language",
            "measure_text",
            "judge_text",
            "count_tokens",
        ),
        tables=(DOCUMENTS, INPUTS, DATA_IMAGES),
        after=(),
        sections=(
            "read_warc",
            "page_urls",
            "extract",
            "personal_data",
            "language",
            "text",
            "decontaminate",
            "minhash.width",
            "minhash.num_perm",
            "minhash.sketch_size",
            "minhash.keep_shingles",
        ),
        make=documents.make,
    ),
    Step(
        name="02_unique",
        doc="Which documents are duplicates, and which paragraphs repeat over a site.",
        stages=("dedup_documents",),
        tables=(UNIQUE,),
        after=("01_documents",),
        sections=("dedup", "minhash"),
        make=dedup_documents.make,
    ),
    Step(
        name="03_links",
        doc="Distinct image URLs of the unique documents, judged by URL and by the page's consent.",
        stages=("list_images",),
        tables=(LINKS,),
        after=("02_unique",),
        sections=("image_urls", "fetch.max_urls_per_host"),
        make=list_images.make,
    ),
    Step(
        name="04_images/ledger",
        doc="Answers to image URLs; bytes go into the image store. No URL with an answer is asked again.",
        stages=("fetch_known", "fetch_images"),
        tables=(LEDGER, ATTEMPTS),
        after=("03_links",),
        sections=(),
        make=fetch_images.make,
        accumulates=True,
        editions=fetch_rounds.editions,
    ),
    Step(
        name="04_images/files",
        doc="Distinct image bytes: measured, hashed, scored for safety.",
        stages=("measure_images",),
        tables=(FILES,),
        after=("04_images/ledger",),
        # max_score too: what it calls not safe is erased, and must be found gone when another bound would keep it.
        sections=(
            "nsfw.model",
            "nsfw.classes",
            "nsfw.resolution",
            "nsfw.max_score",
            "nsfw_head",
            *(f"{head}.{key}" for head in ("watermark", "aesthetic") for key in HEAD_KEYS),
        ),
        make=measure_images.make,
        accumulates=True,
    ),
    Step(
        name="04_images/images",
        doc="Each image URL with its answer, measures and decision; what is not safe is erased from the store.",
        stages=("judge_images",),
        tables=(IMAGES,),
        after=("03_links", "04_images/files"),
        sections=("images", "nsfw", "nsfw_head", "watermark", "aesthetic", "decontaminate_images"),
        make=judge_images.make,
    ),
    Step(
        name="05_matches/pictures",
        doc="Image files that may be used, grouped by the picture that they show.",
        stages=("group_pictures",),
        tables=(PICTURES,),
        after=("04_images/images",),
        sections=("dedup_images.radius", "dedup_images.text_radius", "dedup_images.min_quality", "images.text_rich"),
        make=group_pictures.make,
    ),
    Step(
        name="05_matches/references",
        doc="Each image in each document: what became of it, repeats in document, site and corpus.",
        stages=("dedup_images",),
        tables=(REFERENCES,),
        after=("02_unique", "03_links", "04_images/images", "05_matches/pictures"),
        sections=("dedup_images",),
        make=dedup_images.make,
    ),
    Step(
        name="05_matches/duplicates",
        doc="Documents that show the same images, or are near-duplicates by text and images together.",
        stages=("dedup_with_images",),
        tables=(DUPLICATES,),
        after=("02_unique", "05_matches/pictures", "05_matches/references"),
        sections=("dedup_with_images",),
        make=dedup_with_images.make,
    ),
    Step(
        name="05_matches/embeddings",
        doc="CLIP embeddings of image files.",
        stages=("embed",),
        tables=(EMBEDDINGS,),
        after=("05_matches/references",),
        sections=("clip.model", "clip.precision", "clip.batch_size"),
        make=embed.make,
        accumulates=True,
    ),
    Step(
        name="05_matches/matches",
        doc="Images of a document scored against its texts, each assigned a text.",
        stages=("score_pairs",),
        tables=(MATCHES,),
        after=("05_matches/references", "05_matches/embeddings"),
        sections=("clip",),
        make=score_pairs.make,
    ),
    Step(
        name="05_matches/percentiles",
        doc="Where cosines stand among those of their model.",
        stages=("percentiles",),
        tables=(PERCENTILES,),
        after=("05_matches/matches",),
        sections=("clip.model",),
        make=percentiles.make,
    ),
    Step(
        name="05_matches/decisions",
        doc="What is left of each document, and whether it goes into a shard.",
        stages=("assemble",),
        tables=(DECISIONS,),
        after=("02_unique", "05_matches/duplicates", "05_matches/matches"),
        sections=("assemble", "nsfw"),
        make=assemble.make,
    ),
    Step(
        name="shards",
        doc="WebDataset tars with an index each, and the manifest.",
        stages=("assemble", "write_shards"),
        tables=(),
        after=("05_matches/decisions",),
        sections=(
            "read_warc",
            "page_urls",
            "extract",
            "personal_data",
            "language",
            "text",
            "decontaminate",
            "minhash",
            "dedup",
            "image_urls",
            "fetch",
            "images",
            "nsfw",
            "nsfw_head",
            "watermark",
            "aesthetic",
            "decontaminate_images",
            "dedup_images",
            "dedup_with_images",
            "clip",
            "assemble",
            "shard",
        ),
        make=write_shards.make,
        records="shards/_work",
    ),
)


def select(stages: str | None) -> tuple[Step, ...]:
    """The steps of a range like "01_documents..03_links", "04_images", "..03_links"; None = all.

    Either end names a step, or a folder of steps, by its start.

    Raises:
        ConfigError: an end names no step, or the range is empty.
    """
    if stages is None:
        return FLOW
    if not stages.strip():
        raise ConfigError(f"--stages is empty; steps: {', '.join(step.name for step in FLOW)}")
    first, dots, last = stages.partition("..")
    begin = _position(first, 0) if first else 0
    end = _position(last, -1) if last else (len(FLOW) - 1 if dots else _position(first, -1))
    if end < begin:
        raise ConfigError(f"--stages {stages}: {last} comes before {first}")
    return FLOW[begin : end + 1]


def _position(name: str, which: int) -> int:
    found = [number for number, step in enumerate(FLOW) if step.name == name or step.name.startswith(f"{name}/")]
    if not found:
        raise ConfigError(f"--stages: no step {name}; steps: {', '.join(step.name for step in FLOW)}")
    return found[which]
