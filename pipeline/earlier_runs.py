"""Earlier runs that a new crawl is deduplicated against: keys, signatures and image hashes, never their documents.

What an earlier run put out stays; a page of this run that says the same is a duplicate of it, whichever is later. Of an
earlier run those documents count that went into its shards, or those that its 02 kept where it has none yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from filters import minhash
from pipeline.commits import StepFolder
from pipeline.recipe_file import build, digest
from pipeline.run_file import read_run
from schemas.document import DECISIONS, UNIQUE
from schemas.errors import ConfigError, InputError
from schemas.image import IMAGES, REFERENCES
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

STEPS = {
    UNIQUE.name: "02_unique",
    IMAGES.name: "04_images/images",
    REFERENCES.name: "05_matches/references",
    DECISIONS.name: "05_matches/decisions",
}
"""Tables of an earlier run that are read, and their steps."""
ROWS_LOOKED_AT = 64


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier run: what stands in its run.json."""

    folder: Path
    facts: dict[str, Any]

    def files(self, table: str) -> list[Path] | None:
        """The committed files of a table; None where its step was never finished."""
        step = StepFolder(self.folder / self.facts["tables"][STEPS[table]])
        commits = step.commits()
        if not any(name.startswith("done-") for name in commits):
            return None
        return [step.path / file.path for commit in commits.values() for file in commit.files if file.table == table]


def open_earlier(name: str) -> Earlier:
    """The run in a folder.

    Raises:
        InputError: there is none, or its documents were never deduplicated.
    """
    folder = Path(name).expanduser().resolve()
    try:
        facts = read_run(folder)
    except InputError as error:
        raise InputError(f"dedup.against: {error}") from error
    if "tables" not in facts:
        raise InputError(f"dedup.against: {name} is of an older weft; run weft run there again (it redoes nothing)")
    found = Earlier(folder, facts)
    if found.files(UNIQUE.name) is None:
        raise InputError(f"dedup.against: 02_unique of {name} is not done; finish that run first")
    return found


def check(against: Sequence[str], config: minhash.Config) -> None:
    """Raise where an earlier run cannot be compared with.

    Raises:
        InputError: see `open_earlier`.
        ConfigError: its signatures are of another kind, or it kept no shingles where they are compared.
    """
    for name in against:
        earlier = open_earlier(name)
        sections = earlier.facts["recipe"]["sections"]
        theirs = build(minhash.Config, sections.get("minhash", {}), "minhash")
        for key in ("width", "num_perm"):
            if getattr(theirs, key) != getattr(config, key):
                raise ConfigError(
                    f"dedup.against: {name} has minhash.{key} = {getattr(theirs, key)}, this recipe"
                    f" {getattr(config, key)}: signatures do not compare"
                )
        if config.verify == "exact" and not theirs.keep_shingles:
            raise ConfigError(f'dedup.against: {name} kept no shingles, which minhash.verify = "exact" compares')
        if config.verify == "sketch" and not theirs.keep_shingles and theirs.sketch_size < config.sketch_size:
            raise ConfigError(
                f"dedup.against: {name} kept {theirs.sketch_size} hashes of shingles a document, this recipe compares"
                f" {config.sketch_size} (minhash.sketch_size)"
            )
        if config.verify != "estimated" and _lacks_shingles(earlier):
            raise InputError(
                f"dedup.against: {name} is of a weft that kept no sketches; weft run there makes them again"
            )


def _lacks_shingles(earlier: Earlier) -> bool:
    """Whether the first documents with a signature have no hashes of shingles beside it."""
    for path in earlier.files(UNIQUE.name) or []:
        file = pq.ParquetFile(path)
        columns = [name for name in ("signature", "shingles") if name in file.schema_arrow.names]
        for batch in file.iter_batches(ROWS_LOOKED_AT, columns=columns):
            rows = [row for row in batch.to_pylist() if row["signature"] is not None]
            if rows:
                return all(row.get("shingles") is None for row in rows)
    return False


def fingerprint(against: Sequence[str]) -> list[str]:
    """Hex digests that stand for what the earlier runs hold."""
    runs = [open_earlier(name) for name in against]
    return [digest([[path.name for path in run.files(table) or []] for table in STEPS]) for run in runs]


def documents(run: Run) -> DataFrame | None:
    """The documents of the earlier runs as rows of UNIQUE; None without earlier runs."""
    return _union(_documents(run, earlier) for earlier in _opened(run))


def image_uses(run: Run) -> DataFrame | None:
    """Rows (sha256, id, site): images that the documents of the earlier runs may show."""
    return _union(found for earlier in _opened(run) if (found := _image_uses(run, earlier)) is not None)


def image_files(run: Run) -> DataFrame | None:
    """Rows of IMAGES of files that the earlier runs may show: what they look like, so that pictures are known again."""
    found = (_read(run, earlier, IMAGES) for earlier in _opened(run))
    return _union(images.where("drop_reason IS NULL") for images in found if images is not None)


def _opened(run: Run) -> list[Earlier]:
    return [open_earlier(name) for name in run.recipe.dedup.against]


def _union(frames: Any) -> DataFrame | None:
    found = list(frames)
    return reduce(lambda one, other: one.unionByName(other), found) if found else None


def _read(run: Run, earlier: Earlier, table: Table) -> DataFrame | None:
    files = earlier.files(table.name)
    if not files:
        return None if files is None else run.spark.createDataFrame([], schema=table.ddl())
    return run.spark.read.schema(table.ddl()).parquet(*(f"file://{path}" for path in files))


def _documents(run: Run, earlier: Earlier) -> DataFrame:
    unique = _read(run, earlier, UNIQUE)
    assert unique is not None  # open_earlier has seen to it
    kept = unique.where("drop_reason IS NULL")
    decisions = _read(run, earlier, DECISIONS)
    return kept if decisions is None else kept.join(decisions.where("drop_reason IS NULL"), "id", how="left_semi")


def _image_uses(run: Run, earlier: Earlier) -> DataFrame | None:
    references = _read(run, earlier, REFERENCES)
    if references is None:
        return None
    usable = references.where("drop_reason IS NULL AND sha256 IS NOT NULL").select("sha256", "id")
    return usable.join(_documents(run, earlier).select("id", "site"), "id", how="inner").select("sha256", "id", "site")
