"""The page of the report from hand-made figures, and what each step cost."""

from __future__ import annotations

import pytest

from pipeline.commits import Commit, Cost, DataFile
from pipeline.report import _bytes, costs


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e12, "5.0 TB"), (7e15, "7.0 PB")],
)
def test_sizes_are_said_as_a_person_reads_them(size, said):
    assert _bytes(size) == said


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
