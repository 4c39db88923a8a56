from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.loader.cut import atoms, cutting
from vlm.loader.pack import FIRST, LAST, WHOLE, Cutting, Packer, Piece

SEQ, PATCHES = 64, 40
entry = st.one_of(
    st.tuples(st.integers(1, 200), st.just(0), st.just(False)),
    st.tuples(st.integers(1, SEQ // 2), st.integers(1, PATCHES), st.just(True)),
)


def arrays(entries, cuts):
    tokens, patches, images = (np.array(x) for x in zip(*entries, strict=True))
    return cutting(tokens, patches, images, (SEQ, PATCHES), 0, cuts)


@settings(max_examples=200, deadline=None)
@given(st.lists(entry, min_size=1, max_size=12))
def test_the_quick_way_to_the_cuts_gives_what_the_long_one_gives(entries):
    lists = (list(x) for x in zip(*entries, strict=True))
    parts = atoms(*lists, (SEQ, PATCHES), 0, lambda _: ())
    assert arrays(entries, lambda _: ()) == Cutting.of(parts)


def candidate(row, entries, cuts=lambda _: ()):
    tokens, patches = [e[0] for e in entries], [e[1] for e in entries]

    def parts():
        return arrays(entries, cuts)

    return Piece(0, 0, row, 0, row, 0, 0, 0, len(entries), 0, WHOLE, sum(tokens) + 2, sum(patches)), parts


def place_all(documents, bins=4, cuts=lambda _: ()):
    packer, packs = Packer(SEQ, PATCHES, bins), []
    for row, entries in enumerate(documents):
        packs += packer.place(*candidate(row, entries, cuts))
    return packs + packer.flush()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(entry, min_size=1, max_size=12), min_size=1, max_size=30))
@pytest.mark.slow
def test_nothing_is_lost_nothing_comes_twice_and_both_budgets_are_kept(documents):
    packs = place_all(documents)
    by_row = {}
    for pack in packs:
        assert sum(p.tokens for p in pack) <= SEQ
        assert sum(p.patches for p in pack) <= PATCHES
        for piece in pack:
            by_row.setdefault(piece.row, []).append(piece)
    assert set(by_row) == set(range(len(documents)))
    for row, pieces in by_row.items():
        pieces.sort(key=lambda p: (p.start_entry, p.start_token))
        assert pieces[0].ends & FIRST
        assert pieces[-1].ends & LAST
        assert (pieces[0].start_entry, pieces[0].start_token) == (0, 0)
        assert (pieces[-1].stop_entry, pieces[-1].stop_token) == (len(documents[row]), 0)
        for before, after in pairwise(pieces):
            assert (before.stop_entry, before.stop_token) == (after.start_entry, after.start_token)
        assert sum(p.tokens for p in pieces) == sum(e[0] for e in documents[row]) + 2
        assert sum(p.patches for p in pieces) == sum(e[1] for e in documents[row])


@settings(max_examples=100, deadline=None)
@given(st.lists(entry, min_size=1, max_size=12))
def test_an_atom_never_ends_with_an_image_unless_the_images_alone_fill_a_pack(entries):
    tokens, patches, images = (list(x) for x in zip(*entries, strict=True))
    parts = atoms(tokens, patches, images, (SEQ, PATCHES), 0, lambda _: ())
    for part in parts[:-1]:
        if part.stop_token == 0 and images[part.stop_entry - 1] and part.stop_entry < len(entries):
            following, k = 0, part.stop_entry - 1  # the images before the cut and what follows them, up to a text
            while k >= 0 and images[k]:
                following, k = following + tokens[k], k - 1
            k, more, run = part.stop_entry, 0, 0
            while k < len(entries) and images[k]:
                more, run, k = more + tokens[k], run + patches[k], k + 1
            more += tokens[k] if k < len(entries) else 0
            seen = sum(patches[i] for i in range(part.stop_entry) if images[i])
            assert following + more > SEQ - 2 or seen + run > PATCHES


def test_a_document_that_fits_goes_where_it_leaves_the_least_room():
    packer = Packer(SEQ, PATCHES, 4)
    for row, size in enumerate((30, 40, 50)):  # none fits beside another
        packer.place(*candidate(row, [(size, 0, False)]))
    packer.place(*candidate(9, [(16, 0, False)]))
    assert [[p.row for p in b.pieces] for b in packer.bins] == [[1, 9], [2], [0]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, SEQ - 2), st.integers(0, PATCHES)), min_size=1, max_size=40))
def test_a_document_is_added_to_the_best_bin_there_is_or_to_none(sizes):
    packer = Packer(SEQ, PATCHES, 6)
    for row, (tokens, patches) in enumerate(sizes):
        piece, parts = candidate(row, [(tokens, patches, False)])
        rooms = [b.tokens - piece.tokens for b in packer.bins if b.patches >= patches]
        least = min((room for room in rooms if room >= 0), default=None)
        done = packer.place(piece, parts)
        held = [b for b in packer.bins if piece in b.pieces]
        closed = [pack for pack in done if piece in pack]
        assert len(held) + len(closed) <= 1  # none: it was cut
        if least is not None:
            left = held[0].tokens if held else SEQ - sum(p.tokens for p in closed[0])
            assert left == least
        again = Packer(SEQ, PATCHES, 6, list(reversed(packer.bins)))
        assert [b.tokens for b in again.bins] == [b.tokens for b in packer.bins]


def test_a_full_bin_is_closed_at_once():
    packer = Packer(SEQ, PATCHES, 4)
    (pack,) = packer.place(*candidate(0, [(SEQ - 2, 0, False)]))
    assert [p.tokens for p in pack] == [SEQ]
    assert packer.bins == []


def test_the_patch_budget_closes_what_the_token_budget_would_not():
    packs = place_all([[(4, PATCHES, True), (2, 0, False)]] * 3)
    assert [len(p) for p in packs] == [1, 1, 1]


def test_a_document_is_cut_at_a_paragraph_border():
    packs = place_all([[(20, 0, False)] * 6])
    pieces = sorted(p for pack in packs for p in pack)
    assert [(p.start_entry, p.stop_entry, p.stop_token) for p in pieces] == [(0, 3, 0), (3, 6, 0)]


def test_an_image_stays_with_the_text_after_it():
    packs = place_all([[(40, 0, False), (10, 4, True), (40, 0, False)]])
    pieces = sorted(p for pack in packs for p in pack)
    assert [(p.start_entry, p.stop_entry) for p in pieces] == [(0, 1), (1, 3)]


def test_a_paragraph_longer_than_a_pack_is_cut_at_sentences():
    packs = place_all([[(150, 0, False)]], cuts=lambda _: [30, 55, 90, 120])
    pieces = sorted(p for pack in packs for p in pack)
    assert [p.stop_token for p in pieces] == [55, 90, 0]


def test_a_sentence_longer_than_a_pack_is_cut_between_tokens():
    pieces = sorted(p for pack in place_all([[(1000, 0, False)]]) for p in pack)
    assert sum(p.tokens for p in pieces) == 1002
    assert min(p.tokens for p in pieces[:-1]) >= SEQ - SEQ // 16 - 2


@pytest.mark.parametrize("images", [400])
def test_four_hundred_images_in_a_row_are_spread_over_packs(images):
    packs = place_all([[(10, 8, True)] * images])
    assert sum(p.patches for pack in packs for p in pack) == images * 8
    assert len(packs) == images // 5
