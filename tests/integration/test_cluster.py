"""A real cluster: one master, two worker processes, the project only in the archive that the job ships."""

from __future__ import annotations

import os
import re
import site
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.dist import pack

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory) -> Path:
    """A Python that has every package of this one, but not the project."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    (target,) = folder.glob("lib/python*/site-packages")
    (target / "packages.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    python = folder / "bin" / "python"
    # The editable install is a .pth of its own, which Python does not follow from there.
    command = [python, "-c", "import pyarrow; import jobs"]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, env=without_path(os.environ), cwd=folder
    )
    assert "No module named 'jobs'" in found.stderr, found
    return python


def without_path(variables) -> dict[str, str]:
    """Variables without PYTHONPATH: the project is to be found in the archive, or not at all."""
    return {name: value for name, value in variables.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory, root) -> Path:
    path = tmp_path_factory.mktemp("dist") / "weft-code.tar.gz"
    pack(root, path)
    return path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def master(bare_python, environment, tmp_path_factory) -> Iterator[str]:
    """Spark standalone from the pip package; ends with the module."""
    import pyspark

    home = Path(pyspark.__file__).parent
    work = tmp_path_factory.mktemp("cluster")
    port = free_port()
    ours = {
        **without_path(environment),
        "PYSPARK_PYTHON": str(bare_python),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(home),
    }
    start = [str(home / "bin" / "spark-class")]
    name = "org.apache.spark.deploy"
    ports = ["--host", "127.0.0.1", "--webui-port", "0"]
    processes = []
    try:
        log = work / "master.log"
        with log.open("wb") as out:
            command = [*start, f"{name}.master.Master", "--port", str(port), *ports]
            processes.append(subprocess.Popen(command, env=ours, stdout=out, stderr=out, cwd=work))
        url = f"spark://127.0.0.1:{port}"
        for number in range(2):
            folder = work / f"worker-{number}"
            folder.mkdir()
            with (work / f"worker-{number}.log").open("wb") as out:
                size = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder)]
                command = [*start, f"{name}.worker.Worker", *ports, *size, url]
                processes.append(subprocess.Popen(command, env=ours, stdout=out, stderr=out, cwd=folder))
        ends = time.monotonic() + 300
        while time.monotonic() < ends and log.read_text().count("Registering worker") < 2:
            time.sleep(0.5)
        assert log.read_text().count("Registering worker") == 2, log.read_text()
        yield url
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def test_spark_submit_with_the_shipped_archive_gives_the_same_bytes(
    master, archive, bare_python, root, arguments, environment, digests, digest_of, tmp_path
):
    import pyspark

    home = Path(pyspark.__file__).parent
    settings = {
        "spark.executorEnv.PYTHONPATH": "weft",
        "spark.pyspark.python": str(bare_python),
        "spark.pyspark.driver.python": sys.executable,
        "spark.executor.memory": "700m",
        "spark.cores.max": "2",
        "spark.executor.cores": "1",
    }
    for name in ("http_proxy", "https_proxy"):
        settings[f"spark.executorEnv.{name}"] = environment[name]
    submit = [str(home / "bin" / "spark-submit"), "--master", master, "--archives", f"{archive}#weft"]
    for name, value in settings.items():
        submit += ["--conf", f"{name}={value}"]
    ours = {
        **without_path(environment),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    done = subprocess.run(
        [*submit, str(root / "jobs" / "run.py"), *map(str, arguments[1:]), "--out", str(tmp_path)],
        env=ours,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert digest_of(tmp_path) == digests


def test_spark_connect_gives_the_same_bytes(weft, arguments, environment, digests, digest_of, tmp_path):
    pytest.importorskip("grpc")
    import pyspark

    home = Path(pyspark.__file__).parent
    port = free_port()
    command = [str(home / "bin" / "spark-submit"), "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += ["--master", "local[2,16]", "--name", "connect", "--driver-memory", "1g"]
    command += ["--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.ui.enabled=false"]
    command += ["--conf", "spark.driver.host=127.0.0.1", "spark-internal"]
    ours = {**environment, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    log = tmp_path / "connect.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=ours, stdout=out, stderr=out, cwd=tmp_path)
    try:
        ends = time.monotonic() + 300
        while time.monotonic() < ends and not re.search("Connect server started|Spark Connect Server", log.read_text()):
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        reported = [argument for argument in arguments if argument != "--no-report"]
        weft(*reported, "--out", tmp_path / "out", "--master", f"sc://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert digest_of(tmp_path / "out") == digests
    assert (tmp_path / "out" / "report" / "report.json").exists()
