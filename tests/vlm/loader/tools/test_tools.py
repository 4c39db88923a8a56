import re

import pytest
from loader_shards import image, text, write_shards

from vlm.loader.tools import bench, inspect, simulate

OPTIONS = ["--seq-len", "512", "--image-size", "32", "--patch", "8", "--image-tokens", "4", "--lanes", "24"]


def test_inspect_shows_each_pack_with_its_texts_images_and_padding(sample, capsys):
    assert inspect.main([str(sample), *OPTIONS, "--packs", "3", "--skip", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("step 1: 8 packs of 512 tokens")
    assert out.count("\npack ") == 3
    used = [int(n) for n in re.findall(r"pieces, (\d+) tokens, \d+ padding", out)]
    padding = [int(n) for n in re.findall(r"tokens, (\d+) padding", out)]
    assert [u + p for u, p in zip(used, padding, strict=True)] == [512] * 3
    assert re.search(r"image +4 tokens  4x4 patches", out)
    assert re.search(r"text +\d+ tokens  [A-Z]", out)


def test_inspect_says_which_image_is_masked(tmp_path, capsys):
    write_shards(tmp_path, {"0" * 32: [text("a page"), image(b"no image")]}, 1)
    assert inspect.main([str(tmp_path), *OPTIONS]) == 0
    out = capsys.readouterr().out
    assert "4x4 patches  MASKED" in out
    assert "masked decode: weft-000000.tar 00000000000000000000000000000000.000" in out


def test_simulate_needs_no_tars(tmp_path, sample, capsys):
    for path in sample.iterdir():
        if path.suffix != ".tar":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert simulate.main([str(tmp_path), *OPTIONS, "--ranks", "4", "--steps", "20"]) == 0
    out = capsys.readouterr().out
    assert float(re.search(r"fill +([\d.]+)", out)[1]) > 0.9
    assert int(re.search(r"state +([\d,]+) bytes for 24 lanes", out)[1].replace(",", "")) < 1_000_000
    for line in ("balance", "an epoch", "reading", "cache", "planning"):
        assert f"\n{line} " in out


def test_bench_prints_speed_and_waiting(sample, capsys):
    assert bench.main([str(sample), *OPTIONS, "--seconds", "0.2"]) == 0
    out = capsys.readouterr().out
    assert int(re.search(r"([\d,]+) useful tokens/s", out)[1].replace(",", "")) > 0
    assert "decoder cpu on cpu" in out


@pytest.mark.parametrize("command", [inspect, simulate, bench])
def test_what_the_user_can_put_right_is_one_line_and_exit_code_2(command, tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("DatasetError: ")


def test_ranks_that_do_not_fit_are_refused(sample, capsys):
    assert simulate.main([str(sample), *OPTIONS, "--ranks", "5"]) == 2
    assert "5 ranks do not divide 24 lanes" in capsys.readouterr().err
