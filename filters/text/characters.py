"""What kind of character each code point is, as arrays that NumPy can index with a whole batch of text.

The kinds come from the Unicode database of the running Python. Built on first use, a tenth of a second.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

SPACE: Final = 1  # white space, zero-width space, Tibetan tsheg: ends a word
ALPHA: Final = 2  # letters (L*)
WORD: Final = 4  # letters, marks, digits (L*, M*, N*): what a word may begin and end with
SPECIAL: Final = 8  # everything but letters and marks: BLOOM's and OBELICS's "special characters"
PUNCTUATION: Final = 16  # , ; : ? ! . and their forms in other scripts (OBELICS's punctuation)
TERMINAL: Final = 32  # . ? ! and their forms in other scripts
EMOJI: Final = 64
DIGIT: Final = 128  # N*
QUOTE: Final = 256  # may follow the mark that ends a sentence
UPPER: Final = 512  # capital letters
SCRIPT_SHIFT: Final = 10  # bits 10 to 12: a script written without spaces, 0 = spaces between words

UNIT: Final = np.array([1 << 30, 2, 3, 12, 5, 5, 5, 6], dtype=np.int64)
"""Letters of one word, by script without spaces: 0 none of them, 1 Han, 2 Hiragana, 3 Katakana, 4 Thai, 5 Lao,
6 Khmer, 7 Burmese. A dictionary would segment better and a hundred times slower; counts are what rules need. Han: 1.5
to 1.7 characters a word in the treebanks, so 2; Thai 4 to 5 code points a word with its marks."""

_RANGES: Final = (
    (0x3005, 0x3008, 1), (0x3400, 0x4DC0, 1), (0x4E00, 0xA000, 1), (0xF900, 0xFB00, 1), (0x20000, 0x323B0, 1),
    (0x3041, 0x30A0, 2), (0x30A1, 0x30FB, 3), (0x30FC, 0x3100, 3), (0x31F0, 0x3200, 3), (0xFF66, 0xFFA0, 3),
    (0x0E01, 0x0E3B, 4), (0x0E40, 0x0E4F, 4), (0x0E81, 0x0EBE, 5), (0x0EC0, 0x0ECF, 5), (0x0EDC, 0x0EE0, 5),
    (0x1780, 0x17D4, 6), (0x1000, 0x1040, 7), (0x1050, 0x109E, 7),
)  # fmt: skip
_EMOJI: Final = ((0x2600, 0x27C0), (0x2B05, 0x2B56), (0x1F000, 0x1FB00), (0xFE0F, 0xFE10))
_PUNCTUATION: Final = ",;:?!.،؛؟۔।॥։።፣፤፥，；：？！．。、｡､…"  # noqa: RUF001 - other scripts
_QUOTES: Final = "\"'”’»)」』）"  # noqa: RUF001 - other scripts
_TERMINAL: Final = ".?!؟۔।॥։።፧。？！．｡‼⁇⁈⁉។៕။᠃᭚᭟"  # noqa: RUF001 - other scripts
_LAST: Final = 0x33480  # code points above hold no letters but private ones and variation selectors
SIZE: Final = 0x110000


@cache
def kinds() -> npt.NDArray[np.uint16]:
    """uint16 of 0x110000: the flags of each code point."""
    table = np.full(SIZE, SPECIAL, dtype=np.uint16)
    table[:_LAST] = np.fromiter(map(_flags, range(_LAST)), dtype=np.uint16, count=_LAST)
    table[0xE0100:0xE01F0] = WORD  # variation selectors are marks
    for first, end in _EMOJI:
        table[first:end] |= EMOJI
    for name, flag in ((_PUNCTUATION, PUNCTUATION), (_TERMINAL, TERMINAL), (_QUOTES, QUOTE)):
        table[[ord(char) for char in name]] |= flag
    for first, end, script in _RANGES:
        table[first:end] |= script << SCRIPT_SHIFT
    table[[0x200B, 0x0F0B]] |= SPACE
    table.flags.writeable = False
    return table


def _flags(code: int) -> int:
    char = chr(code)
    category = unicodedata.category(char)
    kind = category[0]
    if kind == "L":
        return ALPHA | WORD | (UPPER if category in ("Lu", "Lt") else 0)
    if kind == "M":
        return WORD
    if kind == "N":
        return WORD | DIGIT | SPECIAL
    return SPECIAL | (SPACE if char.isspace() else 0)


@cache
def lower() -> npt.NDArray[np.uint32]:
    """uint32 of 0x110000: the first code point of each code point's lower-case form."""
    table = np.arange(SIZE, dtype=np.uint32)
    table[:_LAST] = np.fromiter((ord(chr(code).lower()[0]) for code in range(_LAST)), dtype=np.uint32, count=_LAST)
    table.flags.writeable = False
    return table


@cache
def values() -> npt.NDArray[np.uint64]:
    """uint64 of 0x110000: what a code point's lower-case form adds to a rolling hash; fixed for ever."""
    table = mix(lower().astype(np.uint64) + np.uint64(1))
    table.flags.writeable = False
    return table


def mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele et al. 2014): every bit of the result depends on every bit of `x`."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


MAX_MARKS: Final = 30
"""Combining marks in a row that any language needs (Unicode Standard Annex 15, section 13, Stream-Safe Text Format)."""


def bound_marks(text: str) -> str:
    """`text` without the combining marks after the thirtieth in a row: to sort n of them, as every normal form does,
    takes n squared steps, 20 seconds for 300 KB."""
    if len(text) <= MAX_MARKS or text.isascii() or not _MAY_BE_MARK.search(text):
        return text
    codes = code_points(text)
    places = np.flatnonzero(_marks()[codes])
    if places.size <= MAX_MARKS or not (places[MAX_MARKS:] - places[:-MAX_MARKS] == MAX_MARKS).any():
        return text
    begins = np.diff(places, prepend=-2) != 1
    first = np.maximum.accumulate(np.where(begins, places, 0))
    kept = np.ones(codes.size, dtype=np.bool_)
    kept[places[places - first >= MAX_MARKS]] = False
    return codes[kept].tobytes().decode("utf-32-le", "surrogatepass")


@cache
def _marks() -> npt.NDArray[np.bool_]:
    """bool of 0x110000: has a combining class, or begins with such a mark in the compatibility form."""
    table = np.zeros(SIZE, dtype=np.bool_)
    for start, stop in _WITH_MARKS:  # in one go: a call for each would take a tenth of a second in each process
        forms = unicodedata.normalize("NFKD", "\n".join(map(chr, range(start, stop)))).split("\n")
        table[start:stop] = [form != "" and unicodedata.combining(form[0]) != 0 for form in forms]
    return table


_MAY_BE_MARK: Final = re.compile("[^\x00-\u02ff\u2000-\u20cf\u2100-\u2bff\u3400-\u9fff\uac00-\uf8ff]")
"""Latin texts with their punctuation and signs, ideographs and Hangul have none of these, and need no table."""

_WITH_MARKS: Final = ((0x80, 0x3400), (0xA000, 0xAC00), (0xF900, 0x20000), (0xE0000, 0xE1000))
"""Where marks can be: not among ideographs, syllables of Hangul, surrogates and private characters."""


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """uint32 of len(text); lone surrogates are themselves."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
