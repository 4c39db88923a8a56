"""What was to be forgotten and may not come back, by hashes alone."""

from __future__ import annotations

import pyarrow as pa

from schemas.table import Table, column

TOMBSTONES = Table(
    name="tombstones",
    version=1,
    doc="What `weft forget` took away: no rerun, retry or later crawl into the folder brings it back.",
    key=("kind", "digest"),
    columns=(
        column("kind", pa.string(), "url, host or hash"),
        column("digest", pa.binary(), "first 16 bytes of SHA-256 of it, in one form, after its kind"),
    ),
    budget_bytes=40,
)
