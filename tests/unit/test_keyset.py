"""Keysets: orders with their tie-breakers, and what comes after a position in them."""

from __future__ import annotations

import itertools

import pytest

from satapi.errors import InvalidError
from satapi.query import keyset
from satapi.query.inventory import ITEMS
from satapi.stac.search import Position, SortKey


def names(*sortby: SortKey, backward: bool = False) -> list[tuple[str, bool]]:
    return [(key.column.name, key.descending) for key in keyset.order(sortby, ITEMS, backward=backward).keys]


TIES = [("collection", False), ("id", False)]


def test_without_sortby_the_newest_come_first() -> None:
    assert names() == [("datetime", True), *TIES]


def test_collection_and_id_break_ties_unless_they_are_sorted_by() -> None:
    assert names(SortKey("a")) == [("a", False), *TIES]
    assert names(SortKey("id", descending=True)) == [("id", True), ("collection", False)]
    assert names(SortKey("collection"), SortKey("a")) == [("collection", False), ("a", False), ("id", False)]


def test_ties_go_the_way_of_a_property_that_comes_first_as_its_index_does() -> None:
    down = [("collection", True), ("id", True)]
    assert names(SortKey("a", descending=True)) == [("a", True), *down]
    assert names(SortKey("a", descending=True), SortKey("b")) == [("a", True), ("b", False), *down]
    assert names(SortKey("a", descending=True), SortKey("id")) == [("a", True), ("id", False), ("collection", True)]
    assert names(SortKey("created", descending=True)) == [("created", True), *TIES]


def test_of_a_field_that_is_named_twice_the_first_counts() -> None:
    assert names(SortKey("a"), SortKey("b"), SortKey("a", descending=True)) == [("a", False), ("b", False), *TIES]


def test_only_datetime_with_ties_in_order_is_the_order_of_time() -> None:
    def by_time(*sortby: SortKey) -> bool:
        return keyset.order(sortby, ITEMS).is_by_time

    assert by_time()
    assert by_time(SortKey("datetime"))
    assert by_time(SortKey("datetime", descending=True), SortKey("collection"))
    assert not by_time(SortKey("datetime"), SortKey("id"))
    assert not by_time(SortKey("datetime"), SortKey("collection", descending=True))
    assert not by_time(SortKey("created"))
    assert not by_time(SortKey("datetime"), SortKey("a"))


@pytest.mark.parametrize("name", ["", "geometry", "bbox", "links", "assets", "type", "stac_version", "properties"])
def test_what_has_no_order_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        keyset.order([SortKey(name)], ITEMS)
    assert refused.value.parameter == "sortby"


def text(*sortby: SortKey, values: tuple[str | None, ...], backward: bool = False) -> str:
    order = keyset.order(sortby, ITEMS, backward=backward)
    return keyset.after(order, Position(values, "c", "i", backward)).render()[0]


def test_after_a_position_come_larger_values_or_ties() -> None:
    assert text(values=("2020-01-01T00:00:00Z",)) == (
        "((datetime < $1::timestamptz) or (datetime = $1::timestamptz and collection > $2::text)"
        " or (datetime = $1::timestamptz and collection = $2::text and id > $3::text))"
    )


def test_backward_everything_turns_around() -> None:
    assert text(values=("2020-01-01T00:00:00Z",), backward=True) == (
        "((datetime > $1::timestamptz) or (datetime = $1::timestamptz and collection < $2::text)"
        " or (datetime = $1::timestamptz and collection = $2::text and id < $3::text))"
    )


def test_after_a_value_come_missing_ones_and_after_a_missing_one_no_value() -> None:
    created = SortKey("created")
    assert "(created > $1::timestamptz or created is null)" in text(created, values=("2020-01-01T00:00:00Z",))
    assert "created is not null" not in text(created, values=(None,))
    assert "created is null and collection > $1::text" in text(created, values=(None,))
    assert "(created is not null)" in text(created, values=(None,), backward=True)
    assert "or created is null" not in text(created, values=("2020-01-01T00:00:00Z",), backward=True)


def test_a_token_keeps_to_its_order() -> None:
    orders = [(), (SortKey("a"),), (SortKey("a", descending=True),), (SortKey("b"),), (SortKey("a"), SortKey("b"))]
    for one, other in itertools.permutations(orders, 2):
        values = tuple(
            "1" if key.column.kind == "json" else "2020-01-01T00:00:00Z" for key in keyset.order(one, ITEMS).values
        )
        token = keyset.encode(one, ITEMS, Position(values, "c", "i"))
        assert keyset.decode(token, one, ITEMS) == Position(values, "c", "i")
        with pytest.raises(InvalidError):
            keyset.decode(token, other, ITEMS)


def test_the_default_order_has_the_tokens_of_the_order_that_it_is() -> None:
    token = keyset.encode((), ITEMS, Position(("2020-01-01T00:00:00Z",), "c", "i"))
    assert keyset.decode(token, (SortKey("datetime", descending=True),), ITEMS).id == "i"


def test_a_token_is_safe_in_a_url() -> None:
    token = keyset.encode((), ITEMS, Position(("2020-01-01T00:00:00Z",), "\u00fc/?&#", "\U0001f6f0 %"))
    assert token.replace("-", "").replace("_", "").isalnum()
