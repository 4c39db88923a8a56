import re

import pytest
from loader_shards import image, key_of, text, write_shards

from vlm.loader import read_documents
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


@pytest.mark.parametrize("ranks", ["0", "-1"])
def test_no_ranks_are_refused(sample, capsys, ranks):
    assert simulate.main([str(sample), *OPTIONS, "--ranks", ranks]) == 2
    assert capsys.readouterr().err.startswith("LoaderConfigError: ")


def planned(folder, capsys, view):
    """(tokens a document, documents begun, MB a second at 1 token a microsecond) that simulate tells."""
    more = ["--view", view, "--steps", "30", "--tokens-per-second", "1e6"]
    assert simulate.main([str(folder), *OPTIONS, *more]) == 0
    out = capsys.readouterr().out
    found = (r"a document +([\d,]+) tokens", r"([\d,]+) documents begun", r"reading +([\d,.]+) MB")
    return [float(re.search(what, out)[1].replace(",", "")) for what in found]


def test_simulate_counts_a_page_once_and_reads_what_the_view_needs(tmp_path, capsys):
    """4 pictures of 100 kB, half the documents without any: by hand 4 x (6 + 2 + 10 + 2) tokens for half of them."""
    pictures = [image(b"x" * 100_000, alt="ten bytes.") for _ in range(4)]
    documents = {key_of(i): [text("a" * 98), *(pictures if i % 2 else [])] for i in range(200)}
    folder = write_shards(tmp_path, documents, 2)
    tokens, begun, rate = planned(folder, capsys, "pairs")
    assert tokens == pytest.approx(40, abs=2)
    assert begun <= 30 * 8 * 512 / 80 * 1.05
    assert rate == pytest.approx(100_000 / 20, rel=0.2)  # a picture for each 20 tokens, the JSON beside it
    tokens, _, rate = planned(folder, capsys, "text_only")
    assert tokens == pytest.approx(102, abs=2)
    assert rate < 100


@pytest.mark.parametrize(
    "more", [["--steps", "0"], ["--tokens-per-second", "0"], ["--set", "bins=3"], ["--set", "image.tokens=x"]]
)
def test_numbers_and_fields_that_make_no_sense_are_one_line(sample, capsys, more):
    assert simulate.main([str(sample), *OPTIONS, *more]) == 2
    assert capsys.readouterr().err.startswith("LoaderConfigError: ")


def test_any_field_of_the_configuration_can_be_set(sample, second, capsys):
    """Two datasets of which one is not taken; a single pass that is over before the steps that were asked for."""
    settings = ["weights=[0,1.0]", "one_pass=false", "open_bins=4", "image.merge=2", "on_lost_shard=skip"]
    more = [part for setting in settings for part in ("--set", setting)]
    assert inspect.main([str(sample), str(second), *OPTIONS, *more]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines() if "epoch 0" in line} <= keys_of(second)
    assert simulate.main([str(sample), *OPTIONS, "--set", "one_pass=true"]) == 0
    assert re.search(r"200 documents, 5 shards, .* 1 ranks, \d\d steps\n", out := capsys.readouterr().out)
    assert ", 200 documents begun" in out
    assert inspect.main([str(sample), *OPTIONS, "--set", "one_pass=true", "--skip", "99"]) == 2
    assert "a single pass has no batch number 99" in capsys.readouterr().err


def keys_of(folder):
    return {document.key for document in read_documents(str(folder))}
