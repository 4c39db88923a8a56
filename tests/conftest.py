"""What all tests share: one small Spark, the project's neighbour folder `shared/`, and visible skips.

A test that takes the fixture `spark` is marked `spark` by itself; one that takes `shared` is marked `shared`.
Tests marked `gpu` need a CUDA device, `network` the public network and WEFT_NETWORK=1, `shared` the folder
../shared (WEFT_SHARED names another), `long` WEFT_LONG=1: where that is missing they skip and say so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("WEFT_SHARED", ROOT.parent / "shared"))

# The workers take the first python3 on PATH otherwise, which has none of our packages.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
# How long an example takes says something of the machine's load, not of the code. CI takes the same examples each time:
# what it refuses can be seen again; a developer's runs take new ones.
EXAMPLES = int(os.environ.get("WEFT_EXAMPLES", "100"))
hypothesis.settings.register_profile("weft", deadline=None, max_examples=EXAMPLES)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "weft")
# The machine's own name may resolve to nothing, or to a network that is not there.
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by fixture, and skip what this machine cannot run."""
    for item in items:
        for name in {"spark", "shared"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(name)
    missing = {
        "gpu": lambda: None if _has_gpu() else "no CUDA device",
        "network": lambda: None if os.environ.get("WEFT_NETWORK") == "1" else "WEFT_NETWORK=1 is not set",
        "long": lambda: None if os.environ.get("WEFT_LONG") == "1" else "WEFT_LONG=1 is not set: many minutes",
        "shared": lambda: None if SHARED.is_dir() else "the folder ../shared is not there",
    }
    for marker, reason in missing.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and (why := reason()):
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=why))


def _has_gpu() -> bool:
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with corpora and tools that stands beside the project on some machines."""
    return SHARED


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One small Spark for all tests that ask: two cores, UTC, no UI, four shuffle partitions, set for small runs."""
    from pipeline.session import Config, build_session

    settings = {
        "spark.app.name": "weft-tests",
        "spark.local.dir": str(tmp_path_factory.mktemp("spark-local")),
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark-warehouse")),
    }
    config = Config(driver_memory="1g", shuffle_partitions=4, size="small", settings=settings)
    session = build_session(config, master="local[2]")
    yield session
    session.stop()


@pytest.fixture(scope="module")  # no longer: while it is open its event loop runs in this thread, and no other one can
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium in a profile of its own, or a visible skip; contexts of it have viewports of their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not there")
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("no browser: Debian and Ubuntu have it as the package chromium")
    quiet = ("no-first-run", "disable-background-networking", "disable-component-update", "disable-sync")
    arguments = [f"--{name}" for name in ("no-sandbox", "disable-gpu", *quiet)]
    with sync_api.sync_playwright() as engine:
        context = engine.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("browser")), executable_path=binary, headless=True, args=arguments
        )
        yield context
        context.close()


@dataclass
class Bucket:
    """A bucket, what was asked of it, and how many of the next requests it refuses with 503."""

    url: str
    refuse: int = 0
    """Of the next requests that write."""
    refuse_reads: int = 0
    """Of the next requests for bytes of an object."""
    asked: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of moto's server on loopback, which this process and those that it starts take for S3."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server")
    from werkzeug.serving import make_server

    name = f"weft-{uuid.uuid4().hex[:12]}"
    found = Bucket(f"s3://{name}/set")
    app = server.DomainDispatcherApplication(server.create_backend_app)

    def refusing(environ: dict[str, Any], start: Any) -> Any:
        query = environ.get("QUERY_STRING", "")
        is_part = "partNumber" in query
        is_list = environ["REQUEST_METHOD"] == "GET" and ("list-type" in query or "prefix=" in query)
        found.asked["part" if is_part else "list" if is_list else environ["REQUEST_METHOD"]] += 1
        is_write = environ["REQUEST_METHOD"] in ("PUT", "POST")
        is_read = environ["REQUEST_METHOD"] == "GET" and not is_list and not query
        if (is_write and found.refuse > 0) or (is_read and found.refuse_reads > 0):
            found.refuse -= is_write
            found.refuse_reads -= is_read
            found.asked["refused"] += 1
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"]
        return app(environ, start)

    http = make_server("127.0.0.1", 0, refusing, threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{http.server_port}"
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "FSSPEC_S3_ENDPOINT_URL": address,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(variable, value)
    import fsspec
    import fsspec.config

    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": address, "skip_instance_cache": True})
    fsspec.filesystem("s3").mkdir(name)
    yield found
    http.shutdown()
    http.server_close()
    thread.join(10)
