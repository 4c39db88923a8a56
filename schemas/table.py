"""One declaration of a dataset's columns, read by arrow, by Spark and by the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from schemas.errors import SchemaMismatch

_SCALARS: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.uint32(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.binary(): "BINARY",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}


def inner(name: str, dtype: pa.DataType, doc: str, *, unit: str = "") -> pa.Field:
    """Declare a field of a struct; it may be null, because neither Spark nor Parquet keeps that it may not."""
    return column(name, dtype, doc, unit=unit, nullable=True)


def column(name: str, dtype: pa.DataType, doc: str, *, unit: str = "", nullable: bool = False) -> pa.Field:
    """Declare a column. `doc` says what a reader of the table must know; `unit` is px, B, s, ..."""
    text = f"{doc} [{unit}]" if unit else doc
    return pa.field(name, dtype, nullable=nullable, metadata={"comment": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A named, versioned set of columns. `key` identifies a row; it is never null."""

    name: str
    version: int
    doc: str
    key: tuple[str, ...]
    columns: tuple[pa.Field, ...]
    budget_bytes: int
    """What a row may cost on disk, mean over a run; the report prints the true figure beside it."""

    @property
    def arrow(self) -> pa.Schema:
        """The columns as an arrow schema."""
        return pa.schema(list(self.columns))

    def ddl(self) -> str:
        """The columns as a Spark DDL string (no pyspark needed here); nullability is checked by `check`."""
        return ", ".join(f"{f.name} {_sql(f.type)}" for f in self.columns)

    def markdown(self) -> str:
        """The columns as the table shown in docs/schemas.md."""
        key = ", ".join(f"`{name}`" for name in self.key)
        facts = f"Key: {key}. Budget: {self.budget_bytes:,} bytes a row."
        head = f"## {self.name} v{self.version}\n\n{self.doc} {facts}\n\n| column | type | null | meaning |"
        rows = [
            f"| `{name}` | `{_short(f.type)}` | {'yes' if f.nullable else 'no'} | {_comment(f)} |"
            for name, f in _flat(self.columns)
        ]
        return "\n".join([head, "|---|---|---|---|", *rows])

    def batch(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        """The rows as a batch of this table.

        Raises:
            SchemaMismatch: a value does not fit its column, a column is absent, or a key is unknown.
        """
        names = {f.name for f in self.columns}
        for row in rows[:1]:
            if set(row) != names:
                raise SchemaMismatch(f"{self.name} v{self.version}: row differs in {sorted(set(row) ^ names)}")
        try:
            batch = pa.RecordBatch.from_pylist(rows, schema=self.arrow)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise SchemaMismatch(f"{self.name} v{self.version}: {error}") from error
        self.check(batch)
        return batch

    def check(self, batch: pa.RecordBatch) -> None:
        """Raise SchemaMismatch unless `batch` has these columns, in this order, without forbidden nulls.

        Order matters: Spark binds the columns of an arrow batch by position, not by name.
        """
        want = [(f.name, _sql(f.type)) for f in self.columns]
        have = [(f.name, _sql(f.type)) for f in batch.schema]
        if want != have:
            wrong = [f"{h} for {w}" for h, w in zip_longest(have, want) if h != w]
            raise SchemaMismatch(f"{self.name} v{self.version}: has {'; '.join(wrong)}")
        for field, values in zip(self.columns, batch.columns, strict=True):
            if values.null_count and not field.nullable:
                raise SchemaMismatch(f"{self.name}.{field.name}: {values.null_count} nulls, want none")


def _sql(dtype: pa.DataType) -> str:
    if pa.types.is_list(dtype):
        return f"ARRAY<{_sql(dtype.value_type)}>"
    if pa.types.is_struct(dtype):
        inner = ", ".join(f"{f.name}: {_sql(f.type)}" for f in dtype)
        return f"STRUCT<{inner}>"
    try:
        return _SCALARS[dtype]
    except KeyError:
        raise SchemaMismatch(f"{dtype} has no Spark type; use one of {list(_SCALARS)}") from None


def _flat(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[tuple[str, pa.Field]]:
    """Every column and, under `outer.inner` names, every field of nested structs."""
    for field in fields:
        yield prefix + field.name, field
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(inner):
            yield from _flat(inner, f"{prefix}{field.name}.")


def _short(dtype: pa.DataType) -> str:
    if pa.types.is_list(dtype):
        return f"list<{_short(dtype.value_type)}>"
    return "struct" if pa.types.is_struct(dtype) else str(dtype)


def _comment(field: pa.Field) -> str:
    return str((field.metadata or {})[b"comment"], "utf-8")
