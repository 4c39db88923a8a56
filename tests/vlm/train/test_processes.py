"""Two processes learn what one learns, replicated or sharded; a run goes on with another number; a lost one is told."""

from __future__ import annotations

import csv
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vlm.errors import PresetError, RankLost
from vlm.saved import export_run, load_saved
from vlm.train.loop import Trainer
from vlm.train.processes import World, device_of, world

pytestmark = pytest.mark.train
RANKS = Path(__file__).with_name("ranks.py")
ROOT = Path(__file__).resolve().parents[3]


def _ranks():
    spec = importlib.util.spec_from_file_location("trainer_ranks", RANKS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _column(out: Path, name: str) -> list[float]:
    with (out / "metrics.csv").open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_two_processes_learn_what_one_learns(drawn: Path, tmp_path: Path) -> None:
    ranks, alone = _ranks(), World(0, 1, torch.device("cpu"), "ddp")
    for name, steps in (("llava15", 4), ("flamingo", 3)):
        Trainer(ranks.preset(name, steps), ranks.options(str(drawn), tmp_path / name / "one"), alone).run()
    one = tmp_path / "llava15" / "one"
    shutil.copytree(one, tmp_path / "llava15" / "goes-on")
    shutil.rmtree(tmp_path / "llava15" / "goes-on" / "checkpoints" / "step-00000004")
    port = _free_port()
    processes = []
    for rank in ("0", "1"):
        where = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        command = [sys.executable, str(RANKS), str(drawn), str(tmp_path)]
        environment = {
            **os.environ,
            **where,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
        }
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    errors = [process.communicate(timeout=600)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors[0][-2000:] + errors[1][-2000:]
    for name in ("llava15", "flamingo"):
        for strategy in ("ddp", "fsdp"):
            run, one_run = tmp_path / name / strategy, tmp_path / name / "one"
            assert _column(run, "loss") == pytest.approx(_column(one_run, "loss")[:3], abs=1e-3), (name, strategy)
            # AdamW takes the same step whatever the gradient's scale: its norm shows how tokens are weighted
            assert _column(run, "gradient") == pytest.approx(_column(one_run, "gradient")[:3], rel=0.02), (
                name,
                strategy,
            )
    one_gate = _column(tmp_path / "flamingo" / "one", "gate.0.attention")
    assert one_gate[-1] != 0
    for strategy in ("ddp", "fsdp"):
        run = tmp_path / "flamingo" / strategy
        assert _column(run, "gate.0.attention") == pytest.approx(one_gate, abs=1e-4), strategy
        export_run(run)  # of shards, too
        gates = load_saved(run / "model").model.gates()
        assert gates["0.attention"] == pytest.approx(one_gate[-1], abs=1e-4)
    assert _column(tmp_path / "llava15" / "goes-on", "loss") == pytest.approx(_column(one, "loss"), abs=1e-3)


@pytest.mark.parametrize("name", ["cuda:99", "no such thing", "meta:x"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(PresetError, match=f"device {name} cannot be used here: "):
        device_of(name)
    assert device_of("cpu") == torch.device("cpu")


def test_a_lost_rank_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    port = _free_port()
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("torch.distributed.init_process_group", lambda *_, **__: None)
    with pytest.raises(RankLost, match="rank 0 of 2 lost another rank"), world("ddp", 1, "cpu"):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1")
    with pytest.raises(RuntimeError, match="shapes"), world("ddp", 1, "cpu"):
        raise RuntimeError("shapes do not fit")
