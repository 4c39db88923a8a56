"""How many tokens a text has, under the byte-pair vocabulary of CLIP that lies inside open_clip's wheel.

Exactly the count of `open_clip.tokenizer.SimpleTokenizer.encode` (tested), without importing it, since that imports
torch. No token spans white space, so counts are remembered by white-space-delimited word, and ordinary text costs one
dictionary look-up a word. Pairs are merged by the native package `tokenizers`; open_clip cleans texts by ftfy, which
looks at whole lines only where there is mojibake or an entity, else a new word is cleaned by itself.
"""

from __future__ import annotations

import gzip
import html
import importlib.metadata
import importlib.util
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from filters.text.characters import bound_marks
from schemas.errors import ModelUnavailable

NAME = "clip-bpe-16e6"
"""What reports call this tokenizer: CLIP's `bpe_simple_vocab_16e6`, 49,408 entries."""

_NUM_MERGES = 49_152 - 256 - 2
_MAX_REMEMBERED = 400_000  # words; about 60 MB. English text repeats itself: 40,000 words cover 97 % of it
_MAX_WORD = 1_000  # bytes; longer runs are cut
_NEEDS_CARE = re.compile(r"[^\t\n\r\x20-\x25\x27-\x7e]")
_SPECIAL = ("<start_of_text>", "<end_of_text>")

_NOT_BY_WORD = re.compile(
    r"[&\uff06\x00-\x08\x0b-\x1f\x7f-\x9f\ufb00-\ufb06\ud800-\udfff"
    r"\xc2\xc3\u206a-\u206f\ufeff\uff21-\uff3a\uff41-\uff5a\uffe0-\uffe6\ufff9-\ufffb]"
)
"""Characters whose cleaning may look beyond a word: entities, controls (some join words), ligatures, surrogates. And,
since ftfy looks once more at what it has cleaned: what is mojibake beside a space, which a wide space becomes; what is
taken out; wide letters and currency signs."""
_NEVER_MOJIBAKE = re.compile("[^\x00-\x7f\xa0\u2010-\u2015\u2018-\u201f\u2022\u2026]")
"""What is not among these may be mojibake; text of these alone never is, by ftfy's own test (tested)."""
_MAY_BE_BAD = re.compile("[\x80-\u0491\u2010-\u25ff\uf8ff-\ufb02\ufffd]{2}|[\u0152\u0153]")
"""Two characters side by side of which ftfy's test of mojibake may see a bad pair, or one that it sees beside ASCII:
without these, and those above, it finds nothing (tested against its pattern), and this takes a tenth of its time."""
_AS_IT_STANDS = re.compile(
    "[\x21-\x7e\xa1-\xac\xae-\u0131\u0134-\u0148\u014a-\u01c3\u01cd-\u01f0\u0386-\u03ff\u0400-\u052f\u05d0-\u05ea"
    "\u0621-\u064a\u0660-\u0669\u06a9-\u06d3\u0904-\u0939\u093e-\u094d\u0e01-\u0e4e\u1e00-\u1eff\u2010-\u2015\u2022\u2026"
    "\u3001-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u4e00-\u9fff\uac00-\ud7a3]*"
)
"""A composed word of these is what ftfy makes of it (tested): letters of common scripts, no quotes, no wide forms."""


class Tokenizer:
    """Counts tokens; remembers words. Cheap to pickle only before its first use: make one in each worker."""

    name = NAME

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        import regex  # type: ignore[import-untyped]
        from tokenizers.models import BPE

        letters = _byte_letters()
        parts = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
        vocabulary = {part: number for number, part in enumerate(dict.fromkeys(parts))}
        self._merges = BPE(vocabulary, merges, end_of_word_suffix="</w>", cache_capacity=0)
        special = "|".join(_SPECIAL)
        self._pieces = regex.compile(
            rf"{special}|'s|'t|'re|'ve|'m|'ll|'d|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+", regex.IGNORECASE
        )
        self._letters = letters
        self._known: dict[str, int] = {}
        """Counts of words in lower case that need no cleaning."""
        self._raw: dict[str, int] = {}
        """Counts of words as they stand in texts that are cleaned word by word."""

    def count(self, text: str) -> int:
        """Number of tokens of `text`, start and end marks not counted."""
        if _NEEDS_CARE.search(text):
            if _is_clean_by_word(text):
                return self._sum(text.split(), self._raw, self._count_raw)
            text = _clean(text)
        return self._sum(text.lower().split(), self._known, self._count_word)

    def _sum(self, words: list[str], known: dict[str, int], count: Callable[[str], int]) -> int:
        try:
            return sum([known[word] for word in words])
        except KeyError:
            return sum([known[word] if word in known else count(word) for word in words])

    def _count_raw(self, word: str) -> int:
        found = self._count_word(_clean_word(word).lower())
        return _remember(self._raw, word, found)

    def _count_word(self, word: str) -> int:
        found = self._known.get(word)
        if found is None:
            found = _remember(self._known, word, sum(map(self._count_piece, self._pieces.findall(word))))
        return found

    def _count_piece(self, piece: str) -> int:
        if piece in _SPECIAL:
            return 1
        letters = "".join([self._letters[byte] for byte in piece.encode("utf-8", "replace")])
        return sum(len(self._merges.tokenize(letters[at : at + _MAX_WORD])) for at in range(0, len(letters), _MAX_WORD))


def load() -> Tokenizer:
    """The tokenizer.

    Raises:
        ModelUnavailable: open_clip is not installed, so there is no vocabulary, or `tokenizers` is not.
    """
    if importlib.util.find_spec("tokenizers") is None:
        raise ModelUnavailable("tokens: the package `tokenizers` is not installed: install weft[models]")
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


def _remember(known: dict[str, int], word: str, found: int) -> int:
    if len(known) >= _MAX_REMEMBERED:
        known.clear()
    known[word] = found
    return found


def _is_clean_by_word(text: str) -> bool:
    """Whether cleaning the text is cleaning its words one by one; then words can be remembered as they stand."""
    if _NOT_BY_WORD.search(text):
        return False
    if not _NEVER_MOJIBAKE.search(text):
        return True
    if not unicodedata.is_normalized("NFC", text):
        return False
    if not _MAY_BE_BAD.search(text):
        return True
    from ftfy.badness import is_bad

    return not is_bad(text)


def _clean(text: str) -> str:
    """As open_clip cleans before it cuts: mojibake mended, character references resolved twice."""
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(bound_marks(text))))


def _clean_word(word: str) -> str:
    """The same for a word of a text that `_is_clean_by_word`."""
    if _AS_IT_STANDS.fullmatch(word):
        return word
    import ftfy

    return ftfy.fix_text(bound_marks(word), fix_encoding=False, unescape_html=False, explain=False)
