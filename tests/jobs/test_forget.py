def test_a_takedown_without_a_list_and_one_without_shards_are_the_users_mistakes(weft, tmp_path):
    assert "give at least one list" in weft("forget", tmp_path).err
    path = tmp_path / "hosts"
    path.write_text("a.example\n")
    done = weft("forget", tmp_path / "none", "--hosts", path)
    assert done.code == 2
    assert "neither shards nor a run" in done.err


def test_a_run_that_is_half_done_can_be_taken_from_without_spark(weft, begun, tmp_path):
    path = tmp_path / "hosts"
    path.write_text("tea.example\n")
    done = weft("forget", begun.folder, "--hosts", path)
    assert done.code == 0, done.err
    assert "shards: 0 written anew" in done.out
    assert "not reached" in done.out
    assert list((begun.folder / "tombstones").glob("*.parquet"))
