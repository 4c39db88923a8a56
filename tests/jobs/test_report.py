from pipeline.commits import Cost


def test_a_run_that_is_not_finished_has_no_report_and_says_what_is_next(weft, begun):
    begun.finish("01_documents", Cost())
    done = weft("report", begun.folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("the run is not finished, 02_unique is next; run weft run again first\n")
    assert not (begun.folder / "report").exists()
