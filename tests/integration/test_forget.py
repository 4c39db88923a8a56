"""Takedown in the output of a whole run: tables, store, shards and report, and a later crawl that has it again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.store import Address, read_ranges

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def documents(folder: Path) -> dict[str, dict]:
    found = {}
    for path in sorted((folder / "shards").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    found[member.name[:32]] = json.loads(tar.extractfile(member).read())
    return found


def stored(folder: Path, url: str) -> bytes:
    """The bytes of an image in the store."""
    for path in folder.glob("04_images/ledger/*/data/**/*.parquet"):
        for row in pq.read_table(path).to_pylist():
            if row["url"] == url and row.get("store_file"):  # attempts have none
                at = Address(row["store_file"], row["store_offset"], row["store_length"])
                return next(data for _, data in read_ranges(folder, [at]))
    raise AssertionError(url)


def everything(folder: Path) -> tuple[str, bytes]:
    """Every string of every table, and the raw bytes of every other file."""
    tables, rest = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            tables.append(repr(pq.read_table(path).to_pylist()))
        else:
            rest.append(path.read_bytes())
    return "\n".join(tables), b"\n".join(rest)


def assert_gone(folder: Path, urls: list[str], files: list[bytes], hosts: list[str]) -> None:
    words, data = everything(folder)
    for text in [*urls, *[f"//{host}" for host in hosts], *[f"'{host}'" for host in hosts]]:
        assert text not in words
        assert text.encode() not in data
    for file in files:
        assert file not in data
        assert file[len(file) // 2 :][:200] not in data


def test_nothing_of_a_takedown_is_left_and_a_later_crawl_does_not_bring_it_back(
    finished, crawl, arguments, weft, tmp_path, digest_of
):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    held = documents(folder)
    by_host: dict[str, list[str]] = {}
    for key, document in sorted(held.items()):
        by_host.setdefault(document["general_metadata"]["url"].split("/")[2], []).append(key)
    host = min(by_host, key=lambda host: (len(by_host[host]), host))
    others = [key for name, keys in sorted(by_host.items()) if name != host for key in keys]
    several = [key for key in others if sum(name is not None for name in held[key]["images"]) >= 2]
    page = held[others[0]]["general_metadata"]["url"]
    image = next(facts for facts in held[several[-1]]["metadata"] if facts)
    by_hash = next(facts for facts in held[several[-2]]["metadata"] if facts)
    assert page not in (held[several[-1]]["general_metadata"]["url"], held[several[-2]]["general_metadata"]["url"])
    files = [stored(folder, image["url"]), stored(folder, by_hash["url"])]
    (tmp_path / "urls").write_text(f"{page}\n{image['url']}\n")
    (tmp_path / "hosts").write_text(f"{host}\n")
    (tmp_path / "hashes").write_text(f"{hashlib.sha256(files[1]).hexdigest()}\n")
    before = digest_of(folder)
    lists = ["--urls", tmp_path / "urls", "--hosts", tmp_path / "hosts", "--hashes", tmp_path / "hashes"]

    said = weft("forget", folder, *lists).stdout

    assert "the report is written anew" in said  # so its books balance
    assert_gone(folder, [page, image["url"]], files, [host])
    proof = weft("verify", folder, "--forgotten", tmp_path / "urls", "--forgotten", folder / "tombstones")
    assert proof.stdout.endswith("sound\n")
    after, left = digest_of(folder), documents(folder)
    concerned = {int(key, 16) * (len(before) // 2) >> 128 for key in held if left.get(key) != held[key]}
    assert {name for name in before if name.startswith("weft") and after[name] != before[name]} == {
        f"weft-{number:06d}{ending}" for number in concerned for ending in (".tar", ".idx.parquet")
    }

    # The same command finds nothing to do; a later crawl that holds the same pages brings nothing back.
    assert "nothing was left to do" in weft(*arguments, "--out", folder, "--master", "local[2]").stdout
    later = tmp_path / "later.warc.gz"
    shutil.copy(crawl.warcs[0], later)
    archives = [str(argument) for argument in arguments if argument != "--no-report"]
    archives.insert(archives.index(str(crawl.warcs[0])), str(later))
    weft(*archives, "--out", folder, "--master", "local[2]")
    assert_gone(folder, [page, image["url"]], files, [host])
    assert set(documents(folder)) == set(left)
    assert weft("verify", folder, "--forgotten", folder / "tombstones").stdout.endswith("sound\n")
