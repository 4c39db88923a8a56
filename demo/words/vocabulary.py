"""Read a language's words: sections of sentences with slots, and tables of forms.

`xx.txt` holds `[section]` headings; below each, one entry a line: a sentence, a row `a | b | c`, or `key = value`.
A slot such as `{month}` stands for any entry of a list of words, or for something that the caller gives.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "es", "fr", "de", "ru", "zh")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The sections of one language: `lines` as written, `rows` split at `|`, `tables` split at `=` and `|`."""

    language: str
    lines: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Mapping[str, tuple[str, ...]]]

    def row(self, section: str) -> tuple[str, ...]:
        """The words of a section that is one row."""
        return tuple(part.strip() for line in self.lines[section] for part in line.split("|"))

    def one(self, section: str, key: str) -> str:
        """The single form of `key` in a table."""
        return self.tables[section][key][0]


@functools.cache
def vocabulary(language: str) -> Vocabulary:
    """The words of `language`, one of LANGUAGES; read once."""
    text = (Path(__file__).parent / f"{language}.txt").read_text("utf-8")
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = lines.setdefault(line.strip("[]"), [])
        elif line:
            section.append(line)
    tables = {name: table for name, entries in lines.items() if (table := _table(entries))}
    return Vocabulary(language, {name: tuple(entries) for name, entries in lines.items()}, tables)


def _table(entries: list[str]) -> dict[str, tuple[str, ...]]:
    """The entries as key = form | form, or nothing where they are not a table."""
    table = {}
    for entry in entries:
        key, equals, value = entry.partition(" = ")
        if not equals:
            return {}
        table[key] = tuple(part.strip() for part in value.split("|"))
    return table


@functools.cache
def parts(template: str) -> tuple[str, ...]:
    """`template` cut at its slots: text, slot name, text, slot name, ..., text."""
    return tuple(_SLOT.split(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with its slots filled from `values`; raises KeyError where one is missing."""
    cut = parts(template)
    if len(cut) == 1:
        return template
    return "".join(values[part] if i % 2 else part for i, part in enumerate(cut))
