"""weft view: look at documents of a finished run in a browser, drawn at random or searched; on loopback only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local
from schemas.errors import ConfigError


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    options = argparse.ArgumentParser(prog="weft view", description=__doc__)
    options.add_argument(
        "folder", type=local("DIR"), metavar="DIR", help="output folder of weft run, or a folder of shards"
    )
    options.add_argument("--port", type=int, default=8470, help="default: 8470; 0 = any that is free")
    arguments = options.parse_args(argv)
    try:
        from pipeline.report.view import server
    except ImportError as error:
        raise ConfigError(f"the page needs the extra `report` (pip install 'weft[report]'): {error}") from error
    try:
        serving = server(arguments.folder, arguments.port)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--port {arguments.port}: {error}") from error
    with serving:
        print(f"http://127.0.0.1:{serving.server_port}/  (stop with Ctrl-C)", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
