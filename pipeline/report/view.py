"""`weft view`: documents of the shards drawn at random or searched, in a browser, from this machine only.

It reads indexes and tars as a trainer would, so it shows what a model will be given. It answers GET on loopback under
its own name only (a page elsewhere cannot reach it by a name that points here), has no script, and hands out nothing
but its page, the report and members of shards whose index names them as images.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pyarrow.parquet as pq
from markupsafe import Markup

from pipeline.report.cards import archive_copy
from pipeline.report.render import asset, environment, policy
from pipeline.report.safe_text import visible, web_address
from pipeline.shards import manifest as manifests
from pipeline.shards.place import Place
from schemas.errors import InputError

SHOWN = 12
"""Documents of one page."""
KINDS = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
}
"""Content type by the ending of a member's name: a recipe may keep fetched bytes. None of them can hold a script."""
LOOKED_AT = 4_000
"""Documents that one request reads at most; the page says how far it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for; an empty field asks for nothing."""

    language: str = ""
    host: str = ""
    text: str = ""
    score: float | None = None
    seed: int = 0

    def fits(self, document: dict[str, Any]) -> bool:
        """Whether the document is wanted: host and text as parts, in any case."""
        page = document["general_metadata"]
        if self.language and page["language"] != self.language:
            return False
        if self.host and self.host.lower() not in (urlsplit(page["url"]).hostname or ""):
            return False
        if self.score is not None and best_score(document) < self.score:
            return False
        wanted = self.text.casefold()
        texts = [page["title"], *document["texts"]]
        return not wanted or any(wanted in text.casefold() for text in texts if text)


def wish(query: str) -> Wish:
    """What a query string asks for; what makes no sense asks for nothing."""
    fields = {name: values[0][:200] for name, values in parse_qs(query).items()}
    score, seed = fields.get("score", ""), fields.get("seed", "0")
    try:
        least = float(score) if score else None
    except ValueError:
        least = None
    return Wish(
        language=fields.get("language", ""),
        host=fields.get("host", ""),
        text=fields.get("text", ""),
        score=least,
        seed=int(seed) if seed.isdecimal() else 0,
    )


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of a folder with a manifest."""

    folder: Path

    @property
    def names(self) -> list[str]:
        """The shards, in order.

        Raises:
            InputError: there is no manifest, or it is damaged.
        """
        path = self.folder / "manifest.json"
        if not path.is_file():
            raise InputError(f"{self.folder} holds no shards (no manifest.json); has weft run finished?")
        return [str(shard["name"]).removesuffix(".tar") for shard in manifests.load(Place(self.folder))["shards"]]

    def draw(self, wanted: Wish, number: int = SHOWN, limit: int = LOOKED_AT) -> tuple[list[dict[str, Any]], int]:
        """(documents that fit, in an order of the seed; how many were looked at)."""
        found: list[dict[str, Any]] = []
        seen = 0
        for document in self._shuffled(wanted.seed):
            seen += 1
            if wanted.fits(document):
                found.append(document)
            if len(found) >= number or seen >= limit:
                break
        return found, seen

    def image(self, key: str, name: str) -> bytes | None:
        """The bytes of an image of a document, or None."""
        names = self.names
        if len(key) != 32 or not set(key) <= set("0123456789abcdef"):
            return None
        shard = names[int(key, 16) * len(names) >> 128]
        for row in _index(self.folder / f"{shard}.idx.parquet"):
            if row["key"] == key:
                for member in row["members"]:
                    if member["name"] == name and kind_of(name):
                        return self._read(shard, member)
        return None

    def _shuffled(self, seed: int) -> Iterator[dict[str, Any]]:
        dice = random.Random(seed)
        names = self.names
        dice.shuffle(names)
        for shard in names:
            rows = list(_index(self.folder / f"{shard}.idx.parquet"))
            dice.shuffle(rows)
            for row in rows:
                yield json.loads(self._read(shard, row["members"][0])) | {"key": row["key"]}

    def _read(self, shard: str, member: dict[str, Any]) -> bytes:
        with (self.folder / f"{shard}.tar").open("rb") as tar:
            tar.seek(member["offset"])
            return tar.read(member["length"])


def kind_of(name: str) -> str:
    """The content type of an image by its name, empty for what is none."""
    return KINDS.get(name.rpartition(".")[2], "")


def best_score(document: dict[str, Any]) -> float:
    """The largest CLIP score of its images; -1 where none was scored."""
    scores = [image["clip_score"] for image in document["metadata"] if image and image["clip_score"] is not None]
    return max(scores, default=-1.0)


def card(document: dict[str, Any]) -> dict[str, Any]:
    """The document as the template shows it; images come from this server."""
    page, score = document["general_metadata"], best_score(document)
    nodes: list[dict[str, Any]] = []
    columns = (document["roles"], document["texts"], document["images"], document["metadata"])
    for role, text, name, image in zip(*columns, strict=True):
        if image is None:
            nodes.append({"kind": "text", "role": role, "text": visible(text, 20_000), "reason": None})
            continue
        shown = {"picture": f"/image/{document['key']}/{quote(name)}", "withheld": False, "reason": None}
        facts = {name: image[name] for name in ("width", "height", "clip_score", "nsfw_score")}
        where = {"url": visible(image["url"], 300), "link": web_address(image["url"])}
        texts = {"alt": visible(image["alt"], 300), "count": image["count_in_corpus"]}
        nodes.append({"kind": "image", "role": role, **shown, **facts, **where, **texts})
    return {
        "id": document["key"],
        "title": visible(page["title"], 300) or "(no title)",
        "url": visible(page["url"], 300),
        "link": web_address(page["url"]),
        "archive": archive_copy(page),
        "site": urlsplit(page["url"]).hostname or "",
        "language": page["language"] or "und",
        "language_score": page["language_score"],
        "num_words": page["num_words"],
        "num_images": sum(image is not None for image in document["metadata"]),
        "best_score": score if score > -1 else None,
        "left_out": 0,
        "nodes": nodes,
    }


def live_page(shards: Shards, wanted: Wish) -> str:
    """The page of documents that fit."""
    found, seen = shards.draw(wanted)
    style = asset("report.css")
    return (
        environment()
        .get_template("view.html")
        .render(
            documents=[card(document) for document in found],
            wanted=wanted,
            seen=seen,
            is_all=seen < LOOKED_AT and len(found) < SHOWN,
            style=Markup(style),
            policy=policy("", style, pictures="'self' data:", forms="'self'"),
        )
    )


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server on loopback for the output folder of a run, or a folder of shards; `serve_forever` starts it.

    Raises:
        InputError: there are no shards.
    """
    inner = folder / "shards"
    shards = Shards(inner if (inner / "manifest.json").is_file() else folder)
    _ = shards.names  # says now that there are none
    made = ThreadingHTTPServer(("127.0.0.1", port), _handler(shards, folder / "report" / "index.html"))
    made.daemon_threads = True
    return made


def _handler(shards: Shards, report: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET."""

        server: ThreadingHTTPServer

        def do_GET(self) -> None:
            """The page, the report, an image."""
            port = self.server.server_port
            if self.headers.get("Host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
                self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"not my name")
                return
            parts = urlsplit(self.path)
            if parts.path == "/":
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", live_page(shards, wish(parts.query)).encode())
            elif parts.path == "/report" and report.is_file():
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", report.read_bytes())
            elif parts.path.startswith("/image/") and (data := shards.image(*_named(parts.path))) is not None:
                self._answer(HTTPStatus.OK, kind_of(parts.path), data)
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", f"no {html.escape(parts.path)}".encode())

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Nothing: what is looked at is nobody's business."""

    return Handler


def _named(path: str) -> tuple[str, str]:
    key, _, name = path.removeprefix("/image/").partition("/")
    return key, name


@lru_cache(maxsize=8)
def _index(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(pq.read_table(path, columns=["key", "members"]).to_pylist())
