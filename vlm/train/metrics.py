"""What a run says of itself: a live line, a CSV that survives restarts, TensorBoard where it is installed."""

from __future__ import annotations

import csv
import math
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

Row = dict[str, float]


class Meter:
    """Adds up what happened since the last report."""

    def __init__(self) -> None:
        """The clock starts now."""
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self.began = time.perf_counter()
        self.tokens = self.useful = self.images = self.steps = 0
        self.wait_s = 0.0
        self.flops = self.vision_flops = torch.zeros(())

    def rates(self, world_size: int, peak: float | None, device: torch.device) -> Row:
        """Rates of this process since the last reset, times the ranks where they are of the run."""
        flops, vision = float(self.flops), float(self.vision_flops)  # waits for the device, so that the clock is true
        seconds = max(time.perf_counter() - self.began, 1e-9)
        row = {
            "seconds_per_step": seconds / max(self.steps, 1),
            "tokens_per_s": self.useful * world_size / seconds,
            "images_per_s": self.images * world_size / seconds,
            "data_wait": self.wait_s / seconds,
            "padding": 1 - self.useful / self.tokens if self.tokens else 0.0,
            "tflops": flops / seconds / 1e12,
            "vision_share": vision / flops if flops else 0.0,
            "memory_gb": _memory(device) / 1e9,
        }
        if peak:
            row["mfu"] = flops / seconds / peak
        return row


def _memory(device: torch.device) -> float:
    """Most bytes so far: of the device, or of this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


class Log:
    """Writes rows; only the first rank makes one."""

    def __init__(self, folder: Path, *, from_step: int, live: bool = True) -> None:
        """Rows after `from_step` of an earlier attempt are dropped: they will be made again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._live = folder / "metrics.csv", live
        self._rows = [row for row in _read(self._path) if int(row["step"]) <= from_step]
        self._write()
        self._board = _board(folder, from_step)
        self._open_line = False

    def add(self, row: dict[str, Any]) -> None:
        """A row of the CSV (new columns are added), TensorBoard, and the live line."""
        self._rows.append({k: _text(v) for k, v in row.items()})
        self._write(only_last=True)
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, int | float) and math.isfinite(value) and name != "step":
                    self._board.add_scalar(name, value, int(row["step"]))
        if self._live:
            self.line(_line(row))

    def line(self, text: str) -> None:
        """The live line: rewritten in a terminal, one after the other elsewhere."""
        is_terminal = sys.stdout.isatty()
        sys.stdout.write(f"\r\033[K{text}" if is_terminal else f"{text}\n")
        sys.stdout.flush()
        self._open_line = is_terminal

    def say(self, text: str) -> None:
        """A line that stays."""
        sys.stdout.write(("\n" if self._open_line else "") + text + "\n")
        sys.stdout.flush()
        self._open_line = False

    def close(self) -> None:
        """End the live line and TensorBoard's file."""
        if self._open_line:
            self.say("")
        if self._board is not None:
            self._board.close()

    def _write(self, *, only_last: bool = False) -> None:
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        if only_last and columns == getattr(self, "_columns", None):
            with self._path.open("a", newline="") as file:
                csv.DictWriter(file, columns).writerow(self._rows[-1])
            return
        self._columns = columns
        with self._path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self._rows)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", errors="replace") as file:
        rows = [row for row in csv.DictReader(file) if str(row.get("step")).isdecimal()]
    return [row for row in rows if None not in row and None not in row.values()]  # a killed run may leave half a row


def _board(folder: Path, from_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=from_step + 1)


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _line(row: dict[str, Any]) -> str:
    parts = [f"{row['stage']} step {row['step']}  loss {row['loss']:.4f}"]
    if "blind_gap" in row:
        parts.append(f"blind gap {row['blind_gap']:+.4f}")
    parts.append(f"lr {row['lr']:.2e}  {row['tokens_per_s']:,.0f} tok/s  {row['images_per_s']:,.1f} img/s")
    parts.append(f"wait {row['data_wait']:.1%}  padding {row['padding']:.1%}  {row['memory_gb']:.1f} GB")
    if "mfu" in row:
        parts.append(f"MFU {row['mfu']:.2f}")
    return "  ".join(parts)
