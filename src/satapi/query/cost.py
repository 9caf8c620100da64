"""The cost: which parts of a search are likely to make it slow, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from satapi.query.filters import conjuncts, is_plain, properties
from satapi.query.inventory import is_geometry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from satapi.query.inventory import Inventory
    from satapi.stac.search import Search


class Part(NamedTuple):
    """Something that takes time, and what would make it take less."""

    what: str
    remedy: str


def advice(search: Search, inventory: Inventory) -> str:
    """Which part of a search that took too long is likely to be the costly one, and what would help; a clause."""
    costly = next(_parts(search, inventory))
    return f"the costly part is {costly.what}; {costly.remedy} would help"


def advice_for_collections(search: Search) -> str:
    """The same for a search of collections, of which each is read."""
    asked = [test.property for test in search.tests] + ([] if search.filter is None else [*properties(search.filter)])
    if asked:
        return f"the costly part is what is asked of {_listed(asked)}; a simpler filter would help"
    return "the costly part is the number of collections that it reads; a box, a time or words would help"


def _parts(search: Search, inventory: Inventory) -> Iterator[Part]:
    """What there is to blame, the likeliest first."""
    parts = [] if search.filter is None else [*conjuncts(search.filter)]
    compared = [test.property for test in search.tests]
    compared += [name for part in parts if is_plain(part) for name in properties(part)]
    yield from _without_index("the comparison of", compared, "an area or a time that is smaller", inventory)
    worked_out = [name for part in parts if not is_plain(part) for name in properties(part)]
    if any(not is_geometry(name) for name in worked_out):
        yield Part(f"what the filter makes of {_listed(worked_out)}", "an area or a time that is smaller")
    asked = [*compared, *worked_out]
    ordered = [key.field for key in search.sortby]
    yield from _without_index("the order by", ordered, "fewer items to sort (an area, a time, a collection)", inventory)
    if search.text is not None:
        yield Part("looking for the words of q", "rarer words, an area or a time")
    if search.area is not None and not search.area.world:
        yield Part("the area", "a smaller or simpler one, a time or a collection")
    if asked:
        yield Part(f"the comparison of {_listed(asked)}", "an area, a time or a collection")
    yield Part("the number of items that it asks for", "an area, a time, a collection or a lower limit")


def _without_index(role: str, names: Iterable[str], otherwise: str, inventory: Inventory) -> Iterator[Part]:
    without = [name for name in names if not is_geometry(name) and not inventory.column(name, "sortby").indexed]
    if without:
        yield Part(
            f"{role} {_listed(without)} without an index",
            f"an index (`satapi index create {without[0]}` on the server) or {otherwise}",
        )


def _listed(names: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(names))
