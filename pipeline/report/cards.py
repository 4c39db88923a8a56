"""What the page shows of an example: a card each, made of what may be shown and nothing else.

Here, and nowhere else, rows of tables become something that a person sees: the rules of `disclosure` are applied before
anything reaches the template, so that what may not be shown is not in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filters.text.fields import DocumentMeasures
from filters.text.rule_sets import RuleSet, document_rules
from filters.text.rules import broken
from pipeline.report.disclosure import (
    shows_address,
    shows_page_address,
    shows_picture,
    shows_text,
    withholds,
)
from pipeline.report.numbers import DASH, count, short, size
from pipeline.report.safe_text import visible, web_address
from pipeline.report.thumbnails import Thumbnails

EXCERPT = 360
"""Characters of a page that an example shows."""
SAMPLE_SIDE = 220
"""Longest side in px of an image of a sample document."""

Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """Makes cards; `heads` are pages by document id (url, title, drop_reason)."""

    thumbnails: Thumbnails
    rules: RuleSet
    heads: dict[str, dict[str, Any]]

    def of_page(self, page: dict[str, Any], reason: str, example: dict[str, Any]) -> Card:
        """A dropped page: title, address, measures that broke a bound, the first of its text."""
        opened = shows_text(reason)
        texts = [node["text"] for node in page["nodes"] or [] if node["text"]] if opened else []
        facts = [
            ("language", f"{page['language'] or DASH} {page['language_score'] or ''}"),
            ("words", count(page["num_words"])),
        ]
        facts += [
            (name.replace("_", " "), count(example[name]))
            for name in ("num_images", "num_image_nodes")
            if name in example
        ]
        return {
            "kind": "page",
            "title": visible(page["title"], 200) if opened else "",
            **_address(page["url"], shown=shows_page_address(reason)),
            "facts": facts,
            "broken": self._broken(page) if opened else [],
            "excerpt": visible(" ".join(texts), EXCERPT),
            "other": self._head(example.get("duplicate_of"), "kept instead"),
        }

    def of_image(self, row: dict[str, Any], reason: str | None) -> Card:
        """A dropped image: its picture or a grey box, address, measures, what the server said, the page it is of."""
        listed = not shows_address(reason)
        facts = []
        if row.get("width"):
            facts.append(("size", f"{row['width']:,} \u00d7 {row['height']:,} px"))
        for name, label, form in _IMAGE_FACTS:
            if row.get(name) is not None and not (listed and name == "detail"):
                facts.append((label, form(row[name])))
        return {
            "kind": "image",
            "picture": self.thumbnails.draw(row) if shows_picture(reason) else None,
            "withheld": withholds(reason),
            **_address(row["url"], shown=not listed),
            "alt": "" if listed else visible(row.get("alt"), 200),
            "facts": facts,
            "other": None if listed else self._head(row.get("id"), "on the page"),
        }

    def of_text(self, row: dict[str, Any]) -> Card:
        """A dropped text of a page that was kept."""
        measures = row["measures"] or {}
        facts = [
            (name.replace("_", " "), short(value)) for name, value in measures.items() if _is_number(value) and value
        ]
        return {
            "kind": "text",
            "role": row["role"],
            "excerpt": visible(row["text"], 400),
            "facts": facts[:8],
            "other": self._head(row["id"], "on the page"),
        }

    def of_document(self, page: dict[str, Any], chosen: dict[str, Any], images: dict[int, dict[str, Any]]) -> Card:
        """A document of the dataset as the page has it, what was dropped of it with the reason."""
        gone = set(chosen["dropped_nodes"] or [])
        nodes = []
        for number, node in enumerate(page["nodes"]):
            if node["image_url"] is not None:
                nodes.append(self._shown_image(node, images.get(number)))
            else:
                reason = node["drop_reason"] or ("repeated_on_site" if number in gone else None)
                nodes.append({"kind": "text", "role": node["role"], "text": visible(node["text"]), "reason": reason})
        scores = [image["clip_score"] for image in images.values() if image["clip_score"] is not None]
        return {
            "id": page["id"],
            "title": visible(page["title"], 300) or "(no title)",
            **_address(page["url"], shown=True),
            "archive": archive_copy(page),
            "site": visible(page["site"]),
            "language": page["language"] or "und",
            "language_score": page["language_score"],
            "num_words": page["num_words"],
            "num_images": chosen["num_images"],
            "best_score": max(scores, default=None),
            "left_out": max(0, page["num_nodes"] - len(page["nodes"])),
            "nodes": nodes,
        }

    def _shown_image(self, node: dict[str, Any], match: dict[str, Any] | None) -> Card:
        reason = node["drop_reason"] or (match["drop_reason"] if match else "not_judged")
        picture = self.thumbnails.draw(match, SAMPLE_SIDE) if match and shows_picture(reason) else None
        return {
            "kind": "image",
            "role": "image",
            "reason": reason,
            "picture": picture,
            "withheld": withholds(reason),
            **_address(node["image_url"], shown=shows_address(reason)),
            "alt": visible(node["alt"], 300) if shows_address(reason) else "",
            "width": match["width"] if match else None,
            "height": match["height"] if match else None,
            "clip_score": match["clip_score"] if match else None,
            "nsfw_score": match["nsfw_score"] if match else None,
            "count": match["count_in_corpus"] if match else None,
        }

    def _head(self, document: str | None, how: str) -> Card | None:
        head = self.heads.get(document or "")
        if head is None or not shows_text(head["drop_reason"]):
            return None
        return {"how": how, "title": visible(head["title"], 120), **_address(head["url"], shown=True)}

    def _broken(self, page: dict[str, Any]) -> list[tuple[str, str, str]]:
        """(bound, value, limit) of every bound that the page breaks."""
        if not page["measures"]:
            return []
        measures, rules = DocumentMeasures(**page["measures"]), document_rules(self.rules, page["language"])
        found = []
        for bound in broken(measures, rules):
            name = "num_words" if bound[4:] == "words" else bound[4:]
            found.append((bound.replace("_", " "), short(getattr(measures, name)), short(getattr(rules, bound))))
        return found


def archive_copy(page: dict[str, Any]) -> dict[str, Any]:
    """Where the record lies: file, offset, length; an address where the file is one of Common Crawl's."""
    name = page["warc_filename"]
    address = f"https://data.commoncrawl.org/{name}" if str(name).startswith("crawl-data/") else None
    return {
        "file": visible(name),
        "offset": page["warc_record_offset"],
        "length": page["warc_record_length"],
        "link": web_address(address),
    }


def _address(url: Any, *, shown: bool) -> dict[str, Any]:
    """`url` to read and `link` to follow, each empty where it may not be; data: images are named by their digest."""
    if not shown:
        return {"url": "", "link": None}
    return {"url": visible(url, 300), "link": web_address(url)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IMAGE_FACTS: tuple[tuple[str, str, Any], ...] = (
    ("format", "format", str),
    ("store_length", "bytes", size),
    ("nsfw_score", "NSFW score", lambda value: f"{value:.4f}"),
    ("best_score", "best CLIP score", lambda value: f"{value:.4f}"),
    ("sharpness", "sharpness", short),
    ("entropy", "entropy", lambda value: f"{value:.2f} bits"),
    ("colour_spread", "colour spread", count),
    ("count_in_corpus", "documents that show it", count),
    ("num_references", "references", count),
    ("http_status", "HTTP", str),
    ("attempts", "attempts", count),
    ("detail", "said", lambda value: visible(value, 160)),
)
