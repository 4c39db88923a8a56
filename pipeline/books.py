"""The books: in each step and unit, in = out + sum(dropped by reason), and out is in of the next step with that unit.

Units: record, document, node (a text), reference (an image in a document), url, file (distinct image bytes). All
figures are counted from committed rows, by one DataFrame aggregation over all tables.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from pipeline.commits import new_attempt
from schemas.errors import BooksDoNotBalance

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run

STEP_ORDER = ("00_inputs", "01_documents", "02_unique", "03_links", "04_images", "05_matches", "shards")
Place = tuple[str, str]
"""Step and unit."""
Counts = dict[str | None, int]
"""Things by reason; None = kept."""
Sums = dict[Place, Counts]

OWN_REASONS = (
    ("00_inputs", "record"),
    ("01_documents", "document"),
    ("01_documents", "node"),
    ("01_documents", "reference"),
    ("02_unique", "document"),
    ("02_unique", "node"),
    ("02_unique", "reference"),
    ("03_links", "url"),
    ("04_images", "url"),
    ("04_images", "file"),
)
"""Entries whose rows say themselves why they were dropped there."""
PAGES = ("00_inputs", "page")
LINKED, OPTED_OUT = ("03_links", "shown"), ("03_links", "opted out")
ASKED = ("04_images", "shown")
MATCHED = ("05_matches", "reference")
CHECKED = "checked.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step and unit."""

    step: str
    unit: str
    count_in: int
    count_out: int
    dropped: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As `report.json` has it."""
        facts = asdict(self)
        return {
            "step": facts["step"],
            "unit": facts["unit"],
            "in": facts["count_in"],
            "out": facts["count_out"],
            "dropped": facts["dropped"],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Two counts of the same things, taken on both sides of a change of unit."""

    name: str
    left: int
    right: int

    def as_json(self) -> dict[str, Any]:
        """As `report.json` has it."""
        return asdict(self)


def note_checked(run: Run, *, has_report: bool) -> None:
    """Say that the books of this recipe and input balance, and whether their report was written."""
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    draft = folder / f".{CHECKED}-{new_attempt()}"
    draft.write_text(json.dumps({"shards": run.key("shards"), "has_report": has_report}), "utf-8")
    draft.replace(folder / CHECKED)


def was_checked(run: Run, *, with_report: bool = False) -> bool:
    """Whether `note_checked` said so of this recipe and input (and of its report), not of another."""
    try:
        found = json.loads((run.folder / "report" / CHECKED).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return found["shards"] == run.key("shards") and (found["has_report"] or not with_report)


def check(entries: Iterable[Entry], joins: Iterable[Join]) -> None:
    """Raise where anything does not add up.

    Raises:
        BooksDoNotBalance: names every step, unit or join that is off, with the figures.
    """
    wrong = []
    last: dict[str, Entry] = {}
    for entry in entries:
        gone = sum(entry.dropped.values())
        if entry.count_in != entry.count_out + gone:
            wrong.append(f"{entry.step}, {entry.unit}: {entry.count_in} in, {entry.count_out} out, {gone} dropped")
        before = last.get(entry.unit)
        if before is not None and before.count_out != entry.count_in:
            wrong.append(f"{entry.unit}: {before.count_out} out of {before.step}, {entry.count_in} into {entry.step}")
        last[entry.unit] = entry
    wrong += [
        f"{join.name}: {join.left} on one side, {join.right} on the other" for join in joins if join.left != join.right
    ]
    if wrong:
        raise BooksDoNotBalance("the books do not balance: " + "; ".join(wrong))


def books(run: Run) -> tuple[list[Entry], list[Join]]:
    """Entries in the order of the steps, and joins, counted from what was committed."""
    sums = _sums(run)
    references = _references(sums[MATCHED])
    entries = [*(_entry(*place, sums[place]) for place in OWN_REASONS), *references, *_shard_entries(run, sums)]
    entries.sort(key=lambda entry: STEP_ORDER.index(entry.step))
    return entries, _joins(sums, references)


def _sums(run: Run) -> Sums:
    """What every table counts, by step, unit and reason; one query, as planning one costs more than a small table."""
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    lines = reduce(DataFrame.unionByName, (*_of_documents(run), *_of_unique(run), *_of_images(run)))
    sums: Sums = defaultdict(dict)
    for row in lines.groupBy("step", "unit", "drop_reason").agg(F.sum("things").alias("things")).collect():
        if row["things"] is not None:
            sums[row["step"], row["unit"]][row["drop_reason"]] = int(row["things"])
    return sums


def _lines(rows: DataFrame, counted: Mapping[Place, Column | None]) -> DataFrame:
    """For each row and (step, unit) a line with its `drop_reason` and how many things it stands for; 1 for None."""
    from pyspark.sql import functions as F

    lines = [
        F.struct(
            F.lit(step).alias("step"),
            F.lit(unit).alias("unit"),
            F.col("drop_reason").cast("string").alias("drop_reason"),
            (F.lit(1) if things is None else things).cast("long").alias("things"),
        )
        for (step, unit), things in counted.items()
    ]
    return rows.select(F.inline(F.array(*lines)))


def _node_lines(nodes: DataFrame, step: str, text: Column, image: Column) -> DataFrame:
    """A line a node `n`; the reasons of a text and of an image."""
    from pyspark.sql import functions as F

    is_text = F.col("n.text").isNotNull()
    return nodes.select(
        F.lit(step).alias("step"),
        F.when(is_text, F.lit("node")).otherwise(F.lit("reference")).alias("unit"),
        F.when(is_text, text).otherwise(image).alias("drop_reason"),
        F.lit(1).cast("long").alias("things"),
    )


def _of_documents(run: Run) -> list[DataFrame]:
    from pyspark.sql import functions as F

    inputs, documents = run.table("inputs"), run.table("documents")
    counts = inputs.select(F.explode("counts").alias("c")).select("c.drop_reason", "c.records")
    pages = inputs.select("num_pages", F.lit(None).alias("drop_reason"))
    never = documents.select(F.explode("dropped_images").alias("d")).select("d.drop_reason")
    # A node of a dropped document is dropped with it; its own reason comes first.
    reason = F.coalesce("n.drop_reason", F.when(F.col("drop_reason").isNotNull(), F.lit("document")))
    nodes = documents.select("drop_reason", F.explode("nodes").alias("n"))
    return [
        _lines(counts, {("00_inputs", "record"): F.col("records")}),
        _lines(pages, {PAGES: F.col("num_pages")}),
        _lines(documents, {("01_documents", "document"): None}),
        _node_lines(nodes, "01_documents", reason, reason),
        _lines(never, {("01_documents", "reference"): None}),
    ]


def _of_unique(run: Run) -> list[DataFrame]:
    """Documents through 02, and nodes and references of the documents that 01 kept."""
    from pyspark.sql import functions as F

    key = ["warc_filename", "warc_record_offset"]
    unique = run.table("unique")
    documents = run.table("documents").where(F.col("drop_reason").isNull()).select(*key, "nodes")
    of_unique = unique.select(*key, F.col("drop_reason").alias("why"), "dropped_nodes")
    nodes = documents.join(of_unique, key, how="inner").select(
        "why", "dropped_nodes", F.posexplode("nodes").alias("i", "n")
    )
    gone = F.when(F.col("why").isNotNull(), F.lit("document"))
    repeats = F.when(F.array_contains("dropped_nodes", F.col("i")), F.lit("repeated_on_site"))
    kept = nodes.where(F.col("n.drop_reason").isNull())
    return [
        _lines(unique, {("02_unique", "document"): None}),
        _node_lines(kept, "02_unique", F.coalesce(gone, repeats), gone),
    ]


def _of_images(run: Run) -> list[DataFrame]:
    from pyspark.sql import functions as F

    links, images, decisions = run.table("links"), run.table("images"), run.table("decisions")
    files = images.where(F.col("sha256").isNotNull()).groupBy("sha256").agg(F.min("drop_reason").alias("drop_reason"))
    shown = F.col("num_references")
    of_decisions = {"document": None, "node": F.col("num_texts"), "reference": F.col("num_images")}
    return [
        _lines(links, {("03_links", "url"): None, LINKED: shown, OPTED_OUT: F.col("num_opted_out")}),
        _lines(images, {("04_images", "url"): None, ASKED: shown}),
        _lines(files, {("04_images", "file"): None}),
        _lines(run.table("matches"), {MATCHED: None}),
        _lines(decisions, {("decisions", unit): things for unit, things in of_decisions.items()}),
    ]


def _references(matches: Counts) -> list[Entry]:
    """References of 03 to 05, told apart by the first word of their reason."""
    by_step: dict[str, dict[str, int]] = {"03_links": {}, "04_images": {}, "05_matches": {}}
    for reason, count in matches.items():
        if reason is not None:
            by_step[_step_of(reason)][reason] = count
    total = sum(matches.values())
    references = []
    for step, dropped in by_step.items():
        left = total - sum(dropped.values())
        references.append(
            Entry(
                step=step,
                unit="reference",
                count_in=total,
                count_out=left,
                dropped=dict(sorted(dropped.items())),
            )
        )
        total = left
    return references


def _joins(sums: Sums, references: list[Entry]) -> list[Join]:
    """References by url and by document; pages and documents."""
    linked = sums[LINKED]
    return [
        Join(
            name="03_links: references of all urls and opted-out pages",
            left=sum(linked.values()) + sum(sums[OPTED_OUT].values()),
            right=references[0].count_in,
        ),
        Join(
            name="03_links: references of the urls kept",
            left=linked.get(None, 0),
            right=references[0].count_out,
        ),
        Join(
            name="04_images: references of the urls asked",
            left=sum(sums[ASKED].values()),
            right=references[1].count_in,
        ),
        Join(
            name="00_inputs: pages and rows of 01_documents",
            left=sum(sums[PAGES].values()),
            right=sum(sums["01_documents", "document"].values()),
        ),
    ]


def _step_of(reason: str) -> str:
    if reason == "opted_out" or reason.startswith("url:"):
        return "03_links"
    return "04_images" if reason.startswith(("fetch:", "file:")) else "05_matches"


def _shard_entries(run: Run, sums: Sums) -> list[Entry]:
    """Documents, nodes and references into and out of the shards."""
    late = Counter[tuple[str, str]]()
    out: Counter[str] = Counter()
    for commit in run.where("shards").commits().values():
        if "shard" not in commit.extra:
            continue
        for unit, by_reason in commit.extra["dropped"].items():
            for reason, count in by_reason.items():
                late[unit, reason] += count
        totals = commit.extra["totals"]
        out.update(
            document=totals.get("documents", 0),
            node=totals.get("texts", 0),
            reference=totals.get("images", 0),
        )
    entries = []
    for unit in ("document", "node", "reference"):
        dropped: Counter[str] = Counter()
        decided = sums["decisions", unit]
        for reason, count in decided.items():
            if reason is not None and count:
                dropped[reason if unit == "document" else "document"] += count
        dropped.update({reason: count for (of_unit, reason), count in late.items() if of_unit == unit and count})
        entries.append(
            Entry(
                step="shards",
                unit=unit,
                count_in=sum(decided.values()),
                count_out=out[unit],
                dropped=dict(sorted(dropped.items())),
            )
        )
    return entries


def _entry(step: str, unit: str, counts: Counts) -> Entry:
    dropped = {reason: counts[reason] for reason in sorted(name for name in counts if name is not None)}
    kept = counts.get(None, 0)
    return Entry(step=step, unit=unit, count_in=kept + sum(dropped.values()), count_out=kept, dropped=dropped)
