"""Runs a command and says what it took, all of its processes together: CPU time, and peak memory by kind.

CPU time: this process makes itself the reaper of orphans (prctl PR_SET_CHILD_SUBREAPER), so processes that Spark
leaves behind are counted. Some it ends in a way in which the kernel counts them nowhere; so what was last read of all
that lives is a lower bound too. Peak memory is the kernel's own high-water mark
(VmHWM) of each process, read twice a second; it counts pages that a forked worker shares with its parent in
both. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 0.5
_TICK = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36
_RSS = re.compile(r"^VmHWM:\s+(\d+) kB\n(?:.*\n)*?VmRSS:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Process:
    """A line of /proc: CPU seconds of its own, and with the children that it reaped."""

    pid: int
    started: str
    name: str
    own: float
    all: float


@dataclass(slots=True)
class Usage:
    """What a command took. `peaks`: largest process by kind, bytes; `tree` the largest sum of all at one time."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    exit_code: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    marks: list[tuple[float, float, str]] = field(default_factory=list)
    """(seconds, CPU seconds, line) for each line that the command printed, as of the moment it came."""


def measured(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, log: Path | None = None
) -> Usage:
    """Run `command` to its end; what it prints goes into `log`, and with its moment into `Usage.marks`."""
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER) failed")
    usage, over = Usage(), threading.Event()
    started, before = time.monotonic(), _reaped()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env, cwd=cwd
    )

    seen: dict[tuple[int, str], float] = {}

    def cpu() -> float:
        """What was seen of every process, dead ones too; or what the kernel says of the living and the reaped."""
        alive = _tree(os.getpid())
        seen.update({(one.pid, one.started): one.own for one in alive})
        usage.cpu_seconds = max(usage.cpu_seconds, sum(seen.values()), _reaped() - before + sum(p.all for p in alive))
        return usage.cpu_seconds

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            _note_memory(usage.peaks, process.pid)
            cpu()

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    assert process.stdout is not None
    with (log or Path(os.devnull)).open("a", encoding="utf-8") as out:
        for line in process.stdout:
            usage.marks.append((time.monotonic() - started, cpu(), line.rstrip("\n")))
            out.write(line)
    usage.exit_code = process.wait()
    _wait_for_orphans()
    over.set()
    sampler.join()
    usage.seconds = time.monotonic() - started
    usage.cpu_seconds = max(usage.cpu_seconds, _reaped() - before)
    return usage


def steps(usage: Usage) -> dict[str, tuple[float, float]]:
    """(seconds, CPU seconds) of each step of `weft run`, from the lines that begin and end it."""
    begun: dict[str, tuple[float, float]] = {}
    found: dict[str, tuple[float, float]] = {}
    for seconds, cpu, line in usage.marks:
        match = re.match(r"\[\d+/\d+\] (\S+): ", line)
        if match and match[1] not in begun:
            begun[match[1]] = seconds, cpu
        elif match:
            found[match[1]] = seconds - begun[match[1]][0], cpu - begun[match[1]][1]
    return found


def _reaped() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for_orphans() -> None:
    """Reap what the command left; its workers end when their pipes do. What does not within 20 s is ended."""
    until = time.monotonic() + 20
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > until:
                for orphan in _tree(os.getpid()):
                    os.kill(orphan.pid, 9)
            time.sleep(0.05)


def _tree(root: int) -> list[_Process]:
    """The descendants of `root`."""
    found: dict[int, tuple[int, _Process]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text(errors="replace")
            except OSError:  # it has ended
                continue
            pid, rest = int(entry.name), text[text.rindex(")") + 2 :].split()
            own, children = sum(map(int, rest[11:13])) / _TICK, sum(map(int, rest[13:15])) / _TICK
            name = text[text.index("(") + 1 : text.rindex(")")]
            found[pid] = int(rest[1]), _Process(pid, rest[19], name, own, own + children)
    inside: dict[int, bool] = {root: True}

    def is_inside(pid: int) -> bool:
        if pid not in inside:
            inside[pid] = pid in found and is_inside(found[pid][0])
        return inside[pid]

    return [process for pid, (_, process) in found.items() if pid != root and is_inside(pid)]


def _note_memory(peaks: dict[str, int], driver: int) -> None:
    total = 0
    for one in _tree(os.getpid()):
        try:
            status = Path(f"/proc/{one.pid}/status").read_text()
            line = Path(f"/proc/{one.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        match = _RSS.search(status)
        if match:
            kind = _kind(one.pid, driver, one.name, line)
            peaks[kind] = max(peaks.get(kind, 0), int(match[1]) * 1024)
            total += int(match[2]) * 1024
    peaks["tree"] = max(peaks.get("tree", 0), total)


def _kind(pid: int, driver: int, name: str, command_line: str) -> str:
    if pid == driver:
        return "driver"
    if name == "java":
        return "jvm"
    return "worker" if "pyspark" in command_line else "other"
