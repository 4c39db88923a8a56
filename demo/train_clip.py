"""Train the tiny CLIP that tests and demo score with: `python -m demo.train_clip`, some minutes on one CPU
core.

3,000 generated pages give about 8,000 pictures, each with a sentence that says what is on it. A small
ResNet (64 px) and a text transformer of two layers learn to put a picture and its sentence side by side
(Radford et al. 2021, arXiv:2103.00020). Then the script prints, for pages of a seed that it was not trained
on, how often the picture that belongs to a sentence is ranked first of ten (chance: 0.1).

Everything is seeded and runs on one thread, so the same versions on the same kind of CPU give the same
weights.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from demo import bpe
from demo.pages import make_page

if TYPE_CHECKING:
    import torch

OUT = Path(__file__).resolve().parents[1] / "filters" / "models" / "demo_clip"
TRAIN_SEED, HELD_OUT_SEED = 1001, 2002  # the demo's pages are of seed 1
SIDE = 64  # px
_MERGES = 2048
_VOCABULARY = 512 + _MERGES + 2  # bytes, bytes at the end of a word, merges, start and end
_OF = 10  # pictures among which the right one is to be found

MODEL: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 96,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 12},
        "text_cfg": {
            "context_length": 40,
            "vocab_size": _VOCABULARY,
            "width": 96,
            "heads": 2,
            "layers": 2,
            "tokenizer_kwargs": {"bpe_path": "bpe.txt.gz"},
        },
    },
    "preprocess_cfg": {
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    },
}
"""open_clip's own form (`open_clip_config.json`)."""

Pair = tuple[NDArray[np.uint8], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how fast it learns; found by trying on pages of other seeds."""

    steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup_steps: int = 40
    weight_decay: float = 0.05
    seed: int = 0


def pairs_of(seed: int, number: int) -> list[Pair]:
    """Pictures of one page, [SIDE, SIDE, 3] as the model will see them, each with the sentence that
    describes it."""
    page = make_page(seed, number)
    found: list[Pair] = []
    for url, text in page.pairs:
        try:
            with Image.open(io.BytesIO(page.images[url].data)) as image:
                found.append((_squashed(image), text))
        except (OSError, UnidentifiedImageError):
            continue  # the sample has broken pictures on purpose
    return found


def pairs(seed: int, num_pages: int) -> list[Pair]:
    """All different pairs of the first pages of a seed, in page order."""
    with ProcessPoolExecutor() as pool:
        everything = chain.from_iterable(pool.map(partial(pairs_of, seed), range(num_pages), chunksize=20))
        return list({(image.tobytes(), text): (image, text) for image, text in everything}.values())


def train(examples: list[Pair], out: Path, settings: Settings) -> None:
    """Learn from the examples and leave a folder that open_clip reads (`local-dir:`)."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    (out / "open_clip_config.json").write_text(json.dumps(MODEL, indent=2) + "\n", encoding="utf-8")
    bpe.write(bpe.learn(bpe.words_of(text for _, text in examples), _MERGES), out / "bpe.txt.gz")
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(True)
    model = open_clip.model.CLIP(**MODEL["model_cfg"])
    images, tokens = _tensors(examples, _tokenizer(out))
    started = time.process_time()
    for step, loss in enumerate(_learn(model, images, tokens, settings)):
        if step % 50 == 0 or step == settings.steps - 1:
            print(f"step {step:4}  loss {loss:.3f}  {time.process_time() - started:.0f} s of CPU", flush=True)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    weights = out / "open_clip_model.safetensors"
    save_file(halves, weights)
    weights.chmod(0o644)  # safetensors writes for the owner alone; executors may be another user


def first_of_ten(folder: Path, examples: list[Pair]) -> float:
    """Share of the sentences whose own picture is ranked first among ten neighbours; chance is 0.1."""
    import open_clip
    import torch

    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    images, tokens = _tensors(examples[: len(examples) // _OF * _OF], _tokenizer(folder))
    with torch.inference_mode():
        pictures = model.eval().encode_image(_normalised(images), normalize=True)
        sentences = model.encode_text(tokens, normalize=True)
    width = pictures.shape[1]
    scores = sentences.view(-1, _OF, width) @ pictures.view(-1, _OF, width).transpose(1, 2)
    return float((scores.argmax(dim=2) == torch.arange(_OF)).float().mean())


def _learn(model: Any, images: torch.Tensor, tokens: torch.Tensor, settings: Settings) -> Iterator[float]:
    """One step of the symmetric contrastive loss after the other; gives the loss of each."""
    import torch
    from torch.nn.functional import cross_entropy

    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=settings.weight_decay)
    order = torch.Generator().manual_seed(settings.seed)
    own = torch.arange(min(settings.batch_size, len(images)))
    for step in range(settings.steps):
        share_left = 1.0 - step / settings.steps
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * min((step + 1) / settings.warmup_steps, share_left)
        rows = torch.randperm(len(images), generator=order)[: settings.batch_size]
        pictures, sentences, scale = model(_moved(_normalised(images[rows]), order), tokens[rows])
        scores = scale * pictures @ sentences.T
        loss = (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, np.log(100))  # CLIP's bound (section 2.5)
        yield loss.item()


def _squashed(image: Image.Image) -> NDArray[np.uint8]:
    """What open_clip's `resize_mode` squash makes of the picture, transparent parts on white."""
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
        image = ground
    return np.array(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _normalised(images: torch.Tensor) -> torch.Tensor:
    return (images.float() / 255 - 0.5) / 0.25


def _moved(images: torch.Tensor, order: torch.Generator) -> torch.Tensor:
    """The batch shifted by up to 3 px, edges repeated: pictures are learnt, not pixels."""
    import torch
    from torch.nn.functional import pad

    reach = 3
    x, y = torch.randint(0, 2 * reach + 1, (2,), generator=order).tolist()
    return pad(images, (reach,) * 4, mode="replicate")[..., y : y + SIDE, x : x + SIDE]


def _tokenizer(folder: Path) -> Any:
    import open_clip

    return open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / "bpe.txt.gz"))


def _tensors(examples: list[Pair], tokenizer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 [N, 3, SIDE, SIDE] and int64 [N, context]."""
    import torch

    images = torch.from_numpy(np.stack([image for image, _ in examples])).permute(0, 3, 1, 2)
    return images, tokenizer([text for _, text in examples])


def main() -> None:
    """Train, save, and print how good it is."""
    parser = argparse.ArgumentParser(description="Train the tiny CLIP of the demo on generated pages.")
    parser.add_argument("--pages", type=int, default=3000, help="pages to learn from")
    parser.add_argument("--steps", type=int, default=Settings().steps)
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write")
    args = parser.parse_args()
    examples = pairs(TRAIN_SEED, args.pages)
    print(f"{len(examples):,} pictures of {args.pages:,} pages of seed {TRAIN_SEED}")
    train(examples, args.out, Settings(steps=args.steps))
    held_out = pairs(HELD_OUT_SEED, 600)
    share = first_of_ten(args.out, held_out)
    print(f"first of ten on {len(held_out):,} pictures of seed {HELD_OUT_SEED}: {share:.3f} (chance 0.1)")
    print(f"{sum(file.stat().st_size for file in args.out.iterdir()):,} bytes in {args.out}")


if __name__ == "__main__":
    main()
