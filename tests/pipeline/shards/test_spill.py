from hypothesis import given
from hypothesis import strategies as st

from pipeline.shards.recut import Sample
from pipeline.shards.spill import Spill

KEYS = st.lists(st.integers(0, (1 << 128) - 1).map(lambda n: f"{n:032x}"), max_size=30)


@given(KEYS)
def test_keys_come_in_order_and_once_and_nothing_is_left_on_disk(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("spill")
    with Spill(folder) as spill:
        for number, key in enumerate(keys):
            spill.add(Sample(key, {"number": number}, {"000.jpg": b"x" * number}))
        found = list(spill)
    assert [sample.key for sample in found] == sorted(set(keys))
    assert all(sample.document["number"] == keys.index(sample.key) for sample in found)
    assert list(folder.iterdir()) == []
