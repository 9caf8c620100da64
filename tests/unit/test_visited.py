"""Where a crawl has been."""

from __future__ import annotations

from satapi.ingest.visited import Visited


def test_each_text_is_new_once() -> None:
    visited = Visited()
    texts = [f"https://example.com/{number}" for number in range(5_000)]
    assert all(map(visited.add, texts))
    assert not any(map(visited.add, texts))
    assert visited.add("")
    assert not visited.add("")
    assert len(visited) == 5_001
