"""What each token of a batch is for: predicted or not, seen or not, of which document and image."""

from itertools import islice

import pytest
import torch
from loader_shards import sample_documents, write_shards

from vlm.loader import Loader, LoaderConfig
from vlm.loader.batch import target_mask


@pytest.fixture(params=["whole", "damaged"])
def batches(small, tmp_path, request):
    """Pieces of documents that are cut in several places; in one of the two, images whose bytes were changed."""
    folder = write_shards(tmp_path, sample_documents(60, words=120), 1)
    if request.param == "damaged":
        tar = folder / "weft-000000.tar"
        tar.write_bytes(tar.read_bytes().replace(b"JFIF", b"JXIF"))
    config = LoaderConfig(**small | {"datasets": (str(folder),), "seq_len": 256, "max_fault_share": 1.0})
    return list(islice(Loader(config), 6)), Loader(config).tokenizer.specials


def test_the_first_token_of_a_segment_is_never_predicted_whether_it_begins_a_document_or_goes_on_with_one(batches):
    begins = set()
    for batch in batches[0]:
        for row, start, count, *_, ends in batch.sources.tolist():
            begins.add(bool(ends & 1))
            assert not batch.loss_mask[row, start]
            assert batch.positions[row, start : start + count].tolist() == list(range(count))
            assert len(set(batch.document_ids[row, start : start + count].tolist())) == 1
    assert begins == {True, False}


def test_what_is_predicted_is_text_that_can_be_read_and_has_something_readable_before_it(batches, request):
    nothing_before, specials = 0, batches[1]
    for batch in batches[0]:
        wanted, before = target_mask(batch.loss_mask, batch.valid), torch.roll(batch.valid, 1, dims=1)
        assert torch.equal(wanted[:, 1:], (batch.loss_mask & batch.valid & before)[:, 1:])
        assert not wanted[:, 0].any()
        assert batch.num_targets == int(wanted.sum())
        others = torch.tensor([specials.bos, specials.pad, specials.image, specials.image_start, specials.image_end])
        assert not torch.isin(batch.tokens[batch.loss_mask], others).any()
        nothing_before += int((batch.loss_mask & batch.valid & ~before).sum())
    damaged = "damaged" in request.node.name
    assert (nothing_before > 0) == damaged == any(b.faults for b in batches[0])  # the text after such an image


def test_a_token_knows_the_last_image_of_its_own_segment_only(batches):
    for batch in batches[0]:
        for row, start, count, *_ in batch.sources.tolist():
            last = -1
            for at in range(start, start + count):
                begins = batch.tokens[row, at] == batches[1].image_start
                last = max(last, int(batch.image_index[row, at + 1 if begins else at]))
                assert int(batch.last_image[row, at]) == last


def test_nothing_stands_before_the_first_token_of_a_row():
    every = torch.ones(2, 3, dtype=torch.bool)
    assert target_mask(every, every).tolist() == [[False, True, True]] * 2
