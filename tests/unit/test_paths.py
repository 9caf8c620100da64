"""Paths: ids as segments that lead back to them."""

from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.stac import paths


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_is_one_segment_that_no_client_resolves_away(identifier: str) -> None:
    segment = paths.segment(identifier)
    assert unquote(segment) == identifier
    assert segment.isascii()
    assert not set(segment) & set("/?# ")
    assert segment not in {".", ".."}


def test_plain_ids_stay_readable() -> None:
    assert paths.item("sentinel-2-l2a", "S2A_T31~1.x") == "/collections/sentinel-2-l2a/items/S2A_T31~1.x"
    assert paths.items("a/b") == "/collections/a%2Fb/items"
    assert paths.collection("..") == "/collections/%2E%2E"
