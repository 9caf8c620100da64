"""Nesting: the depth of JSON, whatever its strings hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.errors import TooLargeError
from satapi.http.nesting import check

_NAMES = st.sampled_from(["[", "}", '"', "\\"])
_JSON = st.recursive(
    st.none() | st.text(st.sampled_from('[]{}"\\a'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
)


def depth(value: object) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case _:
            return 0


@settings(deadline=None, derandomize=True, max_examples=300)
@given(_JSON, st.integers(0, 6))
def test_json_is_refused_exactly_where_it_is_too_deep(value: object, at_most: int) -> None:
    text = json.dumps(value).encode()
    if depth(value) <= at_most:
        check(text, at_most, "body")
    else:
        with pytest.raises(TooLargeError, match=f"at most {at_most} levels"):
            check(text, at_most, "body")


def test_text_that_never_ends_is_soon_checked() -> None:
    check(b'"' + b"\\" * 1_000_000, 64, "body")
    check(b'"[' * 300_000, 400_000, "body")
    with pytest.raises(TooLargeError):
        check(b"[" * 1_000_000, 64, "body")
    with pytest.raises(TooLargeError):
        check(b"[" * 65 + b'"' + b'\\"' * 500_000, 64, "body")
