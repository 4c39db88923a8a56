"""Settings of Spark, and a Java that it can run on."""

from __future__ import annotations

import os

import pytest

from pipeline.session import (
    MAX_TASK_FAILURES,
    SMALL_INPUT,
    Config,
    _with_failures,
    check_java,
    check_start,
    is_small,
    settings,
)
from schemas.errors import ConfigError


def test_time_is_utc_and_partitions_follow_the_cores():
    ours = settings(Config(), "local[6]")
    assert ours["spark.sql.session.timeZone"] == "UTC"
    assert ours["spark.sql.shuffle.partitions"] == "24"
    assert settings(Config(), "local[1]")["spark.sql.shuffle.partitions"] == "8"
    assert settings(Config(), "local[*]")["spark.sql.shuffle.partitions"] == str(max(8, 4 * (os.cpu_count() or 1)))
    assert settings(Config(shuffle_partitions=3), "local[6]")["spark.sql.shuffle.partitions"] == "3"


def test_a_local_driver_stays_on_this_machine_and_gets_a_sixth_of_it():
    ours = settings(Config(), None)
    assert (ours["spark.driver.host"], ours["spark.driver.bindAddress"]) == ("127.0.0.1", "127.0.0.1")
    assert 1 <= int(ours["spark.driver.memory"].removesuffix("g")) <= 8
    assert settings(Config(driver_memory="3g"), "local[2]")["spark.driver.memory"] == "3g"


@pytest.mark.parametrize("master", ["spark://host:7077", "yarn", "k8s://x", "sc://host"])
def test_on_a_cluster_memory_and_addresses_are_the_cluster_s_unless_the_recipe_says(master):
    assert not {"spark.driver.memory", "spark.driver.host"} & set(settings(Config(), master))
    assert settings(Config(driver_memory="3g"), master)["spark.driver.memory"] == "3g"


@pytest.mark.parametrize(
    ("size", "master", "input_bytes", "small"),
    [
        ("auto", "local[2]", SMALL_INPUT, True),
        ("auto", None, 0, True),
        ("auto", "local[2]", SMALL_INPUT + 1, False),
        ("auto", "local[2]", None, False),
        ("auto", "spark://h:7077", 1, False),
        ("auto", "sc://h", 1, False),
        ("small", "local[2]", None, True),
        ("large", "local[2]", 1, False),
    ],
)
def test_spark_is_set_for_a_small_run_where_the_input_is_known_to_be_small(size, master, input_bytes, small):
    ours = settings(Config(size=size), master, input_bytes)
    assert is_small(Config(size=size), master, input_bytes) == small
    assert (ours["spark.sql.adaptive.enabled"] == "false") == small
    assert ("spark.sql.codegen.wholeStage" in ours) == small


def test_what_spark_submit_started_is_not_taken_for_this_machine(monkeypatch):
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert "spark.driver.host" not in settings(Config(), None, 1)
    assert not is_small(Config(), None, 1)


def test_a_small_run_has_a_partition_a_core_and_few_of_them():
    assert settings(Config(), "local[64]", 1)["spark.sql.shuffle.partitions"] == "4"
    assert settings(Config(), "local[3]", 1)["spark.sql.shuffle.partitions"] == "3"
    assert settings(Config(shuffle_partitions=7), "local[3]", 1)["spark.sql.shuffle.partitions"] == "7"


def test_settings_of_the_recipe_stand_over_ours():
    ours = settings(Config(settings={"spark.ui.enabled": "true", "spark.new": "1"}), None)
    assert (ours["spark.ui.enabled"], ours["spark.new"]) == ("true", "1")
    with pytest.raises(ConfigError, match="shuffle_partitions=-1"):
        Config(shuffle_partitions=-1)


@pytest.mark.parametrize(
    ("master", "given"),
    [
        ("local", f"local[1,{MAX_TASK_FAILURES}]"),
        ("local[*]", f"local[*,{MAX_TASK_FAILURES}]"),
        ("local[4]", f"local[4,{MAX_TASK_FAILURES}]"),
        ("local[4,2]", "local[4,2]"),
        ("spark://host:7077", "spark://host:7077"),
    ],
)
def test_a_local_master_survives_deaths_of_workers(master, given):
    assert _with_failures(master) == given


def test_the_session_has_what_was_asked_for(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.adaptive.enabled") == "false"
    assert spark.sparkContext.master == f"local[2,{MAX_TASK_FAILURES}]"


@pytest.mark.parametrize("memory", ["much", "4 g", "g", "-1g", "4x"])
def test_a_memory_that_java_would_not_understand_is_refused(memory):
    with pytest.raises(ConfigError, match="write a number and a unit"):
        Config(driver_memory=memory)
    assert Config(driver_memory="512m").driver_memory == "512m"


@pytest.mark.parametrize(
    "master", ["", "foo", "local[", "local[x]", "local[2", "spark://", "host:7077", "yarn-cluster"]
)
def test_a_master_that_is_none_is_refused_with_the_known_kinds(master):
    with pytest.raises(ConfigError, match=r"--master .*: must be local"):
        check_start(master)


@pytest.mark.parametrize(
    "master", [None, "local", "local[4]", "local[*]", "local[2,16]", "spark://h:7077", "yarn", "k8s://https://h:6443"]
)
def test_every_kind_of_master_but_connect_needs_a_java(java, master):
    java(None)
    with pytest.raises(ConfigError, match="there is none"):
        check_start(master)
    check_start("sc://host:15002")


@pytest.fixture
def java(tmp_path, monkeypatch):
    """A `java` on PATH that says the given first line, or none at all."""

    def install(says, *, home=False):
        folder = tmp_path / "jdk"
        (folder / "bin").mkdir(parents=True)
        if says is not None:
            program = folder / "bin" / "java"
            program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", "/nowhere" if home else f"{folder / 'bin'}:/nowhere")
        if home:
            monkeypatch.setenv("JAVA_HOME", str(folder))
        else:
            monkeypatch.delenv("JAVA_HOME", raising=False)

    return install


@pytest.mark.parametrize("home", [False, True])
@pytest.mark.parametrize("version", ["17.0.12", "21", "21.0.1"])
def test_java_17_and_21_will_do(java, version, home):
    java(f'openjdk version "{version}" 2024-07-16', home=home)
    check_java()


@pytest.mark.parametrize("home", [False, True])
@pytest.mark.parametrize("says", ['openjdk version "1.8.0_402"', 'openjdk version "11.0.2"', "command not licensed"])
def test_any_other_java_is_refused_with_what_it_says_and_what_to_do(java, says, home):
    java(says, home=home)
    with pytest.raises(ConfigError) as raised:
        check_java()
    assert says in str(raised.value)
    assert "Java 17 or 21" in str(raised.value)
    assert "openjdk-17-jre-headless" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("home", [False, True])
def test_without_java_it_says_how_to_get_one(java, home):
    java(None, home=home)
    with pytest.raises(ConfigError, match=r"there is none.*apt-get install") as raised:
        check_java()
    assert ("there is none in /" in str(raised.value)) == home
