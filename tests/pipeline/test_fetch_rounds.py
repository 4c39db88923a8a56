from pipeline.commits import Commit, StepFolder
from pipeline.fetch_rounds import deferred, editions, forecasts, keep_forecast, reopen


def commit(folder, name, **statuses):
    folder.commit(Commit(slice=name, files=(), extra={"statuses": statuses, "machine": "m"}))


def test_only_the_last_round_says_what_is_left(tmp_path):
    folder = StepFolder(tmp_path)
    assert deferred(folder) == 0
    commit(folder, "r0000-000000-000000", ok=1, deferred=5)
    commit(folder, "r0001-000000-000000", ok=3, deferred=1)
    commit(folder, "r0001-000001-000000", deferred=1)
    folder.commit(Commit(slice="done-abc", files=()))
    assert deferred(folder) == 2
    commit(folder, "r0002-000000-000000", ok=2)
    assert deferred(folder) == 0


def test_forecasts_and_editions_are_counted_as_they_were_kept(tmp_path):
    folder = StepFolder(tmp_path)
    assert (forecasts(folder), editions(folder)) == ([], 0)
    for number in (3, 1):
        keep_forecast(folder, number, {"round": number})
        reopen(folder)
    assert forecasts(folder) == [{"round": 1}, {"round": 3}]
    assert editions(folder) == 2
