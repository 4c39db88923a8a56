"""Steps in order, each only where it is not done; errors of Spark and of the disk as one line."""

from __future__ import annotations

import dataclasses
import errno
import time

import pytest

from pipeline import execute as module
from pipeline.commits import Commit, Cost
from pipeline.execute import execute, to_be_made
from pipeline.run import Step
from schemas.errors import InputError, OutputError, StepFailed
from schemas.image import LINKS


@pytest.fixture
def steps():
    """Three steps that note that they were made; `make(name, what)` lets one do something else."""

    class Steps:
        def __init__(self):
            self.made, self.acts = [], {}

        def flow(self):
            def maker(name):
                def make(run):
                    self.made.append(name)
                    self.acts.get(name, lambda _run: None)(run)

                return make

            names = ("a", "b", "c")
            return tuple(
                Step(
                    name=name,
                    doc=f"what {name} does",
                    stages=(),
                    tables=(dataclasses.replace(LINKS, name=f"t{name}"),),
                    after=names[max(0, n - 1) : n],
                    sections=(),
                    make=maker(name),
                )
                for n, name in enumerate(names)
            )

    return Steps()


@pytest.fixture
def run(run_of, steps):
    made = run_of(spark=object())
    made.folder.mkdir()
    made.steps = steps.flow()
    return made


def test_the_session_stands_before_a_step_begins_whichever_is_the_first_to_be_made(run, steps):
    """A step may begin with an expression of columns, which only a session understands."""
    for name in "abc":
        steps.acts[name] = lambda run: steps.made.append(run._spark is not None)
    run.finish("a", Cost())
    execute(run, run.steps)
    assert steps.made == ["b", True, "c", True]


def test_steps_that_are_done_are_not_made_again(run, steps):
    lines = []
    run.say = lines.append
    assert execute(run, run.steps[:2]) == ["a", "b"]
    assert execute(run, run.steps) == ["c"]
    assert execute(run, run.steps) == []
    assert steps.made == ["a", "b", "c"]
    assert lines[0] == "[1/2] a: what a does"
    assert "0 rows of ta in " in lines[1]
    assert lines[-3:] == [f"[{n}/3] {name}: done before" for n, name in enumerate("abc", 1)]


def test_a_step_whose_predecessor_was_never_done_is_refused_by_name(run, steps):
    with pytest.raises(InputError, match=r"c needs b, which is not done in .*out; run it first"):
        execute(run, run.steps[2:])
    assert steps.made == []


def test_a_step_that_fails_is_not_done_and_nothing_after_it_is_made(run, steps):
    def fail(_run):
        raise StepFailed("broken")

    steps.acts["b"] = fail
    with pytest.raises(StepFailed, match="broken"):
        execute(run, run.steps)
    assert (run.is_done("a"), run.is_done("b"), steps.made) == (True, False, ["a", "b"])
    steps.acts.clear()
    assert execute(run, run.steps) == ["b", "c"]


def test_a_disk_that_cannot_be_written_is_one_line_that_says_where(run, steps):
    def fail(_run):
        raise OSError(errno.ENOSPC, "No space left on device")

    steps.acts["a"] = fail
    with pytest.raises(OutputError, match=r"^a: cannot write under .*out: .*No space left on device$"):
        execute(run, run.steps)


def test_errors_of_spark_are_one_line_with_the_cause(run, steps):
    from pyspark.errors import PySparkException

    trace = "Job aborted\n\tat a.b.C\nCaused by: java.io.IOException: broken pipe\n\tat d.e.F\n"
    steps.acts["a"] = lambda _run: (_ for _ in ()).throw(PySparkException(trace))
    with pytest.raises(StepFailed, match=r"^a: Spark failed: Caused by: java.io.IOException: broken pipe$"):
        execute(run, run.steps)
    full = "Job aborted\nCaused by: java.io.IOException: No space left on device\n"
    steps.acts["a"] = lambda _run: (_ for _ in ()).throw(PySparkException(full))
    with pytest.raises(OutputError, match=r"a: no space left on device under .*run the same command again"):
        execute(run, run.steps)


def test_while_a_step_is_made_its_slices_are_counted(run, steps, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_TICKS", 0.01)
    told = []

    def work(run):
        folder = run.where("b")
        folder.plan(["x", "y"])
        folder.commit(Commit(slice="x", files=()))
        ends = time.monotonic() + 20
        while ("b", 1, 2) not in told and time.monotonic() < ends:
            time.sleep(0.01)

    steps.acts["b"] = work
    execute(run, run.steps[:2], tick=lambda *facts: told.append(facts))
    assert ("b", 1, 2) in told


def test_a_step_is_given_back_when_it_is_done_and_not_before(run, steps):
    given = []
    steps.acts = {"b": lambda _run: given.append("makes b"), "c": lambda _run: run.check("c", ["slice: boom"])}
    run.finish("a", Cost())
    assert to_be_made(run, run.steps) == ["b", "c"]
    assert to_be_made(run, run.steps[:1]) == []
    with pytest.raises(StepFailed):
        execute(run, run.steps, release=given.append)
    assert given == ["a", "makes b", "b"]
