"""The encoding of a page that declares none and is not UTF-8."""

from __future__ import annotations

from bs4.dammit import EncodingDetector

_SAMPLE = 20_000


def detect_charset(html: bytes) -> str:
    """The codec that the bytes are most likely in; windows-1252 where nothing fits better."""
    for codec in EncodingDetector(html[:_SAMPLE], is_html=True).encodings:
        if codec and codec.lower() not in ("utf-8", "ascii"):
            return codec
    return "cp1252"
