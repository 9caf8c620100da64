"""Pieces of a large page: bounded in items and bytes, no more than are needed, in order, with nothing lost."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.db.items import Size
from satapi.http.streaming import pieces

ITEMS_MAX, BYTES_MAX = 200, 2_000_000


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 3_000_000) | st.integers(0, 100), max_size=1000))
def test_a_page_is_cut_into_pieces_of_bounded_size(sizes: list[int]) -> None:
    page = [Size("c", str(number), stored) for number, stored in enumerate(sizes)]
    cut = list(pieces(page))
    assert [key for piece in cut for key in piece] == [(size.collection, size.id) for size in page]
    stored = [[sizes[int(identifier)] for _, identifier in piece] for piece in cut]
    for piece in stored:
        assert 1 <= len(piece) <= ITEMS_MAX
        assert len(piece) == 1 or sum(piece) <= BYTES_MAX
    for piece, following in pairwise(stored):
        assert len(piece) == ITEMS_MAX or sum(piece) + following[0] > BYTES_MAX


def test_small_items_come_by_the_hundred() -> None:
    assert [len(piece) for piece in pieces([Size("c", str(number), 1) for number in range(450)])] == [200, 200, 50]
