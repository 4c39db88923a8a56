"""Text that a model writes after a prompt of texts and images, one token at a time.

The prompt passes once, its images with it; keys and values of what was read and written are kept, so that a further
token costs one token. Meant for looking at a model: one document at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from vlm.errors import DataError
from vlm.loader import Batch, ImageConfig
from vlm.loader.tokenizers import Tokenizer
from vlm.model.attention import Kept
from vlm.model.vlm import Vlm
from vlm.prompt import Node, lay_out


@torch.no_grad()
def generate(
    model: Vlm,
    tokenizer: Tokenizer,
    image: ImageConfig,
    prompt: Sequence[Node],
    *,
    tokens: int = 64,
    temperature: float = 0.0,
    seed: int = 0,
    stop_at_separator: bool = True,
) -> str:
    """What the model writes after the prompt, until the end of the document or `tokens` tokens.

    Args:
        model: put into evaluation mode.
        tokenizer: the model's.
        image: geometry of images, as in training.
        prompt: texts and image files' bytes; a last text is continued.
        tokens: at most so many.
        temperature: 0 takes the likeliest token.
        seed: of the draws.
        stop_at_separator: end with the node.
    """
    if not prompt:
        raise DataError("an empty prompt")
    if not 0 <= temperature < math.inf:
        raise DataError(f"temperature = {temperature}: want a finite number from 0 on")
    model.eval()
    device = next(model.parameters()).device
    batch = lay_out([prompt], tokenizer, image, end=False, separated=False).to(device)
    draw = torch.Generator(device=device).manual_seed(seed)
    special = {getattr(tokenizer.specials, n) for n in ("bos", "eos", "pad", "image", "image_start", "image_end")}
    written: list[int] = []
    kept = Kept()
    separator = tokenizer.encode([""])[0].tolist()
    if model.room is not None:
        tokens = min(tokens, model.room + 1 - batch.tokens.shape[1])
        if tokens < 0:
            raise DataError(
                f"a prompt of {batch.tokens.shape[1]} tokens; the language model has {model.room} positions"
            )
    while len(written) < tokens:
        logits = model.language.get_output_embeddings()(model.hidden(batch, kept)[:, -1]).float()[0]
        logits[sorted(special - {tokenizer.specials.eos})] = -torch.inf
        token = _choose(logits, temperature, draw)
        if token == tokenizer.specials.eos:
            break
        written.append(token)
        if stop_at_separator and separator and written[-len(separator) :] == separator:
            break
        batch = _longer(batch, token)
    return tokenizer.decode(written).strip()


def _choose(logits: Tensor, temperature: float, draw: torch.Generator) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(0), 1, generator=draw))


def _longer(batch: Batch, token: int) -> Batch:
    """The batch of one document with a token more."""

    def more(values: Tensor, value: int | bool) -> Tensor:
        return torch.cat([values, values.new_full((1, 1), value)], 1)

    sources = batch.sources.clone()
    sources[0, 2] += 1
    return replace(
        batch,
        tokens=more(batch.tokens, token),
        loss_mask=more(batch.loss_mask, True),
        valid=more(batch.valid, True),
        positions=more(batch.positions, int(batch.positions[0, -1]) + 1),
        document_ids=more(batch.document_ids, 0),
        image_index=more(batch.image_index, -1),
        last_image=more(batch.last_image, int(batch.last_image[0, -1])),
        sources=sources,
    )
