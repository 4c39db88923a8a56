import pytest

from pipeline.commits import Commit, Cost, DataFile
from pipeline.report.cost import WHOLE_FILE_BYTES, WHOLE_FILES, costs, extrapolate


def test_the_cost_of_a_step_is_the_sum_of_its_slices_and_rows_stand_beside_their_budget(run_of):
    run = run_of()
    folder = run.where("03_links")
    for number, (cpu, peak) in enumerate([(1.0, 500), (2.0, 300)]):
        file = DataFile(table="links", path=f"data/{number}.parquet", rows=10, num_bytes=1000)
        cost = Cost(seconds=9, cpu_seconds=cpu, peak_bytes=peak)
        folder.commit(Commit(slice=f"s{number}", files=(file,), cost=cost))
    run.finish("03_links", Cost(seconds=4.5))
    found = {entry["step"]: entry for entry in costs(run)}
    assert list(found) == [step.name for step in run.steps]
    entry = found["03_links"]
    assert (entry["seconds"], entry["cpu_seconds"], entry["peak_bytes"], entry["slices"]) == (4.5, 3.0, 500, 2)
    (table,) = entry["tables"]
    assert (table["rows"], table["bytes"], table["bytes_per_row"]) == (20, 2000, 100)
    assert table["budget"] == 200
    assert (found["02_unique"]["seconds"], found["02_unique"]["slices"]) == (0.0, 0)


STEPS = [{"step": "a", "cpu_seconds": 10.0, "tables": [{"bytes": 7}]}, {"step": "b", "cpu_seconds": 0.0, "tables": []}]
TOTALS = {"seconds": 3.0, "bytes": 50, "documents": 5, "images": 9, "tokens": 100}


def test_a_whole_crawl_is_this_run_times_the_bytes_of_the_whole_over_the_bytes_read():
    found = extrapolate(STEPS, TOTALS, {"files": 2, "bytes": 1_000_000, "pages": 40, "image_bytes": 30})
    scale = WHOLE_FILES * WHOLE_FILE_BYTES / 1_000_000
    assert found["scale"] == scale
    assert found["whole"]["cpu_seconds"] == 10 * scale == found["by_step"]["a"]
    assert found["whole"]["documents"] == 5 * scale
    assert found["whole"]["files"] == WHOLE_FILES
    assert (found["pages_a_cpu_second"], found["documents_a_cpu_second"]) == (4.0, 0.5)
    assert found["is_small"]


@pytest.mark.parametrize("pages", [99_999, 100_000])
def test_few_pages_are_called_few(pages):
    found = extrapolate(STEPS, TOTALS, {"files": 2, "bytes": 1, "pages": pages, "image_bytes": 0})
    assert found["is_small"] == (pages < 100_000)


def test_nothing_is_said_of_a_run_that_read_nothing():
    nothing = dict.fromkeys(TOTALS, 0)
    found = extrapolate([], nothing, {"files": 0, "bytes": 0, "pages": 0, "image_bytes": 0})
    assert found["whole"] is found["scale"] is found["pages_a_cpu_second"] is None
