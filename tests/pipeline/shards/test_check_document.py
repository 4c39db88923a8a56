import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.shards.check_document import Options, check_document, parse
from schemas.shard_faults import ShardFault

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a": NaN}', b'{"a": Infinity}', b"\xff{}", b"[" * 100_000])
def test_bytes_that_are_no_json_object_are_none(body):
    assert parse(body) is None


def test_an_object_is_read():
    assert parse(b'{"a": [1, null]}') == {"a": [1, None]}


@given(data=st.data())
def test_whatever_stands_in_a_document_is_a_fault_and_never_an_error(data, sound_document):
    key, document = sound_document
    name = data.draw(st.sampled_from(sorted(document)))
    spoilt = json.loads(json.dumps(document)) | {name: data.draw(JSON)}
    found = list(check_document(key, spoilt, {}, {document["recipe"]}, Options()))
    assert all(isinstance(fault, ShardFault) for fault, _ in found)
    assert found  # its images are missing, at the least
