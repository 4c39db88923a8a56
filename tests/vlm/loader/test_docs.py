"""The examples of docs/loader.md run as they are printed, and are short."""

import json
import os
import re
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch

from vlm.loader import ImageConfig, Loader, LoaderConfig

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "loader.md").read_text()


def example(title):
    section = TEXT.split(f"\n## {title}\n")[1]
    code = re.search(r"```python\n(.*?)```", section, re.S)[1]
    assert len(code.splitlines()) < 20
    return code


def run(title, **names):
    exec(compile(example(title), f"docs/loader.md: {title}", "exec"), names)
    return names


@pytest.fixture
def config(small):
    return LoaderConfig(**small)


@pytest.mark.slow
def test_the_plain_loop_resumes_where_its_checkpoint_was_written(sample, tmp_path):
    train = run("A plain loop")["train"]
    seen, again = [], []
    train(str(sample), 13, lambda b: seen.append((b.step, b.keys)), tmp_path / "state.json")
    train(str(sample), 13, lambda b: again.append((b.step, b.keys)), tmp_path / "state.json")
    assert [s for s, _ in seen] == list(range(13))
    assert again == seen[10:]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of Lightning
def test_the_lightning_module_feeds_a_trainer_and_resumes_from_its_checkpoint(config, tmp_path):
    lightning = pytest.importorskip("lightning")
    seen = []

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def training_step(self, batch, _):
            seen.append(batch.step)
            return (self.weight - batch.loss_mask.float().mean()) ** 2

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    def fit(steps, **more):
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
        trainer = lightning.Trainer(
            max_steps=steps,
            use_distributed_sampler=False,
            enable_checkpointing=False,
            default_root_dir=tmp_path,
            **quiet,
        )
        trainer.fit(Model(), run("Lightning")["Shards"](config), **more)
        return trainer

    fit(3).save_checkpoint(tmp_path / "three.ckpt")
    fit(5, ckpt_path=tmp_path / "three.ckpt", weights_only=False)
    assert seen[:3] == [0, 1, 2]
    assert seen[-2:] == [3, 4]


ACCELERATE = """
import json, os, sys
import accelerate, torch
from vlm.loader import ImageConfig, LoaderConfig

torch.set_num_threads(1)
shards, checkpoint = sys.argv[1:]
image = ImageConfig(size=32, patch=8, tokens=4)
config = LoaderConfig(datasets=(shards,), batch_size=24, seq_len=512, lanes=24, dtype="float32", image=image)

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch):
        print(json.dumps([batch.step, batch.keys]))
        return (self.weight - batch.loss_mask.float().mean()) ** 2

class Kept(accelerate.Accelerator):
    def __init__(self):
        super().__init__(cpu=True)
        kept.append(self)

kept, model = [], Model()
accelerate.Accelerator = Kept
exec(os.environ["EXAMPLE"])
train(config, model, torch.optim.SGD(model.parameters(), 0.1), 2)
assert model.weight > 0
kept[0].save_state(checkpoint)
kept[0].end_training()
"""


def two_ranks(shards, checkpoint):
    """[step, keys] of two steps on two ranks, which then write a checkpoint."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    more = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-c", ACCELERATE, str(shards), str(checkpoint)]
    runs = []
    for rank in ("0", "1"):
        env = os.environ | more | {"RANK": rank, "LOCAL_RANK": rank, "EXAMPLE": example("Accelerate")}
        runs.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True))
    lines = [line for run in runs for line in run.communicate(timeout=100)[0].splitlines()]
    assert [run.returncode for run in runs] == [0, 0]
    return [json.loads(line) for line in lines if line.startswith("[")]


@pytest.mark.slow
def test_the_accelerate_loop_goes_on_from_a_checkpoint_of_another_number_of_ranks(sample, config, tmp_path):
    pytest.importorskip("accelerate")
    seen = two_ranks(sample, tmp_path / "two")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, batch):
            seen.append([batch.step, batch.keys])
            return (self.weight - batch.loss_mask.float().mean()) ** 2

    model = Model()
    run("Accelerate")["train"](config, model, torch.optim.SGD(model.parameters(), 0.1), 4, tmp_path / "two")
    assert [step for step, _ in seen] == [0, 1, 0, 1, 2, 3]
    keys = [{key for step, keys in seen if step == s for key in keys} for s in range(4)]
    assert keys == [set(batch.keys) for batch in islice(Loader(config), 4)]


def test_every_field_that_the_page_names_is_there():
    from dataclasses import fields

    from vlm.loader import Batch

    have = {f.name for c in (Batch, LoaderConfig, ImageConfig) for f in fields(c)}
    section = TEXT.split("## A batch")[1].split("\n`tokens` of images")[0]
    named = {n for n in re.findall(r"`([a-z_]+)`", section) if "_" in n}
    assert named <= have
