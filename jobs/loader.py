"""weft loader: tools for those who train on shards; loads the trainer's side only, no Spark and no Java."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from schemas.errors import ConfigError

TOOLS = {
    "inspect": "a batch as a person reads it",
    "simulate": "fill, balance, cache and network needs, before a GPU is rented",
    "bench": "how fast this machine delivers batches",
    "tokens": "make the token tables that planning needs for a tokenizer",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a tool: `weft loader TOOL DIR ...`."""
    name, *rest = argv or ["--help"]
    if name in ("-h", "--help"):
        lines = [f"  {tool:9} {doc}" for tool, doc in TOOLS.items()]
        print("\n".join(["usage: weft loader TOOL DIR [options]      weft loader TOOL --help", "", *lines]))
        return 0
    if name not in TOOLS:
        raise ConfigError(f"no tool {name}; tools: {', '.join(TOOLS)}")
    return int(importlib.import_module(f"vlm.loader.tools.{name}").main(rest))
