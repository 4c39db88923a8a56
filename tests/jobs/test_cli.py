"""The command: what it is asked wrongly it says in one line, with exit code 2, before anything starts."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import types
from collections import Counter

import pytest

from jobs.cli import COMMANDS
from pipeline.commits import Cost
from pipeline.locks import Locks
from pipeline.shards.manifest import body
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


READERS = ("show", "status", "report", "gc", "verify", "card", "reindex", "view", "fetch", "rejudge")
CUTTERS = ("merge", "sample", "pairs", "texts", "export", "audit")
ODD = [
    ("show", "-n", "-1", "DIR"),
    ("show", "-n", "0", "DIR"),
    ("demo", "--pages", "0"),
    ("demo", "--pages", "-1"),
    ("demo", "--out", ""),
    ("demo", "--recipe", "nonsense"),
    ("demo", "--out", "FILE"),
    ("demo", "--out", "FILE/below"),
    ("run", "--recipe", "tiny", "--in", "FILE", "--out", ""),
    ("run", "--recipe", "tiny", "--in", "", "--out", "DIR"),
    ("run", "--recipe", "", "--in", "FILE", "--out", "DIR"),
    ("run", "--recipe", "tiny", "--in", "FILE", "--out", "s3://b/x", "--work", ""),
    ("run", "--recipe", "tiny", "--in", "FILE", "--out", "DIR", "--stages", ""),
    ("run", "--recipe", "tiny", "--in", "FILE", "--out", "DIR", "--set", ""),
    ("rejudge", "DIR", "--stages", " "),
    ("report", "DIR", "--against", ""),
    ("fetch", "DIR", "--retry", "nonsense"),
    ("verify", "DIR", "--workers", "0"),
    ("verify", "DIR", "--forgotten", ""),
    ("merge", "DIR", "--out", ""),
    ("merge", "DIR", "--out", "OUT", "--target-bytes", "0"),
    ("sample", "DIR", "--out", "OUT", "--documents", "-1"),
    ("sample", "DIR", "--out", "OUT", "--share", "2"),
    ("sample", "DIR", "--out", "OUT", "--share", "nan"),
    ("pairs", "DIR", "--out", "OUT", "--min-words", "-1"),
    ("pairs", "DIR", "--out", "OUT", "--max-repeats", "-1"),
    ("pairs", "DIR", "--out", "OUT", "--min-score", "nan"),
    ("texts", "DIR", "--out", "OUT", "--target-bytes", "-5"),
    ("export", "DIR", "--out", ""),
    ("copy", "DIR", ""),
    ("audit", "DIR", "--out", "OUT", "--documents", "0"),
    ("audit", "DIR", "--out", "DIR"),
    ("audit", "DIR", "--out", "FILE/below"),
    ("forget", "DIR", "--urls", ""),
    ("forget", "DIR", "--urls", "DIR"),
    ("view", "DIR", "--port", "-1"),
    ("import", "mmc4", "", "--out", "OUT"),
    ("import", "mmc4", "FILE", "--out", ""),
    ("import", "mmc4", "FILE", "--out", "FILE"),
    ("extract", ""),
    ("extract", "DIR"),
    ("extract", "FILE.warc.gz", "-n", "0"),
    ("generate", "DIR", "text", "--tokens", "0"),
    ("generate", "DIR", "text", "--temperature", "-1"),
    ("train-demo", "--pages", "0"),
    *((name, folder) for name in READERS for folder in ("", "FILE", "NOTHING")),
    *((name, folder, "--out", "OUT") for name in CUTTERS for folder in ("", "FILE", "NOTHING", "DIR")),
]
"""Calls that cannot be meant: FILE is a text, DIR an empty folder, NOTHING and OUT are not there."""


@pytest.mark.parametrize("arguments", ODD, ids=" ".join)
def test_an_odd_argument_is_one_line_and_nothing_is_written(weft, tmp_path, monkeypatch, arguments):
    places = {name: tmp_path / name for name in ("DIR", "FILE", "FILE.warc.gz", "FILE/below", "NOTHING", "OUT")}
    places["DIR"].mkdir()
    for name in ("FILE", "FILE.warc.gz"):
        places[name].write_text("in the way\n")
    monkeypatch.chdir(places["DIR"])
    one_line(weft(*(places.get(argument, argument) for argument in arguments)))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["DIR", "FILE", "FILE.warc.gz"]


DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    "\udcff",
    '{"recipe": {"name": "tiny", "sections": []}, "inputs": []}',
    '{"recipe": {"name": "tiny", "sections": {}}, "inputs": [["a", "b"]], "given": []}',
]
"""What may stand in run.json after an accident."""


def test_what_another_process_is_making_is_left_alone_by_every_command_that_writes(
    weft, begun, archive, tmp_path, monkeypatch
):
    (tmp_path / "list").write_text("http://a.example/\n")
    for name in ("http_proxy", "https_proxy"):  # the network is not asked: no contact is needed
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for step in begun.steps:
        begun.finish(step.name, Cost())
    run = ("run", "--recipe", "tiny", "--in", archive, "--out", begun.folder, *QUIET)
    calls = {
        ("fetch", begun.folder): "04_images/ledger",
        ("report", begun.folder): "shards",
        ("gc", begun.folder): "01_documents",
        ("forget", begun.folder, "--urls", tmp_path / "list"): "05_matches/matches",
        ("rejudge", begun.folder, "--set", "dedup.max_paragraph_repeats=9"): "02_unique",
        (*run, "--set", "images.min_side=9"): "shards",
        run: "shards",  # the report is missing
    }
    before = sorted(begun.folder.rglob("*"))
    for call, step in calls.items():
        with Locks(begun.folder) as other:
            other.take([step])
            done = weft(*call)
        assert (done.code, done.err.count("\n")) == (2, 1), (call, done)
        assert f"{step} of {begun.folder} is in the hands of another run (process {os.getpid()} on" in done.err
    assert [path for path in sorted(begun.folder.rglob("*")) if ".locks" not in path.parts] == before
    assert weft("gc", "--dry-run", begun.folder).code == 0


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_note_of_the_run_is_one_line_for_every_command_that_reads_it(weft, begun, tmp_path, archive, text):
    (begun.folder / "run.json").write_text(text, "utf-8", "surrogateescape")
    (tmp_path / "list").write_text("http://a.example/\n")
    (begun.folder / "shards").mkdir()
    manifest = body(recipes=["t@0"], entries=[], totals=Counter(), tokenizer="none", max_images=0)
    (begun.folder / "shards" / "manifest.json").write_text(json.dumps(manifest))
    for command in (
        *((name, begun.folder) for name in ("status", "report", "gc", "fetch", "rejudge", "card")),
        ("forget", begun.folder, "--urls", tmp_path / "list"),
    ):
        one_line(weft(*command), "run.json is damaged", "the weft run command that made the folder writes it anew")
    against = ("--set", f"dedup.against=['{begun.folder}']")
    done = weft("run", "--recipe", "tiny", "--in", archive, "--out", tmp_path / "new", *QUIET, *against)
    one_line(done, "dedup.against:", "run.json is damaged")


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
