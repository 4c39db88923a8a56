"""Measures of an image: ours against Pillow + imagehash doing the same, CPU time of one thread, in one run.

    python benchmarks/images/measures.py [--corpus ../shared/corpus] [--repeat 3]

Decoding and measuring are shown apart: no measure makes a PNG decode faster. Both give size, format, mode, SHA-256,
entropy, colour range, variance of the Laplacian, the 64-bit DCT hash of the turned picture and one of 256 bits (ours
is PDQ, the peer's `imagehash.phash(hash_size=16)`, the nearest that it has); ours also says how much of it is text.
The peer decodes in full and looks at all pixels, as the usual scripts do; ours decodes JPEGs at 1/2 to 1/8 and
measures small. Without --corpus the pictures are drawn: photographs and screenshots from 320 to 3,000 px. Prints a
table, and how far the hashes of the two are apart. Target: at least 3 times.
"""

from __future__ import annotations

import argparse
import collections
import csv
import hashlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # as Spark sets it for its workers: NumPy's threads cost more than such products

import imagehash
import numpy as np
from PIL import Image, ImageDraw, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from filters.images.decode import Decoded, decode
from filters.images.measures import DRAFT_SIDE, measure_decoded
from filters.images.phash import distance

Times = tuple[float, float]


def peer_decode(data: bytes) -> Image.Image:
    """The whole picture as a careful script with Pillow reads it."""
    image = Image.open(io.BytesIO(data))
    picture = ImageOps.exif_transpose(image)
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGB", clear.size, (255, 255, 255))
        picture.paste(clear, mask=clear.getchannel("A"))
    return picture.convert("RGB")


def peer_measure(data: bytes, picture: Image.Image) -> str:
    """What the script does with it, with NumPy and imagehash; gives the hash."""
    hashlib.sha256(data).hexdigest()
    grey = picture.convert("L")
    grey.entropy()
    picture.getextrema()
    p = np.asarray(grey).astype(np.int16)
    (p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:] - 4 * p[1:-1, 1:-1]).var()
    imagehash.phash(grey, hash_size=16)
    return str(imagehash.phash(grey))


def our_decode(data: bytes) -> Decoded:
    """The picture as small as the measures want it."""
    found = decode(data, draft_side=DRAFT_SIDE)
    assert isinstance(found, Decoded)
    return found


def our_measure(data: bytes, picture: Decoded) -> str:
    """Our measures; gives the hash."""
    return measure_decoded(data, picture).phash


def drawn() -> dict[str, list[bytes]]:
    """Photographs (noise with large forms) as JPEG, screenshots as PNG, of several sizes."""
    dice = np.random.default_rng(5)
    found: dict[str, list[bytes]] = {"jpeg": [], "png": []}
    for width, height in ((320, 240), (500, 375), (640, 480), (1024, 683), (1600, 1067), (3000, 2000)):
        for _ in range(4):
            forms = Image.fromarray(dice.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((width, height))
            grain = dice.normal(0, 9, (height, width, 1))
            photo = Image.fromarray(np.clip(np.asarray(forms) + grain, 0, 255).astype(np.uint8))
            found["jpeg"].append(_encoded(photo, "JPEG", quality=85))
            screen = Image.new("RGB", (width, height), (250, 250, 250))
            pen = ImageDraw.Draw(screen)
            for y in range(8, height, 14):
                pen.text((8, y), "the quick brown fox jumps over the lazy dog " * (width // 260 + 1), fill=(20, 20, 30))
            found["png"].append(_encoded(screen, "PNG"))
    return found


def corpus(folder: Path) -> dict[str, list[bytes]]:
    """The distinct files of the corpus by format, broken ones left out."""
    found: dict[str, list[bytes]] = collections.defaultdict(list)
    seen: set[str] = set()
    with (folder / "image_index.tsv").open(newline="") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            if row["sha256"] not in seen and row["format"] in ("jpeg", "png", "gif", "webp"):
                seen.add(row["sha256"])
                found[row["format"]].append((folder / row["file"]).read_bytes())
    return found


def cpu_ms(decode: Callable[[bytes], Any], measure: Callable[[bytes, Any], str], files: list[bytes]) -> Times:
    """CPU milliseconds a file: decoding, measuring."""
    decoding = measuring = 0.0
    for data in files:
        started = time.process_time()
        picture = decode(data)
        middle = time.process_time()
        measure(data, picture)
        decoding, measuring = decoding + middle - started, measuring + time.process_time() - middle
    return decoding / len(files) * 1e3, measuring / len(files) * 1e3


def best(runs: list[Times]) -> Times:
    """The least of each column: what other processes did not take."""
    return min(run[0] for run in runs), min(run[1] for run in runs)


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    files = corpus(options.corpus) if options.corpus else drawn()
    everything = [data for group in files.values() for data in group]
    print("| files | number | mean KB | decode + measure, ms CPU | Pillow + imagehash | whole | measures alone |")
    print("|---|---|---|---|---|---|---|")
    for name, group in [*sorted(files.items()), ("all", everything)]:
        runs = [  # in turn
            (cpu_ms(our_decode, our_measure, group), cpu_ms(peer_decode, peer_measure, group))
            for _ in range(options.repeat)
        ]
        mine, theirs = best([run[0] for run in runs]), best([run[1] for run in runs])
        size = sum(map(len, group)) / len(group) / 1e3
        print(
            f"| {name} | {len(group)} | {size:.0f} | {mine[0]:.2f} + {mine[1]:.2f} | {theirs[0]:.2f} + {theirs[1]:.2f}"
            f" | {sum(theirs) / sum(mine):.1f} x | {theirs[1] / mine[1]:.1f} x |"
        )
    apart = collections.Counter(
        distance(our_measure(data, our_decode(data)), peer_measure(data, peer_decode(data))) for data in everything
    )
    print("\nbits between the hashes:", ", ".join(f"{bits}: {n}" for bits, n in sorted(apart.items())))


if __name__ == "__main__":
    main()
