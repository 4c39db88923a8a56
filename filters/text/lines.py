"""Lines of a batch of texts, and who owns which characters and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.text import characters as ch
from filters.text import repetition
from filters.text import words as tw
from filters.text.repetition import Owners, share

SHORT: Final = 30
"""Characters of a short line (FineWeb, arXiv:2406.17557, 3.6)."""
C4_MIN_WORDS: Final = 3
C4_MAX_WORD: Final = 1_000
"""C4 keeps lines of at least 3 words, none of them over 1,000 characters (Raffel et al. 2020, 2.2, and its code)."""
_C4_LINES: Final = (
    "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip
"""C4 drops lines that say this (its released code, c4_utils.py)."""
_BULLETS: Final = np.array([ord(c) for c in "\u2022-"])
_DOT, _ELLIPSIS, _BRACE, _BREAK = 0x2E, 0x2026, 0x7B, 0x0A


@dataclass(frozen=True, slots=True)
class Batch:
    """T texts in D documents: owners of characters and of words, and the texts of each document."""

    text_chars: Owners
    document_chars: Owners
    text_words: Owners
    document_words: Owners
    texts_of_documents: Owners

    def sum_texts(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sums (D) of values of texts (T); NaN where one of them is."""
        return np.bincount(self.texts_of_documents.of, values, self.texts_of_documents.lengths.size)


def batch_of(layout: tw.Layout, counts: tw.Ints) -> Batch:
    """Who owns what, from how many texts each document has (D, at least 1 each)."""
    texts = repetition.owners(counts)
    text_of = np.repeat(np.arange(layout.starts.size), layout.ends - layout.starts + len(tw.GAP))[: layout.codes.size]
    words = np.bincount(layout.text_of_word, minlength=layout.starts.size)
    first = texts.ends - counts
    ends = layout.ends[texts.ends - 1]
    words_of_documents = np.bincount(texts.of, words, counts.size).astype(np.int64)
    return Batch(
        Owners(text_of, layout.ends, layout.ends - layout.starts),
        Owners(texts.of[text_of], ends, ends - layout.starts[first]),
        Owners(layout.text_of_word, np.cumsum(words), words),
        repetition.owners(words_of_documents),
        texts,
    )


@dataclass(frozen=True, slots=True)
class Lines:
    """L lines that are not blank: [starts, ends) without white space around them, [begins, ends) with their
    indentation; the document of each, its words."""

    begins: tw.Ints
    starts: tw.Ints
    ends: tw.Ints
    document: tw.Ints
    num_words: tw.Ints


def find_lines(layout: tw.Layout, batch: Batch) -> Lines:
    """The lines of all texts."""
    solid = np.flatnonzero((layout.kinds & ch.SPACE) == 0)
    line = np.cumsum(layout.codes == _BREAK, dtype=np.int32)[solid]
    change = np.flatnonzero(line[1:] != line[:-1]) + 1
    if solid.size:
        starts = solid[np.concatenate((np.zeros(1, dtype=np.int64), change))]
        ends = solid[np.concatenate((change, [solid.size])) - 1] + 1
    else:
        starts = ends = solid
    words = np.searchsorted(layout.word_starts, ends) - np.searchsorted(layout.word_starts, starts)
    breaks = np.flatnonzero(layout.codes == _BREAK)
    begins = np.append(breaks, -1)[np.searchsorted(breaks, starts) - 1] + 1
    return Lines(begins, starts, ends, batch.document_chars.of[starts], words)


def add_lines(
    nodes: dict[str, npt.NDArray[Any]],
    whole: dict[str, npt.NDArray[Any]],
    layout: tw.Layout,
    batch: Batch,
    texts: Sequence[str],
) -> None:
    """Add what is measured on lines and on texts as paragraphs."""
    found = find_lines(layout, batch)
    count = batch.document_chars.lengths.size
    num_lines = np.bincount(found.document, minlength=count)
    last = layout.codes[found.ends - 1]
    dots = _ends_in_dots(layout, found.ends)
    terminal = _terminal(layout, found.ends)
    flags = {
        "bullet_lines": np.isin(layout.codes[found.starts], _BULLETS),
        "ellipsis_lines": dots | (last == _ELLIPSIS),
        "terminal_lines": (layout.kinds[found.ends - 1] & ch.TERMINAL) != 0,
        "short_lines": found.ends - found.starts <= SHORT,
    }
    for name, flag in flags.items():
        whole[name] = share(np.bincount(found.document, flag, count), num_lines)
    whole["num_lines"] = num_lines
    whole["line_breaks"] = share(np.maximum(num_lines - 1, 0), whole["num_words"])
    # As datatrove counts: in another case or at another indentation it is another line (mostly of code).
    lengths = found.ends - found.begins
    number, chars = repetition.duplicates(
        layout.exact_hash_of(found.begins, found.ends), found.document, lengths, count
    )
    whole["duplicate_lines"] = share(number, num_lines)
    whole["duplicate_line_chars"] = share(chars, batch.document_chars.lengths)
    _add_paragraphs(nodes, whole, layout, batch, found, terminal)
    _add_c4(whole, layout, batch, found, terminal & ~dots, tw.GAP.join(texts).lower())


def _ends_in_dots(layout: tw.Layout, ends: tw.Ints) -> tw.Flags:
    dots = np.concatenate((np.zeros(2, dtype=np.bool_), layout.codes == _DOT))
    found: tw.Flags = dots[ends + 1] & dots[ends] & dots[ends - 1] & (ends > 2)
    return found


def _terminal(layout: tw.Layout, ends: tw.Ints) -> tw.Flags:
    """Whether a line ends with . ? ! or a quotation mark, as C4 has it, in any script."""
    found: tw.Flags = (layout.kinds[ends - 1] & (ch.TERMINAL | ch.QUOTE)) != 0
    return found


def _add_paragraphs(
    nodes: dict[str, npt.NDArray[Any]],
    whole: dict[str, npt.NDArray[Any]],
    layout: tw.Layout,
    batch: Batch,
    found: Lines,
    terminal: tw.Flags,
) -> None:
    """Texts that stood before, and whether a text ends like a sentence."""
    count = batch.document_chars.lengths.size
    text_of_line = batch.text_chars.of[found.starts]
    first = np.flatnonzero(np.diff(text_of_line, prepend=-1))
    final = np.concatenate((first[1:], [text_of_line.size])) - 1 if first.size else first
    of = text_of_line[first]
    ends = np.zeros(layout.starts.size, dtype=np.bool_)
    ends[of] = terminal[final]
    nodes["terminal_punctuation"] = ends
    starts, stops = found.starts[first], found.ends[final]
    owner = batch.texts_of_documents.of[of]
    number, chars = repetition.duplicates(layout.exact_hash_of(starts, stops), owner, stops - starts, count)
    whole["duplicate_paragraphs"] = share(number, np.bincount(owner, minlength=count))
    whole["duplicate_paragraph_chars"] = share(chars, batch.document_chars.lengths)


def _add_c4(
    whole: dict[str, npt.NDArray[Any]],
    layout: tw.Layout,
    batch: Batch,
    found: Lines,
    terminal: tw.Flags,
    lowered: str,
) -> None:
    """What C4 counts in the lines that it keeps."""
    count = batch.document_chars.lengths.size
    kept = terminal & (found.num_words >= C4_MIN_WORDS)
    lorem = np.bincount(found.document[_lines_with(layout, found, lowered, "lorem ipsum", kept)], minlength=count)
    long_words = layout.word_starts[layout.word_ends - layout.word_starts > C4_MAX_WORD]
    if long_words.size:
        kept[np.searchsorted(found.starts, long_words, side="right") - 1] = False
    braces = np.flatnonzero(layout.codes == _BRACE)
    whole["curly_brackets"] = np.bincount(_owners_if(found, braces, kept), minlength=count)
    for phrase in _C4_LINES:
        kept[_lines_with(layout, found, lowered, phrase, kept)] = False
    whole["c4_sentences"] = np.bincount(_owners_if(found, _sentence_ends(layout), kept), minlength=count)
    whole["lorem_ipsum"] = lorem


def _owners_if(found: Lines, places: tw.Ints, kept: tw.Flags) -> tw.Ints:
    """Documents of those character places that lie in kept lines."""
    line = np.searchsorted(found.starts, places, side="right") - 1
    line = line[line >= 0]
    return found.document[line[kept[line]]]


def _sentence_ends(layout: tw.Layout) -> tw.Ints:
    """Places of marks that end a sentence: the last of a row of them, before white space, quotes or the end."""
    ends = np.flatnonzero((layout.kinds & ch.TERMINAL) != 0)
    following = np.append(layout.kinds, np.uint16(ch.SPACE))[ends + 1]
    wide = layout.codes[ends] > 0x2FFF  # full-width marks need no space after them
    last: tw.Ints = ends[((following & (ch.SPACE | ch.QUOTE)) != 0) | (wide & ((following & ch.TERMINAL) == 0))]
    return last


def _lines_with(layout: tw.Layout, found: Lines, lowered: str, phrase: str, among: tw.Flags) -> tw.Ints:
    """Those of the flagged lines that hold the phrase, in any case."""
    if phrase not in lowered:
        return np.zeros(0, dtype=np.int64)
    places = np.arange(layout.codes.size - len(phrase) + 1, dtype=np.int64)
    want = tw.spans(tw.prefix_sums(ch.values()[ch.code_points(phrase)]), places[:1] * 0, places[:1] * 0 + len(phrase))
    hits = places[layout.hash_of(places, places + len(phrase)) == want]
    lines = np.unique(np.searchsorted(found.starts, hits, side="right") - 1)
    flagged: tw.Ints = lines[among[lines]]
    return flagged
