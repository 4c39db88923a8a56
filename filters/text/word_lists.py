"""Stop words, flagged words and words of page furniture, as sorted hashes that a whole batch is looked up in at once.

Stop words come from the package `stopwordsiso` (57 languages), English ones from here: that package's English list
holds 1,298 words, "home", "page" and "world" among them, so that a menu passes for prose. Flagged words are kept as
hashes (`flagged_words.tsv`, written by `benchmarks/text/make_flagged_words.py`). Sources and licences:
`docs/licences.md`.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.text import words as tw
from filters.text.characters import mix
from filters.text.repetition import Owners, owners
from schemas.errors import ModelUnavailable

Floats = npt.NDArray[np.float64]

_ENGLISH: Final = """
a about above across after again against all almost along already also although always am among an and another any
anybody anyone anything anywhere are aren't around as at away back be became because become been before behind being
below between both but by came can can't cannot come could couldn't did didn't do does doesn't doing don't done down
during each either else enough even ever every everybody everyone everything everywhere few for from further get gets
getting go goes going gone got had hadn't has hasn't have haven't having he he'd he'll he's her here here's hers herself
him himself his how how's however i i'd i'll i'm i've if in indeed into is isn't it it'd it'll it's its itself just keep
less let let's like made make makes many may maybe me might mine more most much must mustn't my myself near neither
never no nobody none nor not nothing now nowhere of off often on once one only onto or other others otherwise our ours
ourselves out over own per perhaps put quite rather really said same say says see seem seemed seems shall shan't she
she'd she'll she's should shouldn't since so some somebody someone something sometimes somewhere still such take than
that that'd that's the their theirs them themselves then there there's therefore these they they'd they'll they're
they've thing things this those though through throughout thus to together too toward towards under unless until up
upon us used very was wasn't we we'd we'll we're we've well went were weren't what what's whatever when when's whenever
where where's wherever whether which while who who'd who'll who's whoever whole whom whose why why's will with within
without won't would wouldn't yes yet you you'd you'll you're you've your yours yourself yourselves
"""
ENGLISH: Final = frozenset(_ENGLISH.split())
"""Function words of English and its commonest verbs, about as many as OBELICS's 301."""

_SPAM: Final = """
facebook twitter instagram pinterest linkedin whatsapp tumblr reddit youtube tiktok telegram share shares shared tweet
like likes follow followers subscribe subscribers newsletter comment comments reply replies login log-in logout signup
sign-up register registration password username email e-mail click cookie cookies privacy advertisement advertisements
sponsored copyright download print menu search loading previous next
"""
SPAM: Final = frozenset(_SPAM.split())
"""Words of share bars, comment forms and cookie notices, in the spirit of OBELICS 13 (40 words, ratio below 0.12)."""

GOPHER: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's required words: at least two of them (arXiv:2112.11446, A.1.1)."""

_LONGEST: Final = 3  # words of a flagged phrase
_SALT: Final = 0xA24BAED4963EE407


@dataclass(frozen=True, slots=True)
class Hashed:
    """A set of hashes with a table of where each prefix begins: asking a sorted array takes three times as long."""

    hashes: tw.Hashes
    offsets: npt.NDArray[np.int32]
    shift: np.uint64

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Hashed:
        """The set of some hashes; its table has at least eight places for each of them."""
        hashes = np.unique(np.asarray(values, dtype=np.uint64))
        bits = max(8, int(hashes.size * 8).bit_length())
        prefixes = (hashes >> np.uint64(64 - bits)).astype(np.int64)
        counts = np.bincount(prefixes, minlength=1 << bits)
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts))).astype(np.int32)
        return cls(hashes, offsets, np.uint64(64 - bits))

    def contains(self, values: tw.Hashes) -> tw.Flags:
        """Which of `values` are in the set."""
        found = np.zeros(values.size, dtype=np.bool_)
        prefix = (values >> self.shift).astype(np.int64)
        place, end = self.offsets[prefix], self.offsets[prefix + 1]
        left = np.flatnonzero(place < end)
        while left.size:
            hit = self.hashes[place[left]] == values[left]
            found[left[hit]] = True
            left = left[~hit]
            place[left] += 1
            left = left[place[left] < end[left]]
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """Hashes of words (or of runs of n words) by language: one sorted array, salted with the language's number."""

    numbers: Mapping[str, int]
    hashes: Mapping[int, Hashed]

    @classmethod
    def of(cls, lists: Mapping[str, Iterable[tuple[int, int]]]) -> Table:
        """From (n, hash of the run) by language."""
        numbers = {language: number for number, language in enumerate(sorted(lists), start=1)}
        found: dict[int, list[int]] = {}
        for language, entries in lists.items():
            for n, value in entries:
                found.setdefault(n, []).append((value + numbers[language] * _SALT) % (1 << 64))
        return cls(numbers, {n: Hashed.of(np.array(values, dtype=np.uint64)) for n, values in found.items()})

    def language_numbers(self, languages: Sequence[str | None]) -> tw.Ints:
        """Number of each language, 0 where the table has no list."""
        return np.array([self.numbers.get(language or "", 0) for language in languages], dtype=np.int64)

    def count(self, words: tw.Hashes, text_words: Owners, numbers: tw.Ints) -> Floats:
        """Occurrences in each text (T), NaN where its language has no list."""
        salt = (numbers.astype(np.uint64) * np.uint64(_SALT))[text_words.of]
        total = np.zeros(numbers.size)
        for n, hashes in self.hashes.items():
            starts = text_words.inside(np.arange(words.size, dtype=np.int64), n)
            runs = words[starts] if n == 1 else runs_of(words, starts, n)
            hits = starts[hashes.contains(runs + salt[starts])]
            total += np.bincount(text_words.of[hits], minlength=numbers.size)
        total[numbers == 0] = np.nan
        return total


@dataclass(frozen=True, slots=True)
class Lists:
    """The word lists of a run; `load` makes the shipped ones."""

    stop: Table
    flagged: Table
    spam: Hashed
    gopher: Hashed

    def count(
        self, words: tw.Hashes, text_words: Owners, documents: Owners, languages: Sequence[str | None]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Listed words in each text (T), by the names of the measures; `languages` of the documents (D)."""
        found = {}
        for name, table in (("stop_words", self.stop), ("flagged_words", self.flagged)):
            found[name] = table.count(words, text_words, table.language_numbers(languages)[documents.of])
        hits = text_words.of[self.spam.contains(words)]
        found["spam_words"] = np.bincount(hits, minlength=documents.of.size).astype(np.float64)
        return found

    def count_gopher(
        self, words: tw.Hashes, small: tw.Flags, document_of: tw.Ints, languages: Sequence[str | None]
    ) -> Floats:
        """How many different ones of Gopher's eight words each document has (D); NaN in other languages.

        Only words in small letters (`small`) count, as in datatrove: a title "The Who" is no English sentence.
        """
        places = np.flatnonzero(self.gopher.contains(words) & small)
        number = self.gopher.hashes.size
        pairs = np.unique(document_of[places] * number + np.searchsorted(self.gopher.hashes, words[places]))
        found = np.bincount(pairs // number, minlength=len(languages)).astype(np.float64)
        found[[language != "en" for language in languages]] = np.nan
        return found

    def missing(self, language: str | None) -> list[str]:
        """Names of the measures that texts in this language go without."""
        tables = (("stop_words", self.stop), ("flagged_words", self.flagged))
        return [name for name, table in tables if language not in table.numbers]


def runs_of(words: tw.Hashes, starts: tw.Ints, n: int) -> tw.Hashes:
    """Hash of the n words from each start on."""
    return mix(tw.spans(tw.prefix_sums(words), starts, starts + n))


def entries(phrases: Iterable[str]) -> list[tuple[int, int]]:
    """(n, hash) of each word, and of each phrase of at most 3 words; longer and empty ones are left out."""
    layout = tw.lay_out(list(phrases))
    words = owners(np.bincount(layout.text_of_word, minlength=layout.starts.size))
    found = []
    for n in range(1, _LONGEST + 1):
        starts = (words.ends - words.lengths)[words.lengths == n]
        runs = layout.word_hashes[starts] if n == 1 else runs_of(layout.word_hashes, starts, n)
        found += [(n, value) for value in runs.tolist()]
    return found


def build(
    stop: Mapping[str, Iterable[str]], flagged: Mapping[str, Iterable[tuple[int, int]]], spam: Iterable[str] = SPAM
) -> Lists:
    """Lists from words (stop, spam) and from entries (flagged)."""
    stops = {language: entries(words) for language, words in stop.items()}
    gopher = Hashed.of(tw.word_hashes(GOPHER))
    return Lists(Table.of(stops), Table.of(flagged), Hashed.of(tw.word_hashes(sorted(spam))), gopher)


@cache
def load() -> Lists:
    """The shipped lists; made once a process, in a tenth of a second.

    Raises:
        ModelUnavailable: the package `stopwordsiso` is not installed.
    """
    return build(_stop_words(), _flagged_words())


def _stop_words() -> dict[str, Iterable[str]]:
    try:
        files = importlib.metadata.files("stopwordsiso") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelUnavailable("text: the package `stopwordsiso` is not installed") from error
    for file in files:
        if file.name == "stopwords-iso.json":
            lists: dict[str, list[str]] = json.loads(file.read_text("utf-8"))
            # Scripts without spaces are cut into units, which no list has: not measured.
            return {k: v for k, v in lists.items() if k not in UNSPACED} | {"en": ENGLISH}
    raise ModelUnavailable("text: the installed `stopwordsiso` holds no stopwords-iso.json")


UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "km", "my", "yue", "wuu"})
"""Languages written without spaces between words."""


def _flagged_words() -> dict[str, list[tuple[int, int]]]:
    table = resources.files("filters.text").joinpath("flagged_words.tsv").read_text("ascii")
    lists: dict[str, list[tuple[int, int]]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            language, n, value = line.split("\t")
            lists.setdefault(language, []).append((int(n), int(value, 16)))
    return lists
