"""Section [read_warc] of a recipe: which records are pages, and how remote archives are asked for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.errors import ConfigError

_HOW = {"operational": True}  # cannot change a document, so it stays out of the recipe's fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Bounds are inclusive. The rates and waits below `base` change no document."""

    max_body_bytes: int = 10_000_000
    """Largest HTTP body, before and after its content encoding is undone. Common Crawl cuts bodies at 1 MiB
    (5 MiB since 2025), so nothing of it is lost here; the bound is for other crawls and for bombs."""
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    """Media types of pages, lower case, without parameters."""
    base: str = field(default="", metadata=_HOW)
    """Where the names in a `*.paths` list and in pointers are looked up: a folder, `s3://` or `https://` prefix.
    Empty: the list's own folder; for Common Crawl's names (`crawl-data/...`) its public server."""
    max_requests_per_second: float = field(default=20.0, metadata=_HOW)
    """Ceiling for the whole job, over all tasks, of requests to remote archives."""
    max_wait_s: float = field(default=1800.0, metadata=_HOW)
    """Longest total wait for one range of a remote archive that answers 403, 429, 5xx or not at all."""
    timeout_s: float = field(default=60.0, metadata=_HOW)
    """Longest silence of a remote archive in one request."""
    max_gap_bytes: int = field(default=64 << 10, metadata=_HOW)
    """Pointers closer than this are read in one request: at 64 KiB reading the gap costs less than asking anew."""
    max_range_bytes: int = field(default=32 << 20, metadata=_HOW)
    """Largest coalesced range."""
    max_pointers_per_item: int = field(default=4096, metadata=_HOW)
    """Pointers into one archive that make one work item."""

    def __post_init__(self) -> None:
        if self.max_body_bytes < 1:
            raise ConfigError(f"read_warc.max_body_bytes={self.max_body_bytes} must be at least 1")
        if not self.content_types or any(t != t.strip().lower() or "/" not in t for t in self.content_types):
            raise ConfigError(f"read_warc.content_types={list(self.content_types)} must be media types in lower case")
        if self.max_requests_per_second <= 0:
            raise ConfigError(f"read_warc.max_requests_per_second={self.max_requests_per_second} must be above 0")
        for name in ("max_wait_s", "timeout_s", "max_gap_bytes"):
            if getattr(self, name) < 0:
                raise ConfigError(f"read_warc.{name}={getattr(self, name)} must be at least 0")
        for name in ("max_range_bytes", "max_pointers_per_item"):
            if getattr(self, name) < 1:
                raise ConfigError(f"read_warc.{name}={getattr(self, name)} must be at least 1")
