"""Near-duplicate search among 256-bit hashes with planted neighbours: recall, false pairs, time, memory.

    python benchmarks/images/near.py [--images 1000000] [--radius 16] [--cores 2] [--again 4]

`--images` random hashes, one in a hundred of them with a neighbour at a distance of 1 to `--radius` bits (as many of
each), so pairs of strangers are some 80 bits apart at least. Runs `pipeline.near_pictures.groups` on local
Spark and counts planted pairs that are one group, by distance; pairs that were not planted, or over the radius (false);
seconds, CPU seconds, and the peak resident memory of the driver, the JVM, a worker and all together (`tree`).
`--again 4` then takes four times the images and says how many times as long it was. Targets: recall 0.99, no false
pair, under 4 GiB a process, under 15 minutes, 4 times the images at most 5 times as long. No peer: datasketch and faiss
hold all hashes in one process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks/pipeline")]

from process_tree import measured  # noqa: E402

from filters.images import near  # noqa: E402
from filters.images.pdq import distances  # noqa: E402

SECONDS = "seconds"


def planted(images: int, radius: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Hashes, uint64 (images, 4), and the distance of the planted neighbours: the last rows are those of the first."""
    dice = np.random.default_rng(seed)
    neighbours = images // 100
    hashes = dice.integers(0, 2**64, (images, 4), dtype=np.uint64)
    apart = 1 + np.arange(neighbours) % radius
    for row, bits in enumerate(apart):
        copy = hashes[row].copy()
        for bit in dice.choice(256, bits, replace=False):
            copy[bit // 64] ^= np.uint64(1 << int(bit % 64))
        hashes[images - neighbours + row] = copy
    return hashes, apart


def search(images: int, radius: int, cores: int) -> None:
    """Find the groups of planted hashes and print how right they are."""
    from pipeline.near_pictures import _binary, groups
    from pipeline.session import Config, build_session

    hashes, apart = planted(images, radius)
    spark = build_session(Config(driver_memory="2g"), master=f"local[{cores}]")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/hashes.parquet"
        pq.write_table(pa.table({"hash": _binary(hashes)}), path, row_group_size=100_000)
        started = time.monotonic()
        rows = groups(spark.read.parquet(f"file://{path}"), radius).where("apart > 0").toArrow()
        seconds = time.monotonic() - started
    spark.stop()
    members, leaders = (_words(rows.column(name)) for name in ("hash", "leader"))
    met = {frozenset((a.tobytes(), b.tobytes())) for a, b in zip(members, leaders, strict=True)}
    both = zip(hashes[: len(apart)], hashes[images - len(apart) :], strict=True)
    hit = np.array([frozenset((a.tobytes(), b.tobytes())) in met for a, b in both])
    by_bits = ", ".join(f"{bits}: {hit[apart == bits].mean():.4f}" for bits in np.unique(apart))
    far = int((distances(members, leaders) > radius).sum())
    print(f"{SECONDS} {seconds:.1f}")
    print(f"{images:,} hashes, radius {radius}, {near.tables(images, radius)}")
    print(f"recall {hit.mean():.4f} of {len(apart):,} planted; by distance {by_bits}")
    print(f"false pairs {len(met) - int(hit.sum()) + far} of {len(met):,}")


def _words(column: pa.ChunkedArray) -> np.ndarray:
    return np.frombuffer(b"".join(column.to_pylist()), ">u8").astype(np.uint64).reshape(-1, 4)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--radius", type=int, default=16)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--again", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        search(options.images, options.radius, options.cores)
        return
    took = []
    for images in (options.images, options.images * options.again)[: 2 if options.again else 1]:
        usage = measured(
            [sys.executable, __file__, "--one", f"--images={images}", f"--radius={options.radius}",
             f"--cores={options.cores}"], env={**os.environ, "PYSPARK_PYTHON": sys.executable}
        )  # fmt: skip
        lines = [line for _, _, line in usage.marks]
        if usage.exit_code:
            sys.exit("\n".join(lines[-20:]))
        took += [float(line.split()[1]) for line in lines if line.startswith(SECONDS)]
        print("\n".join(line for line in lines if line.startswith((f"{images:,}", "recall", "false"))))
        peaks = ", ".join(f"{kind} {peak / 2**30:.2f}" for kind, peak in sorted(usage.peaks.items()))
        print(f"{took[-1]:.1f} s, {usage.cpu_seconds:.1f} CPU s with start and check; peak GiB: {peaks}", flush=True)
    if options.again:
        print(f"{options.again} times the images: {took[1] / took[0]:.2f} times as long")


if __name__ == "__main__":
    main()
