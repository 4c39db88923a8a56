"""How many tokens a text has, under the byte-pair vocabulary of CLIP that lies inside open_clip's wheel.

Exactly the count of `open_clip.tokenizer.SimpleTokenizer.encode` (tested), without importing it, since that imports
torch. No token spans white space, so counts are remembered by white-space-delimited word, and ordinary text costs one
dictionary look-up a word.
"""

from __future__ import annotations

import gzip
import html
import importlib.metadata
import re
from itertools import pairwise
from pathlib import Path

from schemas.errors import ModelUnavailable

NAME = "clip-bpe-16e6"
"""What reports call this tokenizer: CLIP's `bpe_simple_vocab_16e6`, 49,408 entries."""

_NUM_MERGES = 49_152 - 256 - 2
_MAX_REMEMBERED = 400_000  # words; about 60 MB. English text repeats itself: 40,000 words cover 97 % of it
_MAX_WORD = 1_000  # characters; longer runs are cut, as merging costs the square of the length
_NEEDS_CARE = re.compile(r"[^\t\n\r\x20-\x25\x27-\x7e]")
_SPECIAL = ("<start_of_text>", "<end_of_text>")


class Tokenizer:
    """Counts tokens; remembers words. Cheap to pickle only before its first use: make one in each worker."""

    name = NAME

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        import regex  # type: ignore[import-untyped]

        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        special = "|".join(_SPECIAL)
        self._pieces = regex.compile(
            rf"{special}|'s|'t|'re|'ve|'m|'ll|'d|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+", regex.IGNORECASE
        )
        self._letters = _byte_letters()
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Number of tokens of `text`, start and end marks not counted."""
        if _NEEDS_CARE.search(text):
            text = _clean(text)
        known = self._known
        words = text.lower().split()
        try:
            return sum([known[word] for word in words])
        except KeyError:
            return sum([self._count_word(word) for word in words])

    def _count_word(self, word: str) -> int:
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            found = self._known[word] = sum(self._count_piece(piece) for piece in self._pieces.findall(word))
        return found

    def _count_piece(self, piece: str) -> int:
        if piece in _SPECIAL:
            return 1
        data = piece.encode("utf-8", "replace")
        return sum(self._merge(data[start : start + _MAX_WORD]) for start in range(0, len(data), _MAX_WORD))

    def _merge(self, data: bytes) -> int:
        parts = [self._letters[byte] for byte in data]
        parts[-1] += "</w>"
        ranks = self._ranks
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: ranks.get(pair, _NUM_MERGES))
            if best not in ranks:
                break
            merged: list[str] = []
            at = 0
            while at < len(parts):
                if at < len(pairs) and pairs[at] == best:
                    merged.append(parts[at] + parts[at + 1])
                    at += 2
                else:
                    merged.append(parts[at])
                    at += 1
            parts = merged
        return len(parts)


def load() -> Tokenizer:
    """The tokenizer.

    Raises:
        ModelUnavailable: open_clip is not installed, so there is no vocabulary.
    """
    return Tokenizer(_merges(vocabulary_file()))


def vocabulary_file() -> Path:
    """Where `bpe_simple_vocab_16e6.txt.gz` of open_clip lies."""
    try:
        files = importlib.metadata.files("open_clip_torch") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelUnavailable(
            "tokens: the vocabulary lies inside the wheel of open_clip_torch: install weft[models]"
        ) from error
    for file in files:
        if file.name == "bpe_simple_vocab_16e6.txt.gz":
            return Path(str(file.locate()))
    raise ModelUnavailable("tokens: the installed open_clip_torch holds no bpe_simple_vocab_16e6.txt.gz")


def _merges(file: Path) -> list[tuple[str, str]]:
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")
    merges = []
    for line in lines[1 : _NUM_MERGES + 1]:  # the first line is a header
        left, right = line.split()
        merges.append((left, right))
    return merges


def _byte_letters() -> list[str]:
    """A printable letter for each byte: itself where it is printable Latin-1, else the next one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    letters, following = [], 0x100
    for byte in range(256):
        if byte in printable:
            letters.append(chr(byte))
        else:
            letters.append(chr(following))
            following += 1
    return letters


def _clean(text: str) -> str:
    """As open_clip cleans before it cuts: mojibake mended, character references resolved twice."""
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text)))
