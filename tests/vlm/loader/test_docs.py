"""The examples of docs/loader.md run as they are printed, and are short."""

import re
from pathlib import Path

import pytest
import torch

from vlm.loader import ImageConfig, LoaderConfig

TEXT = (Path(__file__).parents[3] / "docs" / "loader.md").read_text()


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


def test_the_accelerate_loop_trains(config):
    pytest.importorskip("accelerate")
    train = run("Accelerate")["train"]

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))
            self.steps = []

        def forward(self, batch):
            self.steps.append(batch.step)
            return (self.weight - batch.loss_mask.float().mean()) ** 2

    model = Model()
    train(config, model, torch.optim.SGD(model.parameters(), 0.1), 3)
    assert model.steps == [0, 1, 2]
    assert model.weight.detach() > 0


def test_every_field_that_the_page_names_is_there():
    from dataclasses import fields

    from vlm.loader import Batch

    have = {f.name for c in (Batch, LoaderConfig, ImageConfig) for f in fields(c)}
    section = TEXT.split("## A batch")[1].split("\n`tokens` of images")[0]
    named = {n for n in re.findall(r"`([a-z_]+)`", section) if "_" in n}
    assert named <= have
