"""Archives in zstd and lz4 frames are read like those in gzip members."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import zstandard
from fastwarc.stream_io import Lz4Writer

from pipeline.archive.config import Config
from pipeline.archive.record import Page
from pipeline.archive.records import read_records


def zstd(text: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(text)


def zstd_in_a_stream(text: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(text) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + packer.flush()


class Kept(io.BytesIO):
    """What a writer closes and can be read still."""

    def close(self) -> None:
        pass


def lz4(text: bytes) -> bytes:
    out = Kept()
    writer = Lz4Writer(out)
    writer.write(text)
    writer.close()
    return out.getvalue()


def read(data: bytes):
    return list(read_records(io.BytesIO(data), limits=Config()))


PACKERS = [zstd, zstd_in_a_stream, lz4]


@pytest.mark.parametrize("pack", PACKERS)
def test_each_frame_is_a_record_with_its_bounds(page: Callable[..., bytes], pack: Callable[[bytes], bytes]) -> None:
    frames = [pack(page(number)) for number in range(3)]
    items = read(b"".join(frames))
    assert [item.url for item in items] == [f"https://example.com/{number}" for number in range(3)]
    assert [item.length for item in items] == [len(frame) for frame in frames]
    again = read(frames[1])
    assert again[0].payload_digest == items[1].payload_digest


@pytest.mark.parametrize("pack", PACKERS)
def test_a_broken_frame_costs_itself(page: Callable[..., bytes], pack: Callable[[bytes], bytes]) -> None:
    frames = [bytearray(pack(page(number))) for number in range(3)]
    frames[1][len(frames[1]) // 2 :] = b"\xff" * (len(frames[1]) - len(frames[1]) // 2)
    items = read(b"".join(frames))
    urls = [item.url for item in items if isinstance(item, Page)]
    assert (urls[0], urls[-1]) == ("https://example.com/0", "https://example.com/2")
    assert sum(item.length for item in items) == sum(map(len, frames))


def test_a_cut_frame_is_damaged(page: Callable[..., bytes]) -> None:
    items = read((zstd(page(1)) + zstd(page(2)))[:-3])
    assert [getattr(item, "url", None) or str(item.reason) for item in items] == ["https://example.com/1", "damaged"]


def test_a_dictionary_in_the_first_frame_is_used_from_any_record(page: Callable[..., bytes]) -> None:
    dictionary = zstandard.ZstdCompressionDict(page(0) * 4)
    packer = zstandard.ZstdCompressor(dict_data=dictionary)
    stored = zstd(dictionary.as_bytes())
    first = b"\x5d\x2a\x4d\x18" + len(stored).to_bytes(4, "little") + stored
    frames = [packer.compress(page(number)) for number in range(3)]
    data = first + b"".join(frames)
    items = read(data)
    assert [item.url for item in items] == [f"https://example.com/{number}" for number in range(3)]
    later = list(read_records(io.BytesIO(data), limits=Config(), start_offset=items[2].offset))
    assert [item.url for item in later] == ["https://example.com/2"]


@pytest.mark.shared
def test_lz4_frames_of_another_writer_are_read_like_the_gzip_members_beside_them(shared) -> None:
    name = "chatnoir-resiliparse__warcfile.warc"
    packed = list(read_records(shared / "wild" / f"{name}.lz4", limits=Config()))
    plain = list(read_records(shared / "wild" / name, limits=Config()))
    assert [getattr(item, "payload_digest", None) for item in packed] == [
        getattr(item, "payload_digest", None) for item in plain
    ]
    assert sum(item.length for item in packed) == (shared / "wild" / f"{name}.lz4").stat().st_size
