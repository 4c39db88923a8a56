from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.diagnosis import diagnosis


def test_a_machine_without_names_is_found():
    machines = {"one": {"ok": 80, "http_4xx": 20}, "three": {"ok": 30, "dns": 62, "http_4xx": 8, "deferred": 900}}
    found = diagnosis(machines, [], expected_ok=0.6)
    assert found["sentences"] == [
        "55% of 200 image URLs gave an image; 60% are expected",
        "dns: 31%, 62% on three (0% elsewhere)",
        "http_4xx: 14%, 20% on one (8% elsewhere)",
    ]
    assert found["by_status"] == {"ok": 110, "dns": 62, "http_4xx": 28}


def test_a_host_that_fails_is_found():
    found = diagnosis(
        {"one": {"ok": 5, "timeout": 15}}, [("a.example", "timeout", 12), ("b", "ok", 5)], expected_ok=0.6
    )
    assert found["sentences"][1] == "timeout: 75%, 80% of them of a.example"
    assert found["worst_hosts"] == [{"host_group": "a.example", "status": "timeout", "urls": 12}]


def test_what_is_as_expected_needs_no_words():
    assert diagnosis({"one": {"ok": 6, "dns": 4}}, [], expected_ok=0.6)["sentences"] == []
    assert diagnosis({"one": {"ok": 59, "dns": 41}}, [], expected_ok=0.6)["sentences"] != []
    assert diagnosis({}, [], expected_ok=0.6)["sentences"] == []


counts = st.dictionaries(st.sampled_from(["ok", "dns", "timeout", "deferred"]), st.integers(0, 50))


@given(st.dictionaries(st.sampled_from("abc"), counts))
def test_nothing_is_lost_in_the_counts(machines):
    found = diagnosis(machines, [], expected_ok=1.0)
    answered = sum(n for by_status in machines.values() for status, n in by_status.items() if status != "deferred")
    assert found["answers"] == answered == sum(found["by_status"].values())
    assert found["ok"] == found["by_status"].get("ok", 0)
