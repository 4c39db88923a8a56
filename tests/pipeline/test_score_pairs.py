import numpy as np
import pytest

from pipeline.score_pairs import match
from schemas.reasons import ReferenceReason

TEXTS = np.eye(3, dtype=np.float32)


def image(node, *embedding):
    return {"node": node, "url": f"u{node}", "sha256": "s", "count_in_corpus": 1, "embedding": list(embedding)}


def rows(images, min_score=-1.0, nodes=(0, 2, 5), texts=TEXTS):
    return match({"id": "d", "images": images}, list(nodes), texts, min_score)


def test_each_image_is_scored_against_each_text_and_assigned_one():
    found = rows([image(1, 0.0, 1.0, 0.0), image(3, 0.6, 0.8, 0.0)])
    assert [row["similarity"] for row in found] == [[0.0, 1.0, 0.0], [0.6, 0.8, 0.0]]
    assert [row["matched_node"] for row in found] == [2, 0]
    assert [row["clip_score"] for row in found] == [1.0, 0.6]


def test_an_image_without_embedding_is_not_scored_and_not_dropped():
    found = rows([image(1), image(3, 1.0, 0.0, 0.0)], min_score=0.5)
    assert (found[0]["similarity"], found[0]["matched_node"], found[0]["drop_reason"]) == (None, None, None)
    assert found[1]["matched_node"] == 0


@pytest.mark.parametrize(("min_score", "kept"), [(0.8, True), (0.8001, False)])
def test_the_bound_of_the_score_is_inclusive(min_score, kept):
    (found,) = rows([image(1, 0.6, 0.8, 0.0)], min_score=min_score)
    assert found["drop_reason"] == (None if kept else str(ReferenceReason.LOW_SCORE))
    assert (found["matched_node"] is not None) == kept


def test_a_document_without_texts_has_nothing_to_score():
    (found,) = rows([image(1, 1.0, 0.0, 0.0)], nodes=(), texts=np.zeros((0, 3), np.float32))
    assert found["similarity"] is None
