"""Fetching images: politely, safely, with one answer for each URL.

`fetch(urls, config)` gives answers as they come; everything else here is how. Read in this order: `config`,
`answers` (what an answer is), `schedule` (whose turn it is), `request` (one request, bounded), `robots`,
`opt_out`, `addresses` (what may be asked), `client` (all of it together).
"""

from pipeline.fetch.answers import Answer
from pipeline.fetch.client import fetch
from pipeline.fetch.config import Config, HostLimit

__all__ = ["Answer", "Config", "HostLimit", "fetch"]
