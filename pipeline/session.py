"""The Spark session and all its settings, from machine, recipe and size of the input; printed at the start of a run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MASTERS = r"local(\[(\d+|\*)(,\s*\d+)?\])?|yarn|(spark|k8s|sc)://\S+"

MAX_TASK_FAILURES = 24
"""Deaths of a worker that one task survives; each ends with a record blamed (`pipeline.journal`)."""

SMALL_INPUT = 32 << 20
"""Bytes of archives, some thousand pages, up to which planning and compiling queries takes longer than running them."""

_SMALL = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.ui.explainMode": "simple",
}
"""Of a small run: queries are interpreted, not compiled, and planned once; no row differs (docs/decisions)."""
_SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Of a small run: the second compiler of Java and a collector with threads do not pay for themselves in a minute."""

_LOGGING = """
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = spark: %p %c{1}: %m%n%throwable{3}
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
logger.task.name = org.apache.spark.scheduler.TaskSetManager
logger.task.level = off
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = off
logger.runner.name = org.apache.spark.api.python.PythonRunner
logger.runner.level = off
"""
"""Only what a person can act on: the deaths of workers that the journal deals with are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [spark]; nothing here can change a document."""

    driver_memory: str = field(default="", metadata={"operational": True})
    """JVM heap of the driver, e.g. "4g"; by default a sixth of the machine, 1 to 8 GiB."""
    shuffle_partitions: int = field(default=0, metadata={"operational": True})
    """Partitions of a shuffle; by default four for each core, at least 8, which adaptive execution joins; one for each
    core, at most 4, in a small run."""
    size: Literal["auto", "small", "large"] = field(default="auto", metadata={"operational": True})
    """What Spark is set for; auto: small where it is local and the inputs are known to hold at most 32 MiB."""
    settings: dict[str, str] = field(default_factory=dict, metadata={"operational": True})
    """Any other Spark setting by its own name; stands over ours."""

    def __post_init__(self) -> None:
        if self.shuffle_partitions < 0:
            raise ConfigError(f"spark.shuffle_partitions={self.shuffle_partitions} must not be negative")
        if self.driver_memory and not re.fullmatch(r"\d+[kmgtKMGT]?[bB]?", self.driver_memory):
            raise ConfigError(f"spark.driver_memory = {self.driver_memory!r}: write a number and a unit, as in 4g")


def is_small(config: Config, master: str | None, input_bytes: int | None) -> bool:
    """Whether Spark is set for a run of seconds; `input_bytes` is None where nobody knows."""
    if config.size == "auto":
        return _is_local(master) and input_bytes is not None and input_bytes <= SMALL_INPUT
    return config.size == "small"


def settings(config: Config, master: str | None, input_bytes: int | None = None) -> dict[str, str]:
    """Every setting that weft gives Spark, by name, for this machine, recipe and size of input."""
    cores, small = _cores(master), is_small(config, master, input_bytes)
    partitions = config.shuffle_partitions or (min(4, cores) if small else max(8, 4 * cores))
    ours = {
        "spark.app.name": "weft",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        "spark.sql.execution.arrow.maxBytesPerBatch": str(32 << 20),
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.execution.pythonUDF.arrow.enabled": "true",
        "spark.task.maxFailures": str(MAX_TASK_FAILURES),
        "spark.python.worker.reuse": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if small:
        ours |= _SMALL
    if _is_local(master):
        ours |= {
            "spark.driver.memory": config.driver_memory or f"{_driver_gib()}g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "weft-warehouse"),
        }
    elif config.driver_memory:
        ours["spark.driver.memory"] = config.driver_memory
    return ours | config.settings


def check_start(master: str | None) -> None:
    """Raise where Spark could not start: no such kind of master, or no Java (which Spark Connect does without).

    Raises:
        ConfigError: says what to give instead, or how to get Java.
    """
    if master is not None and not re.fullmatch(_MASTERS, master):
        raise ConfigError(
            f"--master {master}: must be local, local[4], local[*], spark://host:7077, yarn, k8s://https://host:port "
            "or sc://host:15002"
        )
    if master is None or not master.startswith("sc://"):
        check_java()


def check_java() -> None:
    """Raise where Spark would not find a Java that it runs on.

    Raises:
        ConfigError: no Java 17 or 21; says how to get one.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    advice = "install one (Debian: apt-get install openjdk-17-jre-headless) or point JAVA_HOME at it"
    if java is None or not Path(java).exists():
        raise ConfigError(f"Spark needs Java 17 or 21 and there is none{f' in {home}' if home else ''}; {advice}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or version[1] not in ("17", "21"):
        raise ConfigError(
            f"Spark needs Java 17 or 21; {java} says {said.splitlines()[0] if said else 'nothing'}; {advice}"
        )


def build_session(config: Config, master: str | None = None, input_bytes: int | None = None) -> SparkSession:
    """A session for `master` (None: that of spark-submit, else local[*]; `sc://...`: Spark Connect)."""
    from pyspark.sql import SparkSession

    if master is not None and master.startswith("sc://"):
        spark: SparkSession = SparkSession.builder.remote(master).getOrCreate()
        for name, value in settings(config, master, input_bytes).items():
            if name.startswith("spark.sql.") and not name.endswith("warehouse.dir"):
                spark.conf.set(name, value)
        return spark
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    builder = SparkSession.builder
    if not submitted:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
        builder = builder.master(_with_failures(master or "local[*]"))
        java = f"-Dlog4j2.configurationFile={_log_settings()}"
        java += f" {_SMALL_JAVA}" if is_small(config, master, input_bytes) else ""
        builder = builder.config("spark.driver.extraJavaOptions", java)
    for name, value in settings(config, master, input_bytes).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _is_local(master: str | None) -> bool:
    """Whether Spark runs inside this process's own Java; spark-submit says by itself where."""
    return "PYSPARK_GATEWAY_PORT" not in os.environ if master is None else master.startswith("local")


def _with_failures(master: str) -> str:
    """`local[N]` with the number of failures that a task survives, which local mode takes from the master."""
    if master == "local":
        master = "local[1]"
    if master.startswith("local[") and "," not in master:
        return master.replace("]", f",{MAX_TASK_FAILURES}]")
    return master


def _cores(master: str | None) -> int:
    inside = (master or "local[*]").partition("[")[2].partition("]")[0].partition(",")[0]
    return int(inside) if inside.isdigit() else (os.cpu_count() or 1)


def _driver_gib() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(8, total // 6 >> 30))


def _log_settings() -> Path:
    path = Path(tempfile.gettempdir()) / f"weft-log4j2-{os.getuid()}.properties"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(_LOGGING)
    draft.replace(path)  # another run that starts now reads all of it
    return path
