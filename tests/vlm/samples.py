"""Small models and documents for the tests of the trainer."""

from __future__ import annotations

import io
import random

import torch

from vlm.config import load_preset
from vlm.loader.tokenizers import ByteTokenizer
from vlm.model.vlm import Vlm
from vlm.prompt import lay_out

TOKENIZER = ByteTokenizer()


def built(name: str, *overrides: str, seed: int = 0):
    """(preset, model) at size tiny; gates and other zeros stay as they begin."""
    preset = load_preset(name, size="tiny", overrides=overrides)
    torch.manual_seed(seed)
    return preset, Vlm(preset.model, TOKENIZER.specials.vocab_size).eval()


def opened(model: Vlm) -> Vlm:
    """The model with gates and LoRA away from zero, so that what they hold back is seen."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "gate" in name.rpartition(".")[2] and parameter.ndim == 1 and len(parameter) == 1:
                parameter.fill_(0.7)
            if name.endswith("lora_b"):
                parameter.normal_(std=0.3)
    return model


def picture(number: int, width: int = 96, height: int = 64) -> bytes:
    """A JPEG of random blocks."""
    from PIL import Image

    pixels = random.Random(number).randbytes(4 * 3 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (4, 3), pixels).resize((width, height), Image.Resampling.NEAREST).save(out, "JPEG")
    return out.getvalue()


def documents(count: int = 3, seed: int = 0) -> list[list[str | bytes]]:
    """Texts and pictures in turn; each document begins with a text."""
    rng = random.Random(seed)
    words = "loom warp weft reed shuttle thread pick beam heddle shed".split()

    def text() -> str:
        return " ".join(rng.choices(words, k=rng.randint(2, 5)))

    found: list[list[str | bytes]] = []
    for number in range(count):
        found.append([text(), picture(10 * number + seed), text(), picture(10 * number + 1 + seed, 64, 96), text()])
    return found


def batch_of(model: Vlm, found: list[list[str | bytes]], pack: list[int] | None = None, **more):
    """A batch of documents for a model."""
    return lay_out(found, TOKENIZER, model.image_config(), pack=pack, **more)


def trained_language(kind: str, shards, folder):
    """A language model of size tiny after 150 steps on texts, in transformers' form; its folder."""
    from vlm.loader import Loader, LoaderConfig

    preset = load_preset("llava15", size="tiny")
    sizes = {"llama": "llava15", "opt": "mapl"}
    preset = load_preset(sizes[kind], size="tiny")
    torch.manual_seed(1)
    model = Vlm(preset.model, TOKENIZER.specials.vocab_size)
    model.trains(("language",))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    config = LoaderConfig(
        datasets=(str(shards),), batch_size=4, seq_len=256, view="text_only", lanes=4, threads=0, dtype="float32"
    )
    for batch in Loader(config):
        loss = model(batch).nll.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if batch.step == 149:
            break
    model.language.save_pretrained(folder)
    return folder
