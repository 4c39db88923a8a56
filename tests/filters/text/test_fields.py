"""Objects and columns of measures are the same."""

from __future__ import annotations

from dataclasses import fields

from filters.text.fields import DocumentMeasures, NodeMeasures
from schemas.measures import DOCUMENT_MEASURES, NODE_MEASURES


def test_the_objects_have_the_columns_of_the_schema_in_order():
    assert [f.name for f in fields(NodeMeasures)] == [f.name for f in NODE_MEASURES]
    assert [f.name for f in fields(DocumentMeasures)] == [f.name for f in DOCUMENT_MEASURES]
