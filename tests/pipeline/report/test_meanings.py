import pytest

from pipeline.report.meanings import elsewhere, meaning
from schemas import reasons


@pytest.mark.parametrize(
    ("unit", "reason", "said"),
    [
        ("document", "too_few_words", "fewer words than the bound"),
        ("reference", "document", "its document was dropped"),
        ("reference", "fetch:timeout", "asked for: not done within"),
        ("url", "file:too_small", "its file: a side below"),
        ("url", "extension", "svg, ico"),
        ("url", "of another version", ""),
    ],
)
def test_a_reason_is_said_in_words(unit, reason, said):
    assert meaning(unit, reason).startswith(said)
    assert bool(meaning(unit, reason)) == bool(said)


def test_every_reason_of_every_unit_has_words():
    enums = {"record": reasons.RecordReason, "document": reasons.DocumentReason, "node": reasons.NodeReason}
    enums |= {"reference": reasons.ReferenceReason, "url": reasons.UrlReason, "file": reasons.FileReason}
    assert [(unit, str(r)) for unit, members in enums.items() for r in members if not meaning(unit, str(r))] == []


@pytest.mark.parametrize(
    ("unit", "step", "reason", "there"),
    [
        ("reference", "02_unique", "document", ("document", "02_unique")),
        ("reference", "04_images", "file:nsfw", ("url", "04_images")),
        ("reference", "03_links", "url:scheme", ("url", "03_links")),
        ("reference", "03_links", "opted_out", ("url", "03_links")),
        ("document", "01_documents", "opted_out", None),
        ("file", "04_images", "file:nsfw", ("url", "04_images")),
        ("url", "04_images", "file:nsfw", None),
        ("document", "01_documents", "no_text", None),
    ],
)
def test_examples_that_stand_elsewhere_are_found(unit, step, reason, there):
    assert elsewhere(unit, step, reason) == there
