from pipeline.commits import Commit
from pipeline.fetch_report import by_machine, fetch_facts, why_so_few
from pipeline.fetch_rounds import STEP, keep_forecast
from schemas.image import IMAGES, LINKS


def commit(folder, name, machine, **statuses):
    folder.commit(Commit(slice=name, files=(), extra={"statuses": statuses, "machine": machine}))


def filled(run):
    folder = run.where(STEP)
    commit(folder, "r0000-000000-000000", "one", ok=1, dns=3)
    commit(folder, "r0000-000000-000001", "one", dns=1)
    commit(folder, "r0000-000001-000000", "two", ok=5)
    commit(folder, "r0000-archive-0123456789abcdef-0000", "one", ok=900)
    keep_forecast(folder, 0, {"round": 0, "urls": 10, "slowest": []})
    return folder


def test_machines_are_told_apart_and_what_was_at_hand_is_not_counted(run_of):
    folder = filled(run_of())
    assert by_machine(folder) == {"one": {"dns": 4, "ok": 1}, "two": {"ok": 5}}
    assert why_so_few(folder, 0.9)[1] == "dns: 40%, 80% on one (0% elsewhere)"
    assert why_so_few(folder, 0.6) == []


def test_the_report_has_forecasts_and_reasons_by_class_machine_and_host(spark, run_of, fill, row_of):
    run = run_of("fetch.expected_ok=0.9", spark=spark)
    filled(run)
    urls = [(f"http://a.example/{n}", "ok" if n < 6 else "dns") for n in range(10)]
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=url, host_group="a.example") for url, _ in urls]))
    fill(run, "04_images/images", (IMAGES, [row_of(IMAGES, url=url, status=status) for url, status in urls]))
    found = fetch_facts(run)
    assert found["rounds"] == [{"round": 0, "urls": 10, "slowest": []}]
    assert (found["answers"], found["ok"], found["deferred"]) == (10, 6, 0)
    assert found["worst_hosts"] == [{"host_group": "a.example", "status": "dns", "urls": 4}]
    assert found["sentences"][1] == "dns: 40%, 80% on one (0% elsewhere), 100% of them of a.example"
