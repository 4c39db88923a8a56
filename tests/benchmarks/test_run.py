import subprocess
import sys

import pytest

from benchmarks import run


@pytest.mark.parametrize("name", run.BENCHMARKS)
def test_the_script_of_each_benchmark_is_there(name):
    assert (run.HERE / run.BENCHMARKS[name].script).is_file()


def test_what_a_benchmark_needs_and_is_not_here_is_said():
    needy = run.Benchmark("x", "run.py", needs="../no-such-folder")
    assert needy.missing() == "needs ../no-such-folder"
    assert run.Benchmark("x", "no/such.py").missing() == "benchmarks/no/such.py is not there"
    assert run.Benchmark("x", "run.py").missing() is None


def test_an_unknown_name_is_the_user_s_mistake():
    answer = subprocess.run([sys.executable, run.__file__, "pipelin"], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "no benchmark pipelin" in answer.stderr
