"""weft gc: what no commit record names goes, what one names stays."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.commits import Commit
from pipeline.run import Run
from schemas.image import DATA_IMAGES, LEDGER


def put(folder, name, *, committed):
    path = folder.new_file(name, "attempt", ".parquet")
    path.write_bytes(b"x" * 100)
    if committed:
        folder.commit(Commit(slice=name, files=(folder.describe(path, table="links", rows=1),)))
    return path


@pytest.fixture
def files(begun):
    """Committed and left-over files of this recipe and of an earlier one, and of a store that all recipes share."""
    from pipeline.recipe import load

    earlier = Run(
        folder=begun.folder,
        recipe=load("tiny", ["clip.model=none", "nsfw.model=none", "image_urls.max_length=99"]),
        steps=begun.steps,
        inputs=begun.inputs,
        start_session=begun.start_session,
    )
    made = {
        "kept": put(begun.where("03_links"), "kept", committed=True),
        "left": put(begun.where("03_links"), "left", committed=False),
        "old kept": put(earlier.where("03_links"), "kept", committed=True),
        "old left": put(earlier.where("03_links"), "left", committed=False),
        "answer": put(begun.where("04_images/ledger"), "answer", committed=True),
        "draft": begun.folder / "shards" / ".weft-000000-attempt.tar",
    }
    made["draft"].parent.mkdir()
    made["draft"].write_bytes(b"x" * 7)
    return made


def there(files):
    return {name for name, path in files.items() if path.exists()}


def test_files_of_killed_attempts_go(weft, begun, files):
    done = weft("gc", begun.folder)
    assert (done.code, done.out) == (0, "deleted 3 files, 207 bytes\n")
    assert there(files) == {"kept", "old kept", "answer"}
    assert weft("gc", begun.folder).out == "deleted 0 files, 0 bytes\n"


def test_a_dry_run_only_says_so(weft, begun, files):
    assert weft("gc", begun.folder, "--dry-run").out == "would delete 3 files, 207 bytes\n"
    assert there(files) == set(files)


def test_tables_of_other_recipes_go_when_asked_for_and_answers_never_do(weft, begun, files):
    assert weft("gc", begun.folder, "--old").code == 0
    assert there(files) == {"kept", "answer"}
    assert begun.where("03_links").is_committed("kept")


@pytest.fixture
def tars(begun):
    """Tars of step 01 as another recipe wrote them, with its table of data: images, and who points into them."""
    from pipeline.recipe import load

    earlier = Run(
        folder=begun.folder,
        recipe=load("tiny", ["clip.model=none", "nsfw.model=none", "text.document.min_words=9"]),
        steps=begun.steps,
        inputs=begun.inputs,
        start_session=begun.start_session,
    )
    old, now, ledger = (earlier.where("01_documents"), begun.where("01_documents"), begun.where("04_images/ledger"))
    made = {}
    for name in ("of the ledger", "of pages judged again", "of nobody", "of a killed attempt"):
        made[name] = old.new_file(name.replace(" ", "-"), "attempt", ".tar")
        made[name].write_bytes(b"x" * 1024)
    named = [path for name, path in made.items() if name != "of a killed attempt"]
    entries = [old.describe(path, table="store", rows=1) for path in named]
    made["old table"] = table(old, DATA_IMAGES, named, entries)
    made["table"] = table(now, DATA_IMAGES, [made["of pages judged again"]], [])
    made["answers"] = table(ledger, LEDGER, [made["of the ledger"]], [])
    return made


def table(folder, kind, tars, entries):
    """A committed table of addresses, and the tars that its slice wrote."""
    path = folder.new_file("slice", kind.name, ".parquet")
    root = folder.path.parents[1] if kind is DATA_IMAGES else folder.path.parents[2]
    names = [tar.relative_to(root).as_posix() for tar in tars]
    pq.write_table(pa.table({"store_file": pa.array([*names, None], pa.string())}), path)
    entry = folder.describe(path, table=kind.name, rows=len(tars))
    folder.commit(Commit(slice="slice", files=(entry, *entries)))
    return path


def test_images_that_a_row_elsewhere_points_into_outlive_the_tables_of_their_recipe(weft, begun, tars):
    assert weft("gc", begun.folder).code == 0
    assert there(tars) == set(tars) - {"of a killed attempt"}
    for options in (["--old"], [], ["--old"]):
        assert weft("gc", begun.folder, *options).code == 0
        assert there(tars) == {"of the ledger", "of pages judged again", "table", "answers"}
