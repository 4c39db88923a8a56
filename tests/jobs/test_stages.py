from pipeline.flow import FLOW


def test_every_step_is_printed_in_order_with_its_stages_tables_and_sections(weft):
    done = weft("stages")
    assert done.code == 0
    blocks = [f"{step.name}\n    {step.doc}\n    stages:   {', '.join(step.stages)}\n" for step in FLOW]
    places = [done.out.index(block) for block in blocks]
    assert places == sorted(places)
    assert f"sections: {', '.join(FLOW[0].sections)}\n" in done.out
    assert "after:    the archives" in done.out
