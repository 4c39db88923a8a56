"""Signatures: speed against datasketch's, and how many near-duplicate pairs the bands find against the LSH curve.

    python benchmarks/text/minhash.py [--pairs 20000]

1. Documents of 300 and 1,000 words, given their words: ours (hash of words, shingles of 5, 128 permutations) and
   datasketch's `MinHash.update_batch` on the same shingles as bytes; CPU time of one thread, fastest of 5 passes.
2. Ten bins of true Jaccard from 0.5 to 1.0: pairs of shingle sets of that similarity; share that the bands find,
   expected share 1 - (1 - j^rows)^bands, and the difference in standard errors; what verification by signatures and
   by sketches leaves of it (200 shingles: there a sketch is exact). Targets: 3 times in NumPy; recall within 3 standard
   errors in each bin; with verification no pair joined that is more than 0.1 below the threshold.
3. The same bins of pairs of 3,000 shingles, of which a sketch is a sample: what it lets pass of all of them.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasketch import MinHash

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from filters import minhash
from filters.text.words import word_hashes

WIDTH, NUM_PERM, SET_SIZE, LONG = 5, 128, 200, 3_000


def speed(num_words: int, documents: int = 100) -> None:
    """Print documents per CPU-second of both."""
    rng = np.random.default_rng(0)
    texts = [[f"w{number}" for number in rng.integers(0, 5_000, num_words)] for _ in range(documents)]

    def ours() -> None:
        for words in texts:
            minhash.signature(minhash.shingles(word_hashes(words), WIDTH), NUM_PERM)

    def theirs() -> None:
        for words in texts:
            grams = [" ".join(words[i : i + WIDTH]).encode() for i in range(len(words) - WIDTH + 1)]
            MinHash(NUM_PERM).update_batch(grams)

    a, b = _fastest(ours, theirs)
    print(
        f"{num_words:5} words: ours {documents / a:7.0f}, datasketch {documents / b:7.0f} documents / CPU-s:"
        f" {b / a:.1f} times"
    )


def _fastest(*works: Callable[[], None]) -> list[float]:
    best = [math.inf] * len(works)
    for _ in range(5):
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            best[place] = min(best[place], time.process_time() - start)
    return best


def recall(pairs: int, config: minhash.Config) -> None:
    """Print found and expected shares by bin, and what verification leaves of what the bands found."""
    rng = np.random.default_rng(1)
    wrong = {"estimated": 0, "sketch": 0}
    for low in np.arange(0.5, 1.0, 0.05):
        found = expected = variance = 0.0
        joined = dict.fromkeys(wrong, 0)
        for _ in range(pairs):
            shared = round(SET_SIZE * rng.uniform(low, low + 0.05))
            values = rng.integers(0, 1 << 64, size=SET_SIZE, dtype=np.uint64)
            middle = shared + (SET_SIZE - shared) // 2
            sets = values[:middle], np.concatenate((values[:shared], values[middle:]))
            both = np.stack([minhash.signature(part, config.num_perm) for part in sets])
            bands = minhash.band_hashes(both, config.bands, config.rows)
            chance = minhash.chance(shared / SET_SIZE, config.bands, config.rows)
            candidate = bool((bands[0] == bands[1]).any())
            found += candidate
            expected += chance
            variance += chance * (1 - chance)
            if candidate:
                a, b = (np.unique(part >> np.uint64(32)).astype(np.uint32) for part in sets)
                sketched = minhash.sketched_jaccard(a, b, config.sketch_size)
                likeness = {"estimated": minhash.estimate_jaccard(both[0], both[1]), "sketch": sketched}
                for name, value in likeness.items():
                    joined[name] += value >= config.threshold
                    wrong[name] += value >= config.threshold and shared / SET_SIZE < config.threshold - 0.1
        error = (found - expected) / math.sqrt(variance) if variance > 0 else 0.0
        print(
            f"  {low:.2f} to {low + 0.05:.2f}: found {found / pairs:.4f}, curve {expected / pairs:.4f},"
            f" {error:+.1f} errors; verified: {joined['estimated'] / pairs:.4f} by signature,"
            f" {joined['sketch'] / pairs:.4f} by sketch"
        )
    print(f"  joined though more than 0.1 below {config.threshold}: {wrong}", flush=True)


def long_documents(pairs: int, config: minhash.Config) -> None:
    """Print what sketches let pass of pairs of long documents, by bin, as if the bands had found them all."""
    rng = np.random.default_rng(2)
    wrong = 0
    for low in np.arange(0.5, 1.0, 0.05):
        joined = 0
        for _ in range(pairs):
            true = rng.uniform(low, low + 0.05)
            shared = round(2 * LONG * true / (1 + true))
            values = rng.integers(0, 1 << 32, 2 * LONG - shared, dtype=np.uint32)
            a = np.unique(values[:LONG])
            b = np.unique(np.concatenate((values[:shared], values[LONG:])))
            passes = minhash.sketched_jaccard(a, b, config.sketch_size) >= config.threshold
            joined += passes
            wrong += passes and shared / values.size < config.threshold - 0.1
        print(f"  {low:.2f} to {low + 0.05:.2f}: {joined / pairs:.4f}")
    print(f"  joined though more than 0.1 below {config.threshold}: {wrong}", flush=True)


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20_000)
    options = parser.parse_args()
    speed(300)
    speed(1_000)
    for name, config in minhash.PRESETS.items():
        print(f"{name}: {config.bands} bands of {config.rows}, {options.pairs} pairs a bin")
        recall(options.pairs, config)
    print(f"sketches of {minhash.Config().sketch_size} of documents of {LONG:,} shingles, {options.pairs} pairs a bin")
    long_documents(options.pairs, minhash.Config())


if __name__ == "__main__":
    main()
