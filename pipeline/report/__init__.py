"""The report: `report/report.json` (books, joins, totals, cost, distributions) and `report/index.html`, which shows it.

| module | what it holds |
|---|---|
| totals, cost, consent, distributions, duplicates, published | figures, each by DataFrame aggregations |
| tally, tables | histograms and percentiles; the tables that several sections stand on |
| examples, pages | which rows are shown, and what stands in their pages |
| disclosure, cards, thumbnails | what of them may be seen, and how |
| meanings | reasons in words, and where their examples stand |
| sliders, what_if, what_if_tables | thresholds that can be moved: exact counts and a sample |
| compare | two runs beside each other |
| charts, numbers, safe_text, render | SVG, numbers, hostile text, the page |

Everything is counted from committed rows. Books that do not balance are an error, and the files are written all the
same, so that one can see where.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.books import books, check, note_checked
from pipeline.commits import new_attempt
from pipeline.fetch_report import fetch_facts
from pipeline.report.consent import consent
from pipeline.report.cost import costs, extrapolate, what_was_read
from pipeline.report.distributions import distributions
from pipeline.report.duplicates import duplicates
from pipeline.report.published import PUBLISHED, beside
from pipeline.report.tables import held
from pipeline.report.totals import totals

if TYPE_CHECKING:
    from pipeline.run import Run

__all__ = ["costs", "report"]


def report(run: Run, against: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write the report of a finished run and give back what `report.json` holds.

    Args:
        run: a finished run.
        against: what `report.json` of another run holds, shown beside.

    Raises:
        BooksDoNotBalance: after the files were written.
    """
    entries, joins = books(run)
    facts = figures(run, [entry.as_json() for entry in entries], [join.as_json() for join in joins])
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    _put(folder / "report.json", json.dumps(facts, indent=1, ensure_ascii=False))
    try:
        from pipeline.report.render import page
    except ImportError:
        run.say("report: the page needs the extra `report` (pip install 'weft[report]'); the JSON is written")
    else:
        _put(folder / "index.html", page(run, facts, against))
    check(entries, joins)
    note_checked(run, has_report=True)
    return facts


def figures(run: Run, steps: list[dict[str, Any]], joins: list[dict[str, Any]]) -> dict[str, Any]:
    """What `report.json` holds: numbers, and names of hosts; no text, no address of a page or an image."""
    cost = costs(run)
    with held(run) as kept:
        shape, repeats = distributions(run, kept), duplicates(run, kept)
        total = totals(run, kept, shape, repeats)
    return {
        "recipe": {
            "name": run.recipe.name,
            "fingerprint": run.recipe.fingerprint,
            "sections": run.recipe.raw,
        },
        "steps": steps,
        "joins": joins,
        "totals": total,
        "costs": cost,
        "fetch": fetch_facts(run),
        "nsfw_model": run.recipe.nsfw.model,
        "clip_model": run.recipe.clip.model,
        "distributions": shape,
        "duplicates": repeats,
        "published": [beside(run.recipe.name, total), *PUBLISHED],
        "consent": consent(run, steps),
        "whole_crawl": extrapolate(cost, total, what_was_read(run)),
    }


def _put(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}-{new_attempt()}")
    draft.write_text(text, "utf-8")
    draft.replace(path)
