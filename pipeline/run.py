"""One run: a recipe over inputs in an output folder; knows what is done, what is next, and where things stand.

Fingerprints: a step's *key* stands for its code version, the recipe keys that can change its rows, and the keys of
the steps before it; two runs with equal keys have equal tables. A step whose rows do not depend on which documents
ask for them (an answer to a URL, the measures of a file) keeps its folder under a fingerprint of its own config
only, and adds rows for what is new.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import run_file
from pipeline.commits import Commit, Cost, StepFolder, new_attempt
from pipeline.recipe_file import digest
from pipeline.slices import USERS
from schemas.errors import InputError, OutputError, StepFailed
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from pipeline.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A folder of the output: which table it holds, what it depends on, how it is made."""

    name: str
    """Folder below the output, e.g. "01_documents"; substeps are "04_images/ledger"."""
    doc: str
    stages: tuple[str, ...]
    """The narrow stages that are fused into it, each a module of `pipeline`."""
    tables: tuple[Table, ...]
    """What it writes, its own table first."""
    after: tuple[str, ...]
    sections: tuple[str, ...]
    """Recipe sections whose document keys change its rows."""
    make: Callable[[Run], None]
    version: int = 1
    records: str = ""
    """Folder of its commit records, where that is not `name`."""
    accumulates: bool = False
    """Rows are facts of their own (see the module); only what is missing is made."""
    editions: Callable[[StepFolder], int] | None = None
    """Of a step that accumulates: how often it was opened again after it was done; it and what depends on it are then
    made again."""


@dataclass(slots=True)
class Run:
    """The state that steps share on the driver."""

    folder: Path
    recipe: Recipe
    steps: tuple[Step, ...]
    inputs: tuple[tuple[str, str], ...]
    """(slice, payload) of each input; the slice stands for the input's name and size."""
    start_session: Callable[[], SparkSession]
    say: Callable[[str], None] = field(default=lambda _line: None)
    _spark: SparkSession | None = field(default=None, init=False)
    _keys: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def spark(self) -> SparkSession:
        """The session, started when first asked for."""
        if self._spark is None:
            self._spark = self.start_session()
        return self._spark

    def parallelism(self) -> int:
        """Tasks that run at once, as far as the driver can know."""
        from pyspark.errors import PySparkException

        try:
            return int(self.spark.sparkContext.defaultParallelism)
        except (PySparkException, AttributeError):  # Spark Connect has no context
            return os.cpu_count() or 1

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    def key(self, name: str) -> str:
        """What stands for the step's rows: equal keys, equal tables.

        It stays as it was when it was first asked for, whoever opens a step again meanwhile; see `look_again`.
        """
        if name not in self._keys:
            step = self.step(name)
            edition = step.editions(self.where(name)) if step.editions else 0
            before = [self.key(earlier) for earlier in step.after]
            inputs = [slice_name for slice_name, _ in self.inputs] if not step.after else []
            self._keys[name] = digest([self._own(step), before, inputs, *([edition] if edition else [])])
        return self._keys[name]

    def look_again(self) -> None:
        """Take account of steps that were opened again."""
        self._keys.clear()

    def measured(self, name: str) -> str:
        """What stands for the step's measures: rows under equal keys differ in decisions only."""
        step = self.step(name)
        return digest(self._facts(step, self.recipe.measured))

    def where(self, name: str) -> StepFolder:
        """The folder of the step under this run's fingerprint."""
        step = self.step(name)
        lasting = step.accumulates or not step.after
        return StepFolder(
            self.folder / (step.records or step.name) / (digest(self._own(step)) if lasting else self.key(name))
        )

    def is_done(self, name: str) -> bool:
        """Whether the step was finished for this recipe and these inputs."""
        return self.where(name).is_committed(self._done(name))

    def finish(self, name: str, cost: Cost, **facts: Any) -> None:
        """Record that the step is finished for this recipe and these inputs."""
        self.where(name).commit(Commit(slice=self._done(name), files=(), cost=cost, extra=facts))

    def finished(self, name: str) -> Commit | None:
        """The record of `finish`, or None."""
        return self.where(name).commits().get(self._done(name))

    def slices(self, name: str) -> list[str] | None:
        """The slices whose rows belong to this run; None where all in the folder do."""
        step = self.step(name)
        return None if step.after else [slice_name for slice_name, _ in self.inputs]

    def commits(self, name: str) -> list[Commit]:
        """The commit records of the step whose rows belong to this run."""
        slices = self.slices(name)
        wanted = None if slices is None else set(slices)
        found = self.where(name).commits()
        return [commit for key, commit in found.items() if wanted is None or key in wanted]

    def files(self, table: str) -> list[Path]:
        """The committed files of a table, in a fixed order."""
        step = next(step for step in self.steps if any(made.name == table for made in step.tables))
        return self.where(step.name).files(table, self.slices(step.name))

    def table(self, name: str) -> DataFrame:
        """The committed rows of a table of this run."""
        table = next(made for step in self.steps for made in step.tables if made.name == name)
        files = [f"file://{path}" for path in self.files(name)]
        if not files:
            return self.spark.createDataFrame([], schema=table.ddl())
        return self.spark.read.schema(table.ddl()).parquet(*files)

    def write(self, step_name: str, table: Table, rows: DataFrame, slice_name: str = "all") -> None:
        """Let Spark write a table in one commit; files under a name of this attempt, believed through the record."""
        from pipeline.spark import write_table

        write_table(self.where(step_name), table, rows, slice_name)

    def check(self, step_name: str, errors: Sequence[str]) -> None:
        """Raise where slices failed.

        Raises:
            InputError: what was to be read cannot be had.
            OutputError: the disk is full or read-only.
            StepFailed: anything else; names the first slice and how many there are.
        """
        if not errors:
            return
        first = errors[0]
        for sign in ("No space left on device", "Read-only file system", "Disk quota exceeded"):
            if sign in first:
                raise OutputError(
                    f"{step_name}: {sign.lower()} under {self.folder}; make room and run the same command again"
                )
        if (what := first.partition(": ")[2]).startswith(USERS):
            raise InputError(f"{step_name}: {len(errors)} slice(s) failed, first: {what.removeprefix(USERS)}")
        raise StepFailed(f"{step_name}: {len(errors)} slice(s) failed, first: {first}")

    def save(self, inputs: Iterable[str]) -> None:
        """Keep beside the tables what `weft status`, `show` and `report` need to find them."""
        facts = {
            "recipe": {"name": self.recipe.name, "sections": self.recipe.raw},
            "inputs": self.inputs,
            "given": list(inputs),
            "tables": {
                step.name: self.where(step.name).path.relative_to(self.folder).as_posix() for step in self.steps
            },
        }
        path = self.folder / run_file.NAME
        draft = path.with_name(f".run-{new_attempt()}.json")
        draft.write_text(json.dumps(facts, indent=1, default=list))
        draft.replace(path)

    def _own(self, step: Step) -> Any:
        return self._facts(step, self.recipe.facts)

    def _facts(self, step: Step, of_section: Callable[[str], Any]) -> Any:
        tables = [(table.name, table.version) for table in step.tables]
        return [step.name, step.version, tables, [of_section(section) for section in step.sections]]

    def _done(self, name: str) -> str:
        return f"done-{self.key(name)}"
