"""The commands of the trainer, as a user calls them: train, evaluate, generate, ablate, on a few drawn pages."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import pytest

from jobs import cli
from jobs.draw_shards import draw_shards
from jobs.run_train_demo import judge
from jobs.trainer_errors import RANK_LOST, told
from schemas.errors import ConfigError, InputError, WeftError

SMALL = ["--size", "tiny", "--set", "stages.batch_size=2", "--set", "stages.seq_len=512", "--set", "stages.view=pairs"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_shards(folder, pages=60, seed=4004, shards=2)
    return folder


@pytest.mark.slow
def test_drawn_shards_are_the_same_for_the_same_seed_and_read_by_the_loader(shards: Path, tmp_path: Path) -> None:
    from vlm.loader import read_documents

    draw_shards(tmp_path, pages=60, seed=4004, shards=2)
    for name in ("weft-000000.tar", "weft-000001.tar"):
        assert (shards / name).read_bytes() == (tmp_path / name).read_bytes()
    found = list(read_documents(str(shards)))
    assert len(found) == json.loads((shards / "manifest.json").read_text())["totals"]["documents"] > 3
    assert {document.content["general_metadata"]["language"] for document in found} == {"en"}
    assert all(document.images for document in found)


@pytest.mark.train
def test_train_evaluate_generate(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    command = ["train", "llava15", "--data", str(shards), "--out", str(run), "--steps", "4", "--every", "2", *SMALL]
    assert cli.main([*command, "--blind-every", "4", "--checkpoint-every", "2"]) == 0
    out = capsys.readouterr().out
    assert "LLaVA-1.5 (7B): align (4 steps: mapper); begins" in out
    assert "step 4  loss" in out
    assert "blind gap" in out
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(run.glob("tensorboard/events*"))
    assert cli.main(command) == 0  # done already
    assert "goes on after step 4" in capsys.readouterr().out
    figures = tmp_path / "figures.json"
    asked = ["evaluate", str(run), "--data", str(shards), "--tokens", "500", "--queries", "4", "--shots", "0,1"]
    assert cli.main([*asked, "--gaps", "0,5", "--out", str(figures)]) == 0
    assert set(json.loads(figures.read_text())) >= {"loss", "blind_gap", "retrieval_1_of_2", "k_shot", "needle"}
    assert capsys.readouterr().err == ""
    for wrong, why in (("/dev/null/x", "there is no folder /dev/null"), (str(tmp_path), "this is a folder")):
        assert cli.main([*asked, "--out", wrong]) == 2  # said before anything is measured
        assert why in capsys.readouterr().err
    assert cli.main([*asked[:-1], "1,500", "--gaps", "0"]) == 0
    shown = capsys.readouterr()
    assert "500 is left out: " in shown.err
    assert "too few for 500 shots" in shown.err
    assert "k_shot               1: " in shown.out
    picture = tmp_path / "picture.jpg"
    from vlm.loader import read_documents

    picture.write_bytes(next(iter(next(read_documents(str(shards))).images.values())))
    assert cli.main(["generate", str(run), f"@{picture}", "The", "--tokens", "3"]) == 0


@pytest.mark.train
def test_ablate_compares_datasets(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["ablate", str(shards), str(shards), "--held-out", str(shards), "--tokens", "2000", "--seeds", "2"]
    command += ["--out", str(tmp_path), "--shots", "0,1", "--queries", "2", "--held-out-tokens", "300", *SMALL]
    assert cli.main(command) == 0
    first = capsys.readouterr().out
    assert "2 datasets x 2 seeds, 2 steps each" in first
    assert "±" in first
    rows = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert len(rows) == 4
    assert rows[0]["loss"] == rows[2]["loss"]  # the same data and seed twice
    assert rows[0]["loss"] != rows[1]["loss"]
    (tmp_path / "0-seed0" / "checkpoints").rename(tmp_path / "gone")
    assert cli.main(command) == 0  # nothing is done again
    assert not (tmp_path / "0-seed0" / "checkpoints").exists()
    command[command.index("--queries") + 1] = "3"
    assert cli.main(command) == 2  # figures of another plan are not taken for those of this one
    assert "0-seed0 holds a run with another queries: name another --out" in capsys.readouterr().err


@pytest.mark.train
def test_ablate_says_what_is_missing_before_it_trains(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import vlm.ablate

    asked: list[object] = []
    monkeypatch.setattr(vlm.ablate, "Trainer", lambda _, options, __: asked.append(options) or 1 / 0)
    command = ["ablate", str(shards), "--held-out", str(shards), "--tokens", "2000", "--out", str(tmp_path), *SMALL]
    assert cli.main([*command, "--shots", "0,900"]) == 2
    assert "are too few for 900 shots" in capsys.readouterr().err
    assert not asked
    with pytest.raises(ZeroDivisionError):
        cli.main([*command, "--shots", "0,1", "--compile", "--gradient-checkpointing"])
    assert (asked[0].compile, asked[0].gradient_checkpointing) == (True, True)  # what is asked for is done
    (tmp_path / "0-seed0").mkdir()
    (tmp_path / "0-seed0" / "result.json").write_text("{")
    assert cli.main([*command, "--shots", "0,1"]) == 2
    assert "result.json cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "want a preset, --data and --out"),
        (["nothing", "--data", "x", "--out", "y"], "no preset nothing; there are"),
        (["llava15", "--data", "/nowhere", "--out", "OUT", "--size", "tiny"], "/nowhere"),
        (["llava15", "--data", "x", "--out", "OUT", "--set", "stages.lrr=1"], "no key lrr"),
        (["llava15", "--data", "x", "--out", "/dev/null/x", "--size", "tiny"], "/dev/null/x: Not a directory"),
        (["llava15", "--data", "x", "--out", "OUT", "--steps", "0"], "steps = 0: want at least 1"),
        (["llava15", "--data", "x", "--out", "OUT", "--every", "0", "--size", "tiny"], "every = 0: want at least 1"),
    ],
)
def test_mistakes_are_told_in_a_line(
    more: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", *(str(tmp_path) if word == "OUT" else word for word in more)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("shots", ["a", "1,,2", "-1", ""])
def test_lists_of_numbers_are_checked(shots: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "x", "--data", "y", f"--shots={shots}"])
    assert "argument --shots" in capsys.readouterr().err


def test_the_list_names_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    from vlm.config import names

    assert cli.main(["train", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name:20} " in out for name in names())
    assert "not reproduced:" in out


def test_errors_of_the_trainer_are_the_commands() -> None:
    from vlm import errors

    pairs = [(errors.PresetError, ConfigError), (errors.DataError, InputError), (errors.LossError, WeftError)]
    for ours, theirs in pairs:
        with pytest.raises(theirs, match="why"), told():
            raise ours("why")


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, "weft mapl --out 'my run'"),
        ({"LOCAL_WORLD_SIZE": "8"}, "torchrun --nproc-per-node=8 -m jobs.train mapl --out 'my run'"),
        (
            {"LOCAL_WORLD_SIZE": "8", "GROUP_WORLD_SIZE": "2"},
            "torchrun --nnodes=2 --nproc-per-node=8 -m jobs.train mapl --out 'my run'",
        ),
    ],
)
def test_a_lost_rank_ends_with_a_code_of_its_own_and_the_command_that_goes_on(
    environment: dict[str, str],
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from vlm import errors

    for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for rollback in ([], ["--rollback", "500"], ["--rollback=500"]):  # done twice, it would delete what came after
        monkeypatch.setattr("sys.argv", ["/some/where/train.py", "mapl", *rollback, "--out", "my run"])
        with pytest.raises(SystemExit) as stopped, told():
            raise errors.RankLost("rank 0 of 2 lost another rank")
        assert stopped.value.code == RANK_LOST
        said = f"rank 0 of 2 lost another rank\nweft: go on with the same command: {command}\n"
        assert said in capsys.readouterr().err


def test_the_demo_stops_where_nothing_was_learnt() -> None:
    judge([{"blind_gap": 0.2, "retrieval_1_of_2": 0.9}])
    with pytest.raises(WeftError, match="did not learn"):
        judge([{"blind_gap": 0.2, "retrieval_1_of_2": 0.9}, {"blind_gap": 0.0, "retrieval_1_of_2": 0.5}])


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", str(tmp_path), "@nothing.jpg"]) == 2
    assert "image nothing.jpg: No such file" in capsys.readouterr().err
    assert cli.main(["generate", str(tmp_path), "text"]) == 2
    assert "holds no model" in capsys.readouterr().err


def test_every_option_of_a_run_reaches_it() -> None:
    from jobs.train import _parser, options_of

    words = ["llava15", "--data", "a", "--data", "b", "--out", "o", "--keep", "7", "--cache-dir", "c"]
    arguments = _parser().parse_args(words)
    assert isinstance(arguments, argparse.Namespace)
    options = options_of(arguments)
    assert (options.data, options.keep, options.rollback, options.cache_dir) == (("a", "b"), 7, None, "c")


@pytest.mark.train
def test_a_short_form_of_the_demo_learns_its_pages_and_judges_itself(tmp_path: Path) -> None:
    command = ["train-demo", "--out", str(tmp_path), "--pages", "120", "--held-out-pages", "40", "--steps", "40"]
    code = cli.main([*command, "--queries", "5", "--set", "stages.warmup=5"])
    losses = [
        float(row["loss"]) for row in csv.DictReader((tmp_path / "seed0" / "metrics.csv").read_text().splitlines())
    ]
    assert losses[-1] < 0.75 * losses[0]  # of the steps 1 to 20 and 21 to 40
    figures = json.loads((tmp_path / "seed0" / "evaluation.json").read_text())
    assert figures["loss"] > 0
    learnt = figures["blind_gap"] > 0.01 and figures["retrieval_1_of_2"] > 0.6
    assert code == (0 if learnt else 1)  # forty steps are few: the long form shows that it does


@pytest.mark.train
@pytest.mark.long
def test_the_demo_learns_from_its_images(tmp_path: Path) -> None:
    """Some four minutes of CPU time; with these numbers the right image won 0.81 of 100, the blind gap was 0.055."""
    command = ["train-demo", "--out", str(tmp_path), "--pages", "800", "--held-out-pages", "240", "--steps", "300"]
    assert cli.main([*command, "--queries", "100", "--set", "stages.warmup=20"]) == 0
