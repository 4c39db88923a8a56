import dataclasses

import pyarrow as pa
import pytest

from filters.text.fields import DocumentMeasures, NodeMeasures
from schemas.measures import DOCUMENT_MEASURES, NODE_MEASURES

TYPES = {"int": pa.int32(), "float": pa.float64(), "bool": pa.bool_()}


@pytest.mark.parametrize(("measures", "struct"), [(NodeMeasures, NODE_MEASURES), (DocumentMeasures, DOCUMENT_MEASURES)])
def test_what_is_computed_is_what_is_declared(measures, struct):
    computed = [(f.name, TYPES[str(f.type).removesuffix(" | None")]) for f in dataclasses.fields(measures)]
    assert computed == [(f.name, f.type) for f in struct]
    assert all(f.metadata[b"comment"] for f in struct)
