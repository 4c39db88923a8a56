import json
import subprocess
import sys

import pytest

from benchmarks.pipeline.process_tree import Usage, steps

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

BUSY = "import time\nwhile time.process_time() < {seconds}: pass\n"
ORPHAN = f"""
import os, subprocess, sys
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", {BUSY.format(seconds=0.6)!r}])
    os._exit(0)
os.wait()
"""

IGNORED = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", {BUSY.format(seconds=2)!r}]).wait()
time.sleep(0.5)
"""


def run(code):
    # In a process of its own: measured() reaps every child of the process that calls it.
    script = f"""
import json, sys
from benchmarks.pipeline.process_tree import measured
usage = measured([sys.executable, "-u", "-c", {code!r}])
print(json.dumps([usage.exit_code, usage.cpu_seconds, usage.peaks, usage.marks]))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_cpu_of_an_orphan_is_counted():
    code, cpu, _, _ = run(ORPHAN)
    assert code == 0
    assert 0.6 <= cpu < 5


@pytest.mark.slow
def test_cpu_of_a_child_that_its_parent_ignores_is_counted():
    code, cpu, _, _ = run(IGNORED)
    assert code == 0
    assert 1 <= cpu < 10


def test_exit_code_lines_and_their_moments_are_kept():
    busy = BUSY.format(seconds=0.4)
    code, cpu, _, marks = run(f"print('a')\n{busy}print('b')\nraise SystemExit(3)")
    assert code == 3
    assert [line for _, _, line in marks] == ["a", "b"]
    assert marks[0][1] < marks[1][1] <= cpu
    assert marks[1][1] >= 0.3


@pytest.mark.slow
def test_peak_memory_is_that_of_the_largest_moment():
    _, _, peaks, _ = run("import time\nx = bytearray(300 << 20)\ntime.sleep(1.5)\ndel x\ntime.sleep(1)")
    assert 300 << 20 <= peaks["driver"] < 500 << 20
    assert peaks["tree"] >= 300 << 20


def test_steps_are_read_from_the_lines_that_begin_and_end_them():
    usage = Usage()
    usage.marks = [
        (1.0, 10.0, "weft: recipe"),
        (2.0, 11.0, "[1/2] 01_documents: HTML pages"),
        (3.0, 12.0, "  01_documents: 1 slices"),
        (6.0, 15.0, "[1/2] 01_documents: 7 rows of documents in 4.0 s"),
        (6.0, 15.0, "[2/2] 02_unique: Which"),
        (8.5, 18.0, "[2/2] 02_unique: 7 rows of unique in 2.5 s"),
    ]
    assert steps(usage) == {"01_documents": (4.0, 4.0), "02_unique": (2.5, 3.0)}
