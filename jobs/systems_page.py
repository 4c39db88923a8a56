"""docs/systems.md: which of the published systems can be built here, from `vlm/systems.toml` and the presets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAMES = {
    "in": "input injection",
    "inner": "inner layers",
    "cross": "gated cross-attention",
    "lin": "linear/MLP",
    "latent": "latent queries",
    "pool": "pooling",
    "branch": "parallel mappers",
    "prompt": "prompt tuning",
    "lora": "LoRA",
    "adapter": "bottleneck adapters",
    "biasnorm": "bias and norm tuning",
    "tile": "tiles",
    "frames": "frames",
    "native": "native sizes",
    "raw": "raw patches without a tower",
    "multi": "several towers",
    "prefixlm": "prefix-LM mask",
    "expert": "visual expert",
}
MISSING = ("raw", "multi", "expert")
"""Parts that are not built. Video frames are the images of a document."""


def page(note: str) -> str:
    """The page, with the note that says where it comes from."""
    table = tomllib.loads((ROOT / "vlm" / "systems.toml").read_text("utf-8"))
    rows = [system for group in table["group"] for system in group["systems"]]
    states = [state_of(system) for system in rows]
    counts = {
        kind: sum(state.startswith(kind) for state in states) for kind in ("preset", "parts are there", "missing")
    }
    lines = [
        "# Systems",
        note,
        "",
        f"{len(rows)} published systems: {counts['preset']} have a preset, for {counts['parts are there']} more all"
        f" parts are there, {counts['missing']} lack a part. A preset says itself what it does not reproduce"
        " (`weft train --list`); nothing here says that published scores were reproduced. `?`: the publication does not"
        " fully state the mapper or the injection.",
    ]
    for group in table["group"]:
        lines += ["", f"## {group['name'].capitalize()}", "", "| system | parts | state |", "|---|---|---|"]
        for system in group["systems"]:
            parts = ", ".join(NAMES[part] for part in system["parts"].split()) or "none of these"
            mark = " ?" if system.get("assumed") else ""
            lines.append(f"| {system['name']}{mark} | {parts} | {state_of(system)} |")
    return "\n".join(lines) + "\n"


def state_of(system: dict[str, Any]) -> str:
    """What can be done with it here."""
    missing = [NAMES[part] for part in system["parts"].split() if part in MISSING]
    missing += [system["lacks"]] if "lacks" in system else []
    if "preset" in system:
        rest = f"; not: {', '.join(missing)}" if missing else ""
        return f"preset [{system['preset']}](../vlm/presets/{system['preset']}.toml){rest}"
    return f"missing: {', '.join(missing)}" if missing else "parts are there"
