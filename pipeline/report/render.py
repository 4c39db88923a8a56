"""The page: figures, examples and documents put into the templates, one file that needs no network.

Nothing in it can run but the script that stands beside the templates: the content security policy names it by its hash,
allows pictures only as `data:`, and forbids every connection. Templates escape what they are given.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from filters.text.tokens import NAME as TOKENIZER
from pipeline.report import charts, examples, numbers, pages
from pipeline.report.cards import Card, Cards
from pipeline.report.compare import compare
from pipeline.report.duplicates import most_repeated
from pipeline.report.safe_text import json_for_script, visible
from pipeline.report.thumbnails import Thumbnails
from pipeline.report.what_if import what_if

if TYPE_CHECKING:
    from pipeline.run import Run

UNITS = {
    "document": "Documents",
    "reference": "Images in documents",
    "url": "Image URLs",
    "file": "Image files",
    "node": "Texts",
    "record": "Archive records",
}
"""In the order of the page."""


def page(run: Run, facts: dict[str, Any], against: dict[str, Any] | None) -> str:
    """The report as HTML."""
    chosen = examples.choose(run)
    samples = pages.choose_samples(run)
    keys = [(row["warc_filename"], row["warc_record_offset"]) for row in samples]
    keys += [(row["warc_filename"], row["warc_record_offset"]) for row in _rows(chosen) if "warc_filename" in row]
    found = pages.read(run, keys)
    ids = [row.get(name) for row in _rows(chosen) for name in ("id", "duplicate_of")]
    thumbnails = Thumbnails(run.folder)
    cards = Cards(thumbnails=thumbnails, rules=run.recipe.text.resolve(), heads=pages.heads(run, [i for i in ids if i]))
    images = pages.images_of(run, [row["id"] for row in samples])
    documents = [
        cards.of_document(found[row["warc_filename"], row["warc_record_offset"]], row, images.get(row["id"], {}))
        for row in samples
    ]
    repeated = [cards.of_image(row, None) | {"times": row["times"]} for row in most_repeated(run)]
    return html(
        facts,
        funnel=funnel(facts["steps"], chosen, found, cards),
        documents=documents,
        repeated=repeated,
        what_if=what_if(run) | {"totals": {name: facts["totals"][name] for name in ("documents", "images", "tokens")}},
        comparison=compare(facts, against) if against else None,
    )


def html(facts: dict[str, Any], **sections: Any) -> str:
    """The page of figures and sections; pure, so that a test can give it anything."""
    script, style = asset("report.js"), asset("report.css")
    data = json_for_script(json.dumps(sections["what_if"], ensure_ascii=False, separators=(",", ":")))
    return (
        environment()
        .get_template("report.html")
        .render(
            facts=facts,
            tokenizer=TOKENIZER,
            units=UNITS,
            bounds=bounds(sections["what_if"]),
            script=Markup(script),
            style=Markup(style),
            data=Markup(data),
            policy=policy(script, style),
            **sections,
        )
    )


def policy(script: str, style: str, pictures: str = "data:", forms: str = "'none'") -> str:
    """The content security policy of a page with this script and style and no other."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src {pictures};"
        f" base-uri 'none'; form-action {forms}"
    )


def funnel(
    steps: list[dict[str, Any]], chosen: examples.Examples, found: dict[pages.Key, dict[str, Any]], cards: Cards
) -> list[dict[str, Any]]:
    """By unit: its steps, each with its reasons, most frequent first, and their cards."""
    by_unit = []
    for unit in UNITS:
        entries = [entry for entry in steps if entry["unit"] == unit]
        rows = []
        for entry in entries:
            reasons = sorted(entry["dropped"].items(), key=lambda item: (-item[1], item[0]))
            rows.append(
                entry
                | {
                    "reasons": [
                        {"reason": reason, "count": number, "cards": _cards(entry, reason, chosen, found, cards)}
                        for reason, number in reasons
                    ]
                }
            )
        if rows:
            by_unit.append({"unit": unit, "steps": rows})
    return by_unit


def bounds(what_if: dict[str, Any]) -> dict[str, float]:
    """By measure: the recipe's bound, for the marks in charts (the last named of two)."""
    names = {"images.min_side": "short_side", "language.min_score": "language_score", "nsfw.max_score": "nsfw_score"}
    names |= {"images.min_sharpness": "sharpness", "images.min_entropy": "entropy", "clip.min_score": "clip_score"}
    found = {names[slider["key"]]: slider["bound"] for slider in what_if["sliders"] if slider["key"] in names}
    return {name: bound for name, bound in found.items() if bound}


@cache
def environment() -> Environment:
    """The template engine: escapes everything, refuses names that it does not know."""
    loader = FunctionLoader(asset)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {
        "number": numbers.count,
        "short": numbers.short,
        "share": numbers.share,
        "bytes": numbers.size,
        "duration": numbers.duration,
        "visible": visible,
    }
    made.globals |= {
        "bar": charts.bar,
        "histogram": charts.histogram,
        "heat_map": charts.heat_map,
        "curves": charts.curves,
    }
    return made


def asset(name: str) -> str:
    """A template, style sheet or script of the page."""
    return (resources.files("pipeline") / "templates" / name).read_text("utf-8")


def _cards(
    entry: dict[str, Any],
    reason: str,
    chosen: examples.Examples,
    found: dict[pages.Key, dict[str, Any]],
    cards: Cards,
) -> list[Card]:
    step, unit = entry["step"], entry["unit"]
    prefix = "url:" if (step, unit) == ("03_links", "url") else ""
    rows = chosen.get((step, unit), {}).get(prefix + reason, [])
    if unit == "document":
        places = [((row["warc_filename"], row["warc_record_offset"]), row) for row in rows]
        return [cards.of_page(found[key], reason, row) for key, row in places if key in found]
    if unit == "node":
        return [cards.of_text(row) for row in rows]
    return [cards.of_image(row, prefix + reason) for row in rows]


def _rows(chosen: examples.Examples) -> list[dict[str, Any]]:
    return [row for by_reason in chosen.values() for rows in by_reason.values() for row in rows]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
