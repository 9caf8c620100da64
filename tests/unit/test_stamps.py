"""Times of documents: nothing else of them changes, and what has not changed is told from what has."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from satapi.ingest.prepare import CollectionRow, Row, prepare_collection, prepare_item
from satapi.ingest.stamps import stamped_collection, stamped_item

Json = dict[str, object]
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.none() | st.integers() | names | st.lists(st.integers(), max_size=3)
instants = st.sampled_from(["2020-01-01T00:00:00Z", "2021-01-01T00:00:00.5Z", "soon", None, 3])
times = st.dictionaries(st.sampled_from(["created", "updated"]), instants)
own = st.dictionaries(names, values, max_size=4)


@st.composite
def mixed(draw: st.DrawFn) -> Json:
    """Members with or without times, in any order."""
    members = {**draw(own), **draw(times)}
    return {name: members[name] for name in draw(st.permutations(sorted(members)))}


def item(properties: Json) -> Row:
    given = {"type": "Feature", "id": "i", "collection": "c", "geometry": None, "assets": {}}
    document = {**given, "properties": {**properties, "datetime": "2020-01-01T00:00:00Z"}, "links": []}
    return prepare_item(json.dumps(document).encode())


def collection(members: Json) -> CollectionRow:
    return prepare_collection(json.dumps({**members, "type": "Collection", "id": "c", "links": []}).encode())


def without_times(content: bytes) -> Json:
    document = json.loads(content)
    for held in (document, document.get("properties")):
        if isinstance(held, dict):
            held.pop("created", None)
            held.pop("updated", None)
    return document


@given(mixed(), mixed())
def test_a_stamped_item_differs_in_its_times_alone_and_is_as_prepared(before: Json, after: Json) -> None:
    stored = stamped_item(item(before), None)
    row = stamped_item(item(after), stored.content)
    assert without_times(row.content) == without_times(item(after).content)
    assert row == prepare_item(row.content)
    assert (row.content == stored.content) == (
        item({name: value for name, value in after.items() if name not in {"created", "updated"}}).content
        == item({name: value for name, value in before.items() if name not in {"created", "updated"}}).content
        and list(json.loads(row.content)["properties"]) == list(json.loads(stored.content)["properties"])
    )


@given(mixed())
def test_an_item_that_is_stored_again_is_what_is_stored(properties: Json) -> None:
    stored = stamped_item(item(properties), None)
    assert stamped_item(item(properties), stored.content) == stored
    assert stamped_item(stored, stored.content) == stored
    unstamped = item(properties)
    assert stamped_item(unstamped, unstamped.content) == unstamped


@given(mixed())
def test_a_collection_that_is_stored_again_is_what_is_stored(members: Json) -> None:
    stored = stamped_collection(collection(members), None)
    assert without_times(stored.content) == without_times(collection(members).content)
    assert stored.content.endswith(b'"links":[]}')
    assert stamped_collection(collection(members), stored.content) == stored
    unstamped = collection(members)
    assert stamped_collection(unstamped, unstamped.content) == unstamped
