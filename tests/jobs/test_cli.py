"""The command: what it is asked wrongly it says in one line, with exit code 2, before anything starts."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import types

import pytest

from jobs.cli import COMMANDS
from schemas.errors import BooksDoNotBalance, ConfigError, InputError, ModelUnavailable, OutputError, StepFailed

QUIET = ("--set", "clip.model=none", "--set", "nsfw.model=none")


def one_line(done, *words):
    """It ended with 2, said nothing but one line on standard error, and the line has the words."""
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done.err


def test_help_and_version(weft):
    assert weft("--help").code == weft("help").code == 0
    assert all(f"  {name}" in weft("--help").out for name in COMMANDS)
    assert weft("--version").out.startswith("weft ")
    assert weft().code == 2


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_help(weft, name):
    done = weft(name, "--help")
    assert done.code == 0
    assert f"usage: weft {name}" in done.out


def test_help_needs_neither_spark_nor_torch_and_less_than_half_a_second_of_cpu(root):
    program = (
        "import sys, resource; from jobs.cli import main; main(['--help']);"
        "heavy = {'pyspark', 'torch', 'numpy', 'pyarrow', 'PIL', 'open_clip'} & set(sys.modules);"
        "used = resource.getrusage(resource.RUSAGE_SELF);"
        "print('heavy', sorted(heavy), file=sys.stderr);"
        "print('seconds', used.ru_utime + used.ru_stime, file=sys.stderr)"
    )
    found = []
    for _ in range(3):  # a busy machine makes even CPU time larger: the least of three
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=True
        )
        heavy, seconds = done.stderr.splitlines()
        assert heavy == "heavy []"
        found.append(float(seconds.split()[1]))
    assert min(found) < 0.5


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_is_no_trouble(root, unbuffered):
    command = f"{sys.executable} -m jobs.cli stages | true; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        ["bash", "-c", command], cwd=root, capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_a_broken_pipe_that_is_not_standard_output_is_told(weft, monkeypatch):
    def to_a_server_that_left(_):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("jobs.stages.main", to_a_server_that_left)
    with pytest.raises(BrokenPipeError):
        weft("stages")


def test_commands_leave_the_signals_of_a_process_alone(weft):
    before = signal.getsignal(signal.SIGPIPE)
    assert weft("stages").code == 0
    assert signal.getsignal(signal.SIGPIPE) is before is signal.SIG_IGN


def test_an_unknown_command_shows_the_known_ones(weft):
    done = weft("nonsense")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("weft: no command nonsense\n")
    assert "  run " in done.err


def test_missing_options_are_said_by_name(weft):
    done = weft("run", "--recipe", "tiny")
    assert done.code == 2
    assert "--in, --out" in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--recipe", "nonsense"), ("no recipe at nonsense", "tiny", "weft")),
        (("--set", "images.min_sides=3"), ("images.min_sides is unknown", "did you mean min_side?")),
        (("--set", "imges.min_side=3"), ("no section [imges]",)),
        (("--set", "images.min_side=many"), ("images.min_side = 'many' must be int",)),
        (("--set", "images.min_side=0"), ("images.min_side=0",)),
        (("--set", "images"), ("section.key=value",)),
        (("--stages", "nonsense"), ("no step nonsense", "01_documents")),
        (("--stages", "03_links..01_documents"), ("comes before",)),
        (("--in", "/no/such/place.warc.gz"), ("/no/such/place.warc.gz does not exist",)),
        (("--master", "foo"), ("--master foo", "local[4]", "spark://host:7077")),
        (("--set", "images.formats.x=3"), ("images.formats is a value",)),
        (("--set", "fetch.deadline_s=nan"), ("fetch.deadline_s = nan must be float",)),
        (("--out", "s3://bucket/out"), ("--work",)),
        (("--out", "/proc/none/out"), ("/proc/none/out cannot be written",)),
        (("--recipe", "weft"), ("fetch.contact is empty", "--set fetch.contact=")),
        (("--recipe", "weft", "--set", "fetch.contact=a@b.example", "--set", "clip.model=demo"), ("demo",)),
        (("--set", "nsfw.model=/no/such.onnx"), ("/no/such.onnx",)),
        (("--set", "language.model=/no/such.bin"), ("/no/such.bin",)),
        (("--set", "clip.model=/no/such/folder"), ("/no/such/folder",)),
        (("--set", "clip.model=ViT-B-32", "--set", "clip.pretrained=/no/such.pt"), ("/no/such.pt",)),
    ],
)
def test_what_is_asked_wrongly_is_said_before_anything_starts(weft, archive, tmp_path, options, words):
    out = tmp_path / "out"
    done = weft("run", "--recipe", "tiny", "--in", archive, "--out", out, *QUIET, *options)
    one_line(done, *words)
    assert not (out / "run.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.warc.gz", b"", "is empty"),
        ("notes.warc", b"Dear diary, this is no archive.\n" * 20, "is no WARC or ARC file"),
        ("list.paths", b"# nothing but a remark\n", "is empty"),
        ("list.paths", b"not-there.warc.gz\n", "do not exist"),
    ],
)
def test_an_input_that_is_not_what_it_says_is_refused(weft, tmp_path, name, content, word):
    path = tmp_path / name
    path.write_bytes(content)
    done = weft("run", "--recipe", "tiny", "--in", path, "--out", tmp_path / "out", *QUIET)
    one_line(done, str(path), word)
    folder = tmp_path / "folder"
    folder.mkdir()
    one_line(weft("run", "--recipe", "tiny", "--in", folder, "--out", tmp_path / "out", *QUIET), "holds no archive")


def test_an_output_folder_under_a_file_cannot_be_written(weft, archive, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        done = weft("run", "--recipe", "tiny", "--in", archive, "--out", out, *QUIET)
        one_line(done, str(out), "cannot be written")
    assert (tmp_path / "file").read_text() == "in the way"


def test_without_java_it_says_how_to_get_one(weft, archive, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    done = weft("run", "--recipe", "tiny", "--in", archive, "--out", tmp_path / "out", *QUIET)
    one_line(done, "Spark needs Java 17 or 21 and there is none", "apt-get install")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["status", "show", "report", "gc"])
def test_a_folder_that_holds_no_run_is_refused(weft, tmp_path, command):
    one_line(weft(command, tmp_path), str(tmp_path), "holds no")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("wrong"), 2, "weft planted: wrong\n"),
        (InputError("missing"), 2, "weft planted: missing\n"),
        (OutputError("full"), 2, "weft planted: full\n"),
        (ModelUnavailable("gone"), 2, "weft planted: gone\n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 2, "No space left on device"),
        (StepFailed("broken"), 1, "weft planted: broken\n"),
        (BooksDoNotBalance("off by one"), 1, "weft planted: off by one\n"),
        (KeyboardInterrupt(), 130, "run the same command again to go on\n"),
    ],
)
def test_errors_end_with_the_exit_code_of_their_kind(weft, monkeypatch, error, code, said):
    module = types.ModuleType("planted")

    def fail(_arguments):
        raise error

    module.main = fail
    monkeypatch.setitem(sys.modules, "planted", module)
    monkeypatch.setitem(COMMANDS, "planted", ("planted", "fails"))
    done = weft("planted")
    assert done.code == code
    assert said in done.err
    assert done.out == ""


def test_an_error_that_nobody_foresaw_is_not_hidden(weft, monkeypatch):
    module = types.ModuleType("planted")
    module.main = lambda _arguments: 1 // 0
    monkeypatch.setitem(sys.modules, "planted", module)
    monkeypatch.setitem(COMMANDS, "planted", ("planted", "fails"))
    with pytest.raises(ZeroDivisionError):
        weft("planted")
