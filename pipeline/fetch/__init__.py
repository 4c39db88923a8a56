"""Fetching images: politely, safely, with one answer for each URL.

`fetch(urls, config)` gives answers as they come; everything else here is how. Read in this order: `config`,
`answers` (what an answer is), `plan` (which task asks what), `schedule` (whose turn it is), `request` (one request,
bounded), `pool` and `connection` (HTTP/1.1), `robots`, `opt_out`, `addresses` (what may be asked), `hand_over`,
`client` (all of it together).
"""

from pipeline.fetch.answers import Answer
from pipeline.fetch.client import fetch
from pipeline.fetch.config import Config, HostLimit
from pipeline.fetch.job import Start

__all__ = ["Answer", "Config", "HostLimit", "Start", "fetch"]
