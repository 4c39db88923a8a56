"""The books: in each step and unit, in = out + sum(dropped by reason), and out is in of the next step with that unit.

Units: record, document, node (a text), reference (an image in a document), url, file (distinct image bytes). All
figures are counted from committed rows by DataFrame aggregations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.errors import BooksDoNotBalance

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

STEP_ORDER = ("00_inputs", "01_documents", "02_unique", "03_links", "04_images", "05_matches", "shards")


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
    inputs, documents, unique = _first_steps(run)
    links_url, references, joins = _reference_steps(run)
    entries = [*inputs, *documents, *unique, *links_url, *references, *_shard_entries(run)]
    entries.sort(key=lambda entry: STEP_ORDER.index(entry.step))
    return entries, joins + _file_joins(run)


def _first_steps(run: Run) -> tuple[list[Entry], list[Entry], list[Entry]]:
    from pyspark.sql import functions as F

    counts = run.table("inputs").select(F.explode("counts").alias("c")).select("c.drop_reason", "c.records")
    records = _entry("00_inputs", "record", counts.groupBy("drop_reason").agg(F.sum("records").alias("count")))
    documents = run.table("documents")
    document = _entry("01_documents", "document", documents.groupBy("drop_reason").count())
    nodes = documents.select("drop_reason", F.explode("nodes").alias("n"))
    is_kept = F.col("drop_reason").isNull()
    # A node of a dropped document is dropped with it; its own reason comes first.
    reason = F.coalesce("n.drop_reason", F.when(~is_kept, F.lit("document")))
    text = nodes.where(F.col("n.text").isNotNull()).select(reason.alias("drop_reason"))
    image = nodes.where(F.col("n.image_url").isNotNull()).select(reason.alias("drop_reason"))
    never = documents.select(F.explode("dropped_images").alias("d")).select("d.drop_reason")
    unique = run.table("unique")
    return (
        [records],
        [
            document,
            _entry("01_documents", "node", text.groupBy("drop_reason").count()),
            _entry("01_documents", "reference", image.unionByName(never).groupBy("drop_reason").count()),
        ],
        [_entry("02_unique", "document", unique.groupBy("drop_reason").count()), *_unique_nodes(run)],
    )


def _unique_nodes(run: Run) -> list[Entry]:
    """Nodes and references of the documents that 01 kept, through 02."""
    from pyspark.sql import functions as F

    key = ["warc_filename", "warc_record_offset"]
    unique = run.table("unique").select(*key, F.col("drop_reason").alias("why"), "dropped_nodes")
    documents = run.table("documents").where(F.col("drop_reason").isNull()).select(*key, "nodes")
    nodes = documents.join(unique, key, how="inner").select(
        "why", "dropped_nodes", F.posexplode("nodes").alias("i", "n")
    )
    kept = nodes.where(F.col("n.drop_reason").isNull())
    gone = F.when(F.col("why").isNotNull(), F.lit("document"))
    repeats = F.when(F.array_contains("dropped_nodes", F.col("i")), F.lit("repeated_on_site"))
    text = kept.where(F.col("n.text").isNotNull()).select(F.coalesce(gone, repeats).alias("drop_reason"))
    image = kept.where(F.col("n.image_url").isNotNull()).select(gone.alias("drop_reason"))
    return [
        _entry("02_unique", "node", text.groupBy("drop_reason").count()),
        _entry("02_unique", "reference", image.groupBy("drop_reason").count()),
    ]


def _reference_steps(run: Run) -> tuple[list[Entry], list[Entry], list[Join]]:
    """URLs and files of 03 and 04; references of 03 to 05, told apart by the first word of their reason."""
    from pyspark.sql import functions as F

    links = run.table("links")
    images = run.table("images")
    url03 = _entry("03_links", "url", links.groupBy("drop_reason").count())
    url04 = _entry("04_images", "url", images.groupBy("drop_reason").count())
    files = images.where(F.col("sha256").isNotNull()).groupBy("sha256").agg(F.min("drop_reason").alias("drop_reason"))
    file04 = _entry("04_images", "file", files.groupBy("drop_reason").count())
    matches = dict(_counts(run.table("matches").groupBy("drop_reason").count()))
    by_step: dict[str, Counter[str]] = {
        "03_links": Counter(),
        "04_images": Counter(),
        "05_matches": Counter(),
    }
    for reason, count in matches.items():
        if reason is not None:
            by_step[_step_of(reason)][reason] += count
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
    sums = links.agg(
        F.sum("num_references").alias("all"),
        F.sum("num_opted_out").alias("out"),
        F.sum(F.when(F.col("drop_reason").isNull(), F.col("num_references"))).alias("kept"),
    ).first()
    in04 = images.agg(F.sum("num_references").alias("all")).first()
    of_links = {name: int((sums and sums[name]) or 0) for name in ("all", "out", "kept")}
    joins = [
        Join(
            name="03_links: references of all urls and opted-out pages",
            left=of_links["all"] + of_links["out"],
            right=references[0].count_in,
        ),
        Join(name="03_links: references of the urls kept", left=of_links["kept"], right=references[0].count_out),
        Join(
            name="04_images: references of the urls asked",
            left=int((in04 and in04["all"]) or 0),
            right=references[1].count_in,
        ),
    ]
    return [url03, url04, file04], references, joins


def _step_of(reason: str) -> str:
    if reason == "opted_out" or reason.startswith("url:"):
        return "03_links"
    return "04_images" if reason.startswith(("fetch:", "file:")) else "05_matches"


def _shard_entries(run: Run) -> list[Entry]:
    """Documents, nodes and references into and out of the shards."""
    from pyspark.sql import functions as F

    decisions = run.table("decisions")
    rows = decisions.groupBy("drop_reason").agg(
        F.count("*").alias("document"),
        F.sum("num_texts").alias("node"),
        F.sum("num_images").alias("reference"),
    )
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
    found = [row.asDict() for row in rows.collect()]
    entries = []
    for unit in ("document", "node", "reference"):
        dropped: Counter[str] = Counter()
        for row in found:
            if row["drop_reason"] is not None and row[unit]:
                dropped[row["drop_reason"] if unit == "document" else "document"] += row[unit]
        dropped.update({reason: count for (of_unit, reason), count in late.items() if of_unit == unit and count})
        total = sum(row[unit] or 0 for row in found)
        entries.append(
            Entry(
                step="shards",
                unit=unit,
                count_in=total,
                count_out=out[unit],
                dropped=dict(sorted(dropped.items())),
            )
        )
    return entries


def _file_joins(run: Run) -> list[Join]:
    """Pages are documents; each file is measured once; the manifest says what the shards hold."""
    from pyspark.sql import functions as F

    pages = run.table("inputs").agg(F.sum("num_pages").alias("n")).first()
    rows = run.table("documents").count()
    return [
        Join(
            name="00_inputs: pages and rows of 01_documents",
            left=int((pages and pages["n"]) or 0),
            right=rows,
        )
    ]


def _entry(step: str, unit: str, counted: DataFrame) -> Entry:
    """An entry from rows (drop_reason, count)."""
    counts = dict(_counts(counted))
    kept = counts.pop(None, 0)
    dropped = {str(reason): count for reason, count in sorted(counts.items(), key=lambda item: str(item[0]))}
    return Entry(step=step, unit=unit, count_in=kept + sum(dropped.values()), count_out=kept, dropped=dropped)


def _counts(counted: DataFrame) -> list[tuple[str | None, int]]:
    return [(row["drop_reason"], int(row["count"] or 0)) for row in counted.collect()]
