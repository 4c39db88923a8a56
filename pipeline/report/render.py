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
from pipeline.report.meanings import elsewhere, meaning
from pipeline.report.safe_text import json_for_script, visible
from pipeline.report.thumbnails import Thumbnails
from pipeline.report.what_if import what_if

if TYPE_CHECKING:
    from pipeline.run import Run

UNITS = {
    "record": "Archive records",
    "document": "Documents",
    "reference": "Images in documents",
    "url": "Image URLs",
    "file": "Image files",
    "node": "Texts",
}
"""In the order of the page."""
MEASURES = {
    "language.min_score": "language_score",
    "text.document.min_words": "num_words",
    "text.document.max_perplexity": "perplexity",
    "text.document.min_quality": "quality",
    "images.min_side": "short_side",
    "images.max_aspect": "aspect",
    "images.min_entropy": "entropy",
    "images.min_sharpness": "sharpness",
    "nsfw.max_score": "nsfw_score",
    "clip.min_score": "clip_score",
    "assemble.min_images": "num_images",
    "assemble.max_images": "num_images",
}
"""Which chart shows what a threshold bounds."""


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
                        {
                            "reason": reason,
                            "count": number,
                            "meaning": meaning(unit, reason),
                            "elsewhere": elsewhere(unit, entry["step"], reason),
                            "cards": _cards(entry, reason, chosen, found, cards),
                        }
                        for reason, number in reasons
                    ]
                }
            )
        if rows:
            by_unit.append({"unit": unit, "steps": rows})
    return by_unit


def bounds(what_if: dict[str, Any]) -> dict[str, list[float]]:
    """By measure: the recipe's bounds that are on, for the marks in charts; an aspect holds both ways."""
    found: dict[str, list[float]] = {}
    for slider in what_if["sliders"]:
        bound, name = slider["bound"], MEASURES.get(slider["key"])
        if name and bound:
            found.setdefault(name, []).extend([1 / bound, bound] if name == "aspect" else [bound])
    return found


@cache
def environment() -> Environment:
    """The template engine: escapes everything, refuses names that it does not know."""
    loader = FunctionLoader(asset)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {
        "number": numbers.count,
        "measure": numbers.measure,
        "plain": numbers.plain,
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
        told = [row | _stored_text(row, found) for row in rows]
        return [cards.of_text(row) for row in told if row.get("text")]
    return [cards.of_image(row, prefix + reason) for row in rows]


def _stored_text(row: dict[str, Any], found: dict[pages.Key, dict[str, Any]]) -> dict[str, Any]:
    """What a page that was read holds at the place of a text that is only known by its number."""
    page = found.get((row.get("warc_filename", ""), row.get("warc_record_offset", 0)))
    if page is None:
        return {}
    node = page["nodes"][row["node"]]
    return {"text": node["text"], "role": node["role"], "measures": None}


def _rows(chosen: examples.Examples) -> list[dict[str, Any]]:
    return [row for by_reason in chosen.values() for rows in by_reason.values() for row in rows]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
