"""What a page costs 01_documents once all is loaded, without Spark; datatrove's side is `peer_datatrove.py` (warm).

    python benchmarks/pipeline/warm.py PATH.warc.gz ...

One process does the slice of each archive as a Spark task would, from the WARC to committed Parquet; the first one is
not counted. Prints JSON: pages and CPU seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # behind PYTHONPATH, which may name another checkout

import pyarrow as pa

from pipeline import documents, slices
from pipeline.archive.inputs import expand
from pipeline.commits import StepFolder
from pipeline.recipe import load


def main() -> None:
    """Do each archive, print what all but the first took."""
    recipe = load("weft", ["clip.model=none"])
    process = documents.read_slice(recipe, "data")
    pages, seconds = 0, 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = StepFolder(Path(scratch))
        for number, path in enumerate(sys.argv[1:]):
            ((name, payload),) = documents.input_slices(expand([path], recipe.read_warc))
            started = time.process_time()
            batch = pa.RecordBatch.from_pydict({"payload": [payload]})
            error = slices._do(StepFolder(Path(scratch)), name, iter([batch]), process, slices.Guard())
            if error:
                raise SystemExit(error)
            if number:
                seconds += time.process_time() - started
                pages += next(f.rows for f in folder.commits()[name].files if f.table == "documents")
    print("WARM " + json.dumps({"pages": pages, "cpu_seconds": round(seconds, 3)}))


if __name__ == "__main__":
    main()
