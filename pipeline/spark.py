"""Where tables meet Spark: rows written by Spark are believed through a commit record like all others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import pyarrow.parquet as pq

from pipeline.commits import Commit, Cost, DataFile, StepFolder, new_attempt
from schemas.errors import SchemaMismatch
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def write_table(folder: StepFolder, table: Table, rows: DataFrame, slice_name: str) -> None:
    """Write `rows` as the table's columns, in their order and types, and commit what was written.

    Raises:
        SchemaMismatch: a column is absent, of another type, or null where the table says it is not.
    """
    if folder.is_committed(slice_name):
        return
    started = time.monotonic()
    target = folder.path / "data" / f"{table.name}-{slice_name}-{new_attempt()}"
    rows.select(*_cast(table, rows)).write.mode("error").parquet(f"file://{target}")
    files = []
    for path in sorted(target.glob("*.parquet")):
        written = pq.ParquetFile(path)
        _check_nulls(table, written)
        rows_here = written.metadata.num_rows
        entry = DataFile(
            table=table.name,
            path=path.relative_to(folder.path).as_posix(),
            rows=rows_here,
            num_bytes=path.stat().st_size,
        )
        if rows_here:
            files.append(entry)
    cost = Cost(seconds=round(time.monotonic() - started, 3))
    folder.commit(Commit(slice=slice_name, files=tuple(files), cost=cost))


def _cast(table: Table, rows: DataFrame) -> list[Any]:
    """The table's columns, by name, cast only where Spark's own widening makes a type differ."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructType

    wanted = cast("StructType", StructType.fromDDL(table.ddl()))
    have = set(rows.columns)
    if missing := [f.name for f in wanted if f.name not in have]:
        raise SchemaMismatch(f"{table.name} v{table.version}: no column {', '.join(missing)}")
    return [F.col(f.name).cast(f.dataType).alias(f.name) for f in wanted]


def _check_nulls(table: Table, written: pq.ParquetFile) -> None:
    """Parquet keeps the number of nulls of flat columns in its footer: nothing is read again."""
    must = {f.name for f in table.columns if not f.nullable}
    for group in range(written.metadata.num_row_groups):
        columns = written.metadata.row_group(group)
        for number in range(columns.num_columns):
            column = columns.column(number)
            if column.path_in_schema in must and column.statistics and column.statistics.null_count:
                raise SchemaMismatch(
                    f"{table.name}.{column.path_in_schema}: {column.statistics.null_count} nulls, want none"
                )
