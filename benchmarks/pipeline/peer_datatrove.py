"""datatrove's side of benchmarks/pipeline/run.py; runs in datatrove's own environment.

    python peer_datatrove.py OUT MODEL TASKS LANGUAGES PATH.warc.gz ...
    python peer_datatrove.py OUT MODEL warm LANGUAGES PATH.warc.gz ...      one process, the first archive not counted

The first steps of FineWeb (arXiv:2406.17557, section 3): WarcReader, Trafilatura (favour_precision, as by default),
LanguageFilter (0.65), GopherRepetitionFilter, GopherQualityFilter, JsonlWriter. LANGUAGES is `en`, as in FineWeb: what
is not English leaves before the Gopher filters; or `all`: every page that the language filter is sure of is measured,
as ours measures every page. Two changes: the language model is lid.176.ftz from MODEL (lid.176.bin is not on the
package index), and a page has 10 s in the extractor instead of 1 s, since on a busy machine each page that is over
its time costs a new process. Prints JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import trafilatura  # noqa: F401 - imported before the extractor forks, so that no page waits for it
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
from datatrove.pipeline.readers import WarcReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.lid import FT176LID

SECONDS_A_PAGE = 10.0


class LocalModel(FT176LID):
    """datatrove's identifier with the model at a path."""

    def __init__(self, path: str, languages: list[str] | None) -> None:
        super().__init__(languages)
        self.path = path

    @property
    def model(self) -> Any:
        """The model, loaded when first asked for."""
        if self._model is None:
            from fasttext.FastText import _FastText

            self._model = _FastText(self.path)
        return self._model


def pipeline(out: Path, model: str, languages: list[str] | None, paths: list[Path]) -> list[Any]:
    """The steps."""
    identify = LanguageFilter(languages, language_threshold=0.65)
    identify.model = LocalModel(model, languages)
    out.mkdir(parents=True)
    listing = out / "paths.txt"
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    return [
        WarcReader(str(paths[0].parent), paths_file=str(listing)),
        Trafilatura(favour_precision=True, timeout=SECONDS_A_PAGE),
        identify,
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        JsonlWriter(str(out / "kept")),
    ]


def warm(out: Path, model: str, languages: list[str] | None, paths: list[Path]) -> dict[str, Any]:
    """Pages and CPU seconds of all archives but the first, extractor processes included."""
    pages, seconds = 0, 0.0
    for number, path in enumerate(paths):
        steps = pipeline(out / str(number), model, languages, [path])
        started = _cpu()
        data: Any = None
        for step in steps:
            data = step.run(data, 0, 1)
        for _ in data:
            pass
        if number:
            seconds += _cpu() - started
            pages += steps[0].stats["documents"].total
    return {"pages": pages, "cpu_seconds": round(seconds, 3)}


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def main() -> None:
    """Run the pipeline, print what each step let through."""
    out, model, tasks = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    languages, paths = None if sys.argv[4] == "all" else [sys.argv[4]], [Path(path) for path in sys.argv[5:]]
    if tasks == "warm":
        print("WARM " + json.dumps(warm(out, model, languages, paths)))
        return
    steps = pipeline(out, model, languages, paths)
    executor = LocalPipelineExecutor(steps, tasks=int(tasks), workers=int(tasks), logging_dir=str(out / "logs"))
    stats = executor.run()
    counts = [
        {"step": step.name, **{key: value.total for key, value in step.stats.items() if "doc_len" not in key}}
        for step in stats.stats
    ]
    print("PEER " + json.dumps(counts))


if __name__ == "__main__":
    main()
