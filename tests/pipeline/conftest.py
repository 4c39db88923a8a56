"""Hand-made tables of a run, and a few pages of the sample crawl: what tests of stages stand on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from demo.crawl import Crawl, write_crawl
from filters.extract import Document, Node
from pipeline.archive.record import Page
from pipeline.commits import Commit, new_attempt
from pipeline.flow import FLOW
from pipeline.recipe import load
from pipeline.run import Run
from pipeline.slices import SliceWriter
from schemas.document import NODE
from schemas.table import Table

INPUT = "in0"
NOTHING = {pa.string(): "", pa.bool_(): False, pa.binary(): b"", pa.float64(): 0.0}


def _no_session() -> Any:
    raise AssertionError("this test must do without Spark")


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Run]:
    """A run in tmp_path/out by the tiny recipe without CLIP and NSFW models, keys overridden; Spark only if given."""

    def make(*overrides: str, spark: Any = None, recipe: str = "tiny", inputs: Any = ((INPUT, "{}"),)) -> Run:
        chosen = load(recipe, ["clip.model=none", "nsfw.model=none", *overrides])
        start = _no_session if spark is None else lambda: spark
        return Run(folder=tmp_path / "out", recipe=chosen, steps=FLOW, inputs=inputs, start_session=start)

    return make


@pytest.fixture(scope="session")
def row_of() -> Callable[..., dict[str, Any]]:
    """A row of a table: what is not said is null, or empty where the table allows no null."""

    def make(table: Table, **values: Any) -> dict[str, Any]:
        assert set(values) <= {field.name for field in table.columns}
        return {field.name: None if field.nullable else _nothing(field.type) for field in table.columns} | values

    return make


@pytest.fixture(scope="session")
def node_of() -> Callable[..., dict[str, Any]]:
    """A node of a document: `text=` or `image_url=` and what else is said."""

    def make(**values: Any) -> dict[str, Any]:
        role = "image" if "image_url" in values else "paragraph"
        return {field.name: None for field in NODE} | {"role": role} | values

    return make


@pytest.fixture(scope="session")
def fill() -> Callable[..., None]:
    """Commit hand-made rows as a slice of a step: `fill(run, "03_links", (LINKS, rows), ...)`."""

    def write(run: Run, step: str, *tables: tuple[Table, list[dict[str, Any]]], slice_name: str = "") -> None:
        folder = run.where(step)
        name = slice_name or (INPUT if not run.step(step).after else "all")
        out = SliceWriter(folder, name, new_attempt())
        for table, rows in tables:
            out.write(table, rows)
        out.close()
        assert folder.commit(Commit(slice=name, files=tuple(out.files)))

    return write


@pytest.fixture(scope="session")
def small_crawl(tmp_path_factory: pytest.TempPathFactory) -> Crawl:
    """Six pages of the sample in one archive."""
    return write_crawl(tmp_path_factory.mktemp("small"), pages=6, seed=3, warcs=1)


def _nothing(dtype: pa.DataType) -> Any:
    if pa.types.is_list(dtype):
        return []
    if pa.types.is_timestamp(dtype):
        return datetime(2024, 5, 18, tzinfo=UTC)
    return 0 if pa.types.is_integer(dtype) else NOTHING[dtype]


@pytest.fixture(scope="session")
def tea() -> Page:
    """A page as read from an archive, without a body."""
    return Page(
        offset=0,
        length=10,
        url="http://tea.example/",
        fetched_at=datetime(2024, 5, 18, tzinfo=UTC),
        payload_digest="sha1:A",
        body=b"",
        content_type="text/html",
        http_charset="utf-8",
        robots_headers=(),
        tdm_header=None,
        status=200,
    )


@pytest.fixture(scope="session")
def document_of() -> Callable[..., Document]:
    """A document as extracted, of paragraphs."""
    return lambda *texts: Document(nodes=[Node(text=text) for text in texts])
