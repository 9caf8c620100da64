"""The examples of the CQL2 standard: each is read, and is one tree in both encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.cql2 import json, render, text
from satapi.cql2.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits(characters=10_000, nesting=20, terms=50, points=100)


def test_the_text_and_the_json_of_each_example_are_one_tree(shared_data: Path) -> None:
    texts = sorted((shared_data / "cql2" / "text").glob("*.txt"))
    assert len(texts) > 100
    for file in texts:
        # Examples that have several texts have one JSON.
        name = file.stem.partition("-alt")[0]
        node = text.parse(file.read_text(), LIMITS)
        assert node == json.parse((shared_data / "cql2" / "json" / f"{name}.json").read_bytes(), LIMITS), file
        assert text.parse(render.to_text(node), LIMITS) == node
        assert json.parse(render.to_json(node), LIMITS) == node
