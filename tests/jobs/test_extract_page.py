"""weft extract, as a person calls it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from jobs.extract_page import main
from schemas.errors import InputError

PAGE = Path(__file__).parents[1] / "gates" / "pages" / "figure_and_caption.html"


def test_a_file_is_shown_as_its_reader_meets_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PAGE), "--url", "https://paper.example/x"]) == 0
    shown = capsys.readouterr().out
    assert "[image] 800x600 by src  https://paper.example/img/oven.jpg" in shown
    assert "[caption] The oven before dawn. Photo: R. Lind" in shown
    assert "left out" not in shown


def test_explain_adds_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(PAGE), "--explain"])
    shown = capsys.readouterr().out
    assert "images left out: furniture 3" in shown
    assert "Most read" in shown


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(PAGE), "--json", "--mode", "recall"])
    assert json.loads(capsys.readouterr().out)["title"] == "A bakery in the morning"


def test_pages_of_an_archive_are_found_by_their_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = b"".join(
        record(f"http://h.example/{name}", f"<p>This is the page {name}.</p>".encode()) for name in ("one", "two")
    )
    path = tmp_path / "a.warc.gz"
    path.write_bytes(records)
    main([str(path), "--url", "two"])
    shown = capsys.readouterr().out
    assert "http://h.example/two" in shown
    assert "This is the page two." in shown
    assert "one" not in shown
    with pytest.raises(InputError, match="three"):
        main([str(path), "--url", "three"])


def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(InputError, match="No such file"):
        main(["/nowhere/page.html"])


def record(url: str, body: bytes) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-05-18T04:10:07Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")
