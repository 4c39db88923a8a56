"""weft rejudge: other thresholds over what a run has measured; old and new counts; no HTML is read, nothing fetched."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import replace

from jobs.arguments import local
from jobs.open_run import open_run
from pipeline import rejudge
from pipeline.execute import execute, to_be_made
from pipeline.flow import select
from pipeline.locks import Locks
from pipeline.recipe import Recipe, check_models, from_sections
from pipeline.recipe_file import laid_over, read, set_key
from pipeline.run import Run
from pipeline.run_file import read_run
from schemas.errors import ConfigError, InputError

_EXAMPLES = """
examples:
  weft rejudge out/first --set text.document.min_words=60
  weft rejudge out/first --set language.min_score=0.8 --set dedup.max_paragraph_repeats=5
  weft rejudge out/first --set text.rules=gopher --stages 01_documents..shards
  weft rejudge out/first --recipe moved.toml    (what the sliders of its report wrote)

weft run with the same --set then goes on: it fetches and scores only what is new.
"""

COUNTED = (("documents", "01_documents"), ("unique", "02_unique"), ("links", "03_links"))
"""Tables whose decisions are shown, and their steps."""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge again and show what became of the counts."""
    options = argparse.ArgumentParser(
        prog="weft rejudge",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("folder", type=local("DIR"), metavar="DIR", help="output folder of weft run")
    options.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="SECTION.KEY=VALUE", help="a new threshold"
    )
    options.add_argument("--recipe", metavar="FILE", help="sections whose keys stand over the run's own recipe")
    options.add_argument("--stages", default="01_documents..03_links", metavar="A..B", help="default: %(default)s")
    options.add_argument("--master", help="Spark master (default: local[*])")
    arguments = options.parse_args(argv)
    steps = select(arguments.stages)
    old = open_run(arguments.folder, print, arguments.master)
    if not old.is_done("01_documents"):
        raise InputError(f"{arguments.folder}: 01_documents is not done; run weft run first")
    recipe = changed(old.recipe, arguments.overrides, arguments.recipe)
    new = replace(old, recipe=recipe, start_session=lambda: old.spark)
    check_same_measures(old, new)
    check_models(recipe)
    if any(step.name == "04_images/ledger" for step in steps):
        recipe.fetch.check_contact()
    print(f"weft: recipe {old.recipe.stamp} becomes {recipe.stamp}")
    with Locks(new.folder, print) as locks:
        locks.take(to_be_made(new, steps))
        new.save(read_run(new.folder)["given"])
        execute(new, [replace(s, make=rejudge.make) if s.name == "01_documents" else s for s in steps])
    for line in (*compared(old, new), *needed_text(new)):
        print(line)
    return 0


def changed(recipe: Recipe, overrides: Sequence[str], file: str | None = None) -> Recipe:
    """The recipe with the keys of `file`, then the overrides, over its own.

    Raises:
        ConfigError: a key or value that the recipe refuses.
    """
    sections = copy.deepcopy(recipe.raw)
    if file is not None:
        sections = laid_over(sections, read(file)[1])
    for override in overrides:
        set_key(sections, override)
    return from_sections(recipe.name, sections)


def check_same_measures(old: Run, new: Run) -> None:
    """Raise where the new recipe wants other measures of pages.

    Raises:
        ConfigError: names the sections.
    """
    if old.measured("01_documents") == new.measured("01_documents"):
        return
    sections = old.step("01_documents").sections
    other = [name for name in sections if old.recipe.measured(name) != new.recipe.measured(name)]
    raise ConfigError(
        f"[{', '.join(other)}]: this changes what is read or measured, not only what is kept; use weft run"
    )


def compared(old: Run, new: Run) -> list[str]:
    """A line for each decision of each table that both runs have: reason, old count, new count."""
    lines = []
    for table, step in COUNTED:
        if not (old.is_done(step) and new.is_done(step)):
            continue
        before, after = _counts(old, table), _counts(new, table)
        lines += ["", f"{step:30} {'before':>12} {'now':>12}"]
        for reason in sorted(before.keys() | after.keys(), key=lambda name: (name != "kept", name)):
            one, other = before.get(reason, 0), after.get(reason, 0)
            difference = f"  {other - one:+,}" if other != one else ""
            lines.append(f"  {reason:28} {one:12,} {other:12,}{difference}")
    return lines


def needed_text(run: Run) -> list[str]:
    """What stored text was read for, and which bounds asked for it."""
    found = [f"{count:,} {name}" for name, count in rejudge.from_text(run).items() if count]
    if not found:
        return ["", "no text was read"]
    bounds = rejudge.bounds_on_text(run.recipe)
    return ["", f"stored text was read for {', '.join(found)}", *([f"  for {', '.join(bounds)}"] if bounds else [])]


def _counts(run: Run, table: str) -> dict[str, int]:
    rows = run.table(table).groupBy("drop_reason").count().collect()
    return {row["drop_reason"] or "kept": int(row["count"]) for row in rows}
