"""weft gc: what no commit record names goes, what one names stays."""

from __future__ import annotations

import pytest

from pipeline.commits import Commit
from pipeline.run import Run


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
