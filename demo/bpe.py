"""Byte-pair merges learnt from a few thousand captions, in the file format of CLIP's tokenizer (open_clip).

The algorithm is that of Sennrich et al. 2016 (arXiv:1508.07909): the most frequent pair of neighbouring
symbols becomes one symbol, again and again. Of equally frequent pairs the one that sorts first wins, so the
same texts give the same merges.
"""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

Pair = tuple[str, str]
Word = tuple[str, ...]

_HEADER = "#version: weft demo"


def words_of(texts: Iterable[str]) -> Counter[Word]:
    """How often each word occurs, as symbols of one byte each, the last one marked `</w>`, cut as open_clip
    cuts."""
    from open_clip.tokenizer import SimpleTokenizer

    cutter = SimpleTokenizer()
    words: Counter[Word] = Counter()
    for text in texts:
        for word in cutter.pat.findall(cutter.clean_fn(text)):
            *symbols, last = (cutter.byte_encoder[byte] for byte in word.encode())
            words[(*symbols, last + "</w>")] += 1
    return words


def learn(words: Counter[Word], num_merges: int) -> list[Pair]:
    """The merges, most frequent first; fewer than `num_merges` where every word has become one symbol."""
    spelt: dict[Word, Word] = {word: word for word in words}
    counts: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[Word]] = defaultdict(set)
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] += times
            places[pair].add(word)
    merges: list[Pair] = []
    while len(merges) < num_merges and counts:
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in places.pop(best):
            before = spelt[word]
            spelt[word] = after = merged(before, best)
            for pair in pairwise(before):
                counts[pair] -= words[word]
            for pair in pairwise(after):
                counts[pair] += words[word]
                places[pair].add(word)
        counts = +counts  # without the pairs that are gone
    return merges


def merged(word: Word, pair: Pair) -> Word:
    """The word with every occurrence of the pair, from the left, made one symbol."""
    symbols: list[str] = []
    position = 0
    while position < len(word):
        if word[position : position + 2] == pair:
            symbols.append(pair[0] + pair[1])
            position += 2
        else:
            symbols.append(word[position])
            position += 1
    return tuple(symbols)


def write(merges: list[Pair], path: Path) -> None:
    """Write what `SimpleTokenizer(bpe_path=...)` reads; the same bytes for the same merges."""
    lines = "\n".join([_HEADER, *(" ".join(pair) for pair in merges)])  # a line end at the end would be a merge
    path.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))
