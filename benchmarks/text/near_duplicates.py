"""The near-duplicate step as a whole: time and memory at several sizes, skew, and its groups beside datasketch's.

    python benchmarks/text/near_duplicates.py [--sizes 250000 1000000] [--one-text 200000] [--groups 50000]

Synthetic documents of 300 words; one in five repeats an earlier one with some of its words replaced, from none to a
third. What is timed is `dedup_documents.mark_near` from stored signatures and sketches to written decisions, in a
process of its own with Spark on 2 cores; seconds, CPU seconds and the peak memory of all its processes together. Making
signatures and sketches is not counted.

1. Sizes, in one run. Target: 1,000,000 at most 4.4 times as long as 250,000, peak under 8 GiB.
2. One text on `--one-text` pages against as many distinct ones. Target: no slower.
3. Groups by the bands alone (threshold 0) against datasketch's MinHashLSH, fed with the same signatures and joined by
   union-find. Target: equal. Beside it, how many pairs verification takes apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.pipeline.process_tree import Usage, measured
from filters import minhash
from filters.text.characters import mix
from pipeline.components import union_find

WORDS, VOCABULARY, CHUNK = 300, 50_000, 10_000
CONFIG = minhash.Config()
COLUMNS = ("id", "signature", "shingles", "is_earlier", "num_words", "fetched_at", "drop_reason", "duplicate_of")
DDL = (
    "id string, signature binary, shingles binary, is_earlier boolean, num_words int, fetched_at timestamp,"
    " drop_reason string, duplicate_of string"
)


def words_of(number: int) -> npt.NDArray[np.uint64]:
    """Words of a document, as numbers; a function of its number alone."""
    rng = np.random.default_rng([7, number])
    if number % 5 or number < 5:
        return rng.integers(0, VOCABULARY, WORDS).astype(np.uint64)
    words = words_of(int(rng.integers(0, number // 5)) * 5 + 1)
    changed = rng.random(WORDS) < rng.uniform(0, 1 / 3) ** 2
    words[changed] = rng.integers(0, VOCABULARY, int(changed.sum()))
    return words


def write_chunk(task: tuple[str, int, int, bool]) -> None:
    """Documents [start, end) as a Parquet file; all of one text where `alike`."""
    folder, start, end, alike = task
    names = [f"{int(mix(np.array([n], dtype=np.uint64))[0]):016x}{n:016x}" for n in range(start, end)]
    hashes = [mix(words_of(1 if alike else n)) for n in range(start, end)]
    signed = [minhash.of_words(words, CONFIG).astype("<u4").tobytes() for words in hashes]
    kept = [minhash.shingle_set(words, CONFIG)[: CONFIG.sketch_size].astype("<u4").tobytes() for words in hashes]
    table = pa.table({"id": names, "signature": pa.array(signed, pa.binary()), "shingles": pa.array(kept, pa.binary())})
    pq.write_table(table, f"{folder}/{start:09d}.parquet")


def make_data(folder: Path, size: int, *, alike: bool = False) -> Path:
    """A folder of documents with their signatures."""
    folder.mkdir()
    tasks = [(str(folder), start, min(start + CHUNK, size), alike) for start in range(0, size, CHUNK)]
    with Pool(2) as pool:
        pool.map(write_chunk, tasks, chunksize=1)
    return folder


def step(data: str, out: str, threshold: float) -> None:
    """What is timed: decisions on the documents of a folder."""
    from pyspark.sql import functions as F

    from pipeline.dedup_documents import mark_near
    from pipeline.session import Config, build_session

    spark = build_session(Config(driver_memory="3g"), "local[2]")
    stored = spark.read.parquet(data)
    nothing = {name: F.lit(None) for name in COLUMNS if name not in stored.columns}
    typed = [F.col(part.split()[0]).cast(part.split()[1]) for part in DDL.split(", ")]
    documents = stored.withColumns(nothing | {"is_earlier": F.lit(False)}).select(*typed)
    decided = mark_near(documents, replace(CONFIG, threshold=threshold))
    decided.select("id", "drop_reason", "duplicate_of").write.parquet(out)
    spark.stop()


def timed(data: Path, out: Path, threshold: float = CONFIG.threshold) -> Usage:
    """The step in a process of its own."""
    command = [sys.executable, __file__, "--step", str(data), str(out), str(threshold)]
    usage = measured(command, log=out.with_suffix(".log"))
    if not (out / "_SUCCESS").exists():
        raise SystemExit(out.with_suffix(".log").read_text())
    return usage


def show(what: str, usage: Usage, out: Path) -> None:
    """A line of the table."""
    gone = pq.read_table(out, columns=["drop_reason"]).column(0)
    dropped = len(gone) - gone.null_count
    print(
        f"{what:28} {usage.seconds:7.1f} s {usage.cpu_seconds:7.1f} CPU-s  peak {usage.peaks['tree'] / 2**30:5.2f} GiB"
        f"  {dropped:,} of {len(gone):,} dropped",
        flush=True,
    )


def groups(scratch: Path, size: int) -> None:
    """Compare the groups that the bands alone make with datasketch's."""
    from datasketch import MinHash, MinHashLSH

    data = make_data(scratch / "groups", size)
    ours: dict[str, str] = {}
    for threshold in (0.0, CONFIG.threshold):
        out = scratch / f"groups-{threshold}"
        timed(data, out, threshold)
        table = pq.read_table(out).to_pylist()
        found = {row["id"]: row["duplicate_of"] for row in table if row["duplicate_of"]}
        print(f"groups, threshold {threshold}: {len(set(found.values())):,} of {len(found):,} duplicates")
        ours = ours or found
    index = MinHashLSH(num_perm=CONFIG.num_perm, params=(CONFIG.bands, CONFIG.rows))
    edges = []
    for row in pq.read_table(data).to_pylist():
        values = np.frombuffer(row["signature"], "<u4").astype(np.uint64)
        signed = MinHash(num_perm=CONFIG.num_perm, hashvalues=values, scheme="legacy")  # the values are ours
        edges += [(row["id"], other) for other in index.query(signed)]
        index.insert(row["id"], signed)
    theirs = union_find(iter(edges))
    mine = union_find((name, best) for name, best in ours.items())
    print(f"groups of {size:,} documents: equal to datasketch's MinHashLSH + union-find: {mine == theirs}")


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[250_000, 1_000_000])
    parser.add_argument("--one-text", type=int, default=200_000, help="0 = not")
    parser.add_argument("--groups", type=int, default=50_000, help="0 = not")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step[0], options.step[1], float(options.step[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch, seconds = Path(folder), []
        for size in options.sizes:
            data, out = make_data(scratch / f"d{size}", size), scratch / f"o{size}"
            usage = timed(data, out)
            show(f"{size:,} documents", usage, out)
            seconds.append(usage.seconds)
        if len(seconds) > 1:
            print(
                f"{options.sizes[-1] / options.sizes[0]:g} times the documents:"
                f" {seconds[-1] / seconds[0]:.2f} times as long"
            )
        for alike in (False, True) if options.one_text else ():
            data, out = make_data(scratch / f"a{alike}", options.one_text, alike=alike), scratch / f"ao{alike}"
            usage = timed(data, out)
            show(f"{options.one_text:,} {'of one text' if alike else 'distinct'}", usage, out)
        if options.groups:
            groups(scratch, options.groups)
    print(json.dumps({"words": WORDS, "vocabulary": VOCABULARY, "bands": CONFIG.bands, "rows": CONFIG.rows}))


if __name__ == "__main__":
    main()
