"""Stored rows under other thresholds are what reading the archive under them gives, and the archive is not read."""

from __future__ import annotations

import base64
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import rejudge
from pipeline.archive.inputs import expand
from pipeline.commits import Commit, StepFolder
from pipeline.documents import input_slices, read_slice
from pipeline.recipe import load
from pipeline.rejudge import FROM_TEXT, MEASURED, NeedsArchive, bounds_on_text, rejudge_slice, stored
from pipeline.slices import Guard, _do
from schemas.document import DOCUMENTS
from schemas.errors import InputError
from schemas.image import DATA_IMAGES
from tests.pipeline.test_documents import PICTURE, write_archive

SURVIVING = ["text.judge_over=surviving", "text.node.min_words=8"]


def do(folder, name, payload, process):
    batch = pa.RecordBatch.from_pydict({"payload": [payload]})
    return _do(folder, name, iter([batch]), process, Guard())


def read(archive, root, *overrides):
    """Step 01 from the archive."""
    folder = StepFolder(root / "01_documents" / "-".join(overrides).replace("/", "_").ljust(1, "k"))
    ((name, payload),) = input_slices(expand([str(archive)]))
    process = read_slice(load("tiny", ["clip.model=none", *overrides]), folder.data_prefix(root), measured="m")
    assert do(folder, name, payload, process) is None
    return folder, name


def again(root, folder, name, *overrides):
    """Step 01 from what another folder holds; the error, if there is one."""
    paths = rejudge._paths(folder, folder.commits()[name])
    target = StepFolder(root / "rejudged" / "-".join(overrides))
    error = do(target, name, json.dumps(paths), rejudge_slice(load("tiny", ["clip.model=none", *overrides]), "m"))
    return target, error


def rows(folder, table=DOCUMENTS.name):
    return [row for path in folder.files(table) for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ["text.document.min_words=380"]),
        (["text.document.min_words=380"], []),  # looser: tokens of what comes back are counted
        ([], ["text.node.min_words=12"]),
        (["text.node.min_words=12", "language.min_score=1.0"], ["language.languages=['de', 'en']"]),
        ([], ["text.rules=none", *SURVIVING, "text.document.min_words=60"]),  # sums
        ([], ["text.rules=gopher", *SURVIVING]),  # no sums
    ],
)
def test_rows_judged_again_are_those_of_a_fresh_read(small_crawl, tmp_path, before, after):
    old, name = read(small_crawl.warcs[0], tmp_path, *before)
    fresh, _ = read(small_crawl.warcs[0], tmp_path, *after)
    found, error = again(tmp_path, old, name, *after)
    assert error is None
    assert rows(found) == rows(fresh) != rows(old)
    assert rows(found, "inputs") == rows(fresh, "inputs")


def test_text_is_read_only_for_what_the_measures_do_not_say(small_crawl, tmp_path):
    old, name = read(small_crawl.warcs[0], tmp_path)

    def asked(*overrides):
        return again(tmp_path, old, name, *overrides)[0].commits()[name].extra

    nothing = {"tokens of nodes": 0, "measures of documents": 0}
    assert asked("text.document.min_words=380") == {MEASURED: "m", FROM_TEXT: nothing}
    assert asked("text.rules=none", *SURVIVING, "text.document.min_words=60")[FROM_TEXT] == nothing
    assert asked("text.rules=gopher", *SURVIVING)[FROM_TEXT]["measures of documents"] > 0
    assert bounds_on_text(load("tiny", SURVIVING)) != []
    assert bounds_on_text(load("tiny", [])) == []


@pytest.fixture
def with_picture(tmp_path):
    """An archive of one page that shows a data: image."""
    encoded = base64.b64encode(PICTURE).decode()
    text = "<p>Pour boiling water over the leaves of the pot, wait, and taste the tea before the guests arrive.</p>" * 9
    html = f"<html lang=en><body><h1>Tea</h1>{text}<img src='data:image/jpeg;base64,{encoded}' alt=Pot>{text}</body>"
    return write_archive(tmp_path / "a.warc.gz", [("http://a.example/", html.encode(), [])])


STRICT = "text.document.min_words=9000"


def test_a_page_that_comes_back_with_an_image_that_was_not_stored_needs_its_archive(with_picture, tmp_path):
    dropped, name = read(with_picture, tmp_path, STRICT)
    loose = ["text.rules=none"]
    _, error = again(tmp_path, dropped, name, *loose)
    assert NeedsArchive.__name__ in error
    kept, _ = read(with_picture, tmp_path, *loose)
    found, error = again(tmp_path, kept, name, *loose, "text.document.min_words=20")
    assert error is None
    assert rows(found, DATA_IMAGES.name) == rows(kept, DATA_IMAGES.name) != []
    gone, error = again(tmp_path, kept, name, STRICT)
    assert error is None
    assert rows(gone, DATA_IMAGES.name) == []


def test_slices_are_found_by_what_was_measured(run_of):
    run = run_of()
    assert stored(run) == []
    other = run_of("text.document.min_words=3")
    wrong = run_of("extract.mode=recall")
    for earlier in (other, wrong):
        earlier.where("01_documents").commit(
            Commit(slice="in0", files=(), extra={MEASURED: earlier.measured("01_documents")})
        )
    assert [name for name, _ in stored(run)] == ["in0"]
    assert stored(run_of("minhash.width=3")) == []
    run.where("01_documents").commit(Commit(slice="in0", files=()))
    assert stored(run) == []  # done


def test_without_stored_measures_the_step_says_who_reads_archives(run_of):
    with pytest.raises(InputError, match=r"1 of 1 slices cannot be judged .*weft run with the same --set"):
        rejudge.make(run_of())
