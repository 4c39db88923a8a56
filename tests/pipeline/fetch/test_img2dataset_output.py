import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.fetch.config import Config
from pipeline.fetch.img2dataset_output import read_output, status_of_message
from schemas.errors import InputError
from schemas.reasons import FetchStatus


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("HTTP Error 404: Not Found", FetchStatus.HTTP_4XX, 404),
        ("HTTP Error 410: Gone", FetchStatus.HTTP_410, 410),
        ("HTTP Error 429: Too Many Requests", FetchStatus.HTTP_429, 429),
        ("HTTP Error 503: x", FetchStatus.HTTP_5XX, 503),
        ("HTTP Error 302: a redirect error that would lead to an infinite loop.\nx", FetchStatus.REDIRECT_LOOP, 302),
        ("<urlopen error [Errno -2] Name or service not known>", FetchStatus.DNS, None),
        ("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed>", FetchStatus.TLS, None),
        ("<urlopen error [Errno 111] Connection refused>", FetchStatus.CONNECT, None),
        ("<urlopen error Tunnel connection failed: 502 no such host>", FetchStatus.CONNECT, None),
        ("The read operation timed out", FetchStatus.TIMEOUT, None),
        ("IncompleteRead(10 bytes read, 20 more expected)", FetchStatus.TRUNCATED, None),
        ("Use of image disallowed by X-Robots-Tag directive", FetchStatus.OPTED_OUT, None),
        ("BadStatusLine SSH-2.0", FetchStatus.PROTOCOL, None),
    ],
)  # fmt: skip
def test_messages_have_classes(message, status, code):
    assert status_of_message(message) == (status, code)


def shard(folder, number, rows, images):
    """A finished shard as img2dataset writes it."""
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{number:05d}.parquet")
    with tarfile.open(folder / f"{number:05d}.tar", "w") as tar:
        for key, data in images.items():
            info = tarfile.TarInfo(f"{key}.jpg")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_an_existing_download_is_read_without_fetching(tmp_path, site):
    body = site.image().partition(b"\r\n\r\n")[2]
    rows = [
        {"url": "http://a/1", "key": "000000000", "status": "success", "error_message": None},
        {"url": "http://a/2", "key": "000000001", "status": "failed_to_download", "error_message": "HTTP Error 410: x"},
        {"url": "http://a/3", "key": "000000002", "status": "success", "error_message": None},
    ]
    shard(tmp_path, 0, rows, {"000000000": body, "000000002": b"<html>"})
    (tmp_path / "00001.parquet").write_bytes(b"PAR1 cut short")
    got = {a.url: a for a in read_output(tmp_path, Config())}
    assert [got[f"http://a/{i}"].status for i in (1, 2, 3)] == [
        FetchStatus.OK,
        FetchStatus.HTTP_410,
        FetchStatus.NOT_AN_IMAGE,
    ]
    assert got["http://a/1"].data == body
    assert site.asked == []


def test_a_folder_of_files_and_a_parquet_with_bytes_are_read_too(tmp_path, site):
    body = site.image().partition(b"\r\n\r\n")[2]
    row = {"url": "http://a/1", "key": "000000000", "status": "success", "error_message": None}
    for name in ("files", "parquet"):
        (tmp_path / name).mkdir()
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "files" / "00000.parquet")
    (tmp_path / "files" / "00000").mkdir()
    (tmp_path / "files" / "00000" / "000000000.jpg").write_bytes(body)
    pq.write_table(pa.Table.from_pylist([row | {"jpg": body}]), tmp_path / "parquet" / "00000.parquet")
    for name in ("files", "parquet"):
        [answer] = read_output(tmp_path / name, Config())
        assert answer.data == body


def test_a_folder_of_something_else_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no output of img2dataset"):
        list(read_output(tmp_path, Config()))
