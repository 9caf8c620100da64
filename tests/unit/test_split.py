"""Finding the documents in a stream, however it is cut into chunks."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from satapi.errors import InvalidError
from satapi.ingest.split import Splitter, is_complete

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ['"', "\\", '\\"', "[", "]", "{", "}", "},{"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# Documents that begin alike, as those of a real file do, and documents that do not.
documents = st.lists(
    st.dictionaries(texts, values, max_size=4).map(lambda rest: {"id": "x", **rest})
    | st.dictionaries(texts, values, max_size=4),
    max_size=6,
)
styles = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 1}, {"separators": (" ,", " : "), "indent": 0}])


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def split(data: bytes, size: int = 7) -> list[object]:
    return [json.loads(document.raw) for document in Splitter("file", iter(chunks(data, size))).documents()]


def without_containers(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return [document for document in found if not {"features", "collections"} & document.keys()]


@given(documents, styles, st.integers(1, 60), st.booleans())
@example([{"id": "x", "a": '},{"id"'}, {"id": "x", "b": [{"id": 1}, {"id": 2}]}, {"id": "x"}], {}, 1000, True)  # noqa: FBT003
def test_an_array_gives_its_elements(
    given_documents: list[object],
    style: dict[str, object],
    size: int,
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    data = json.dumps(given_documents, ensure_ascii=ascii_only, **style).encode()
    assert split(data, size) == given_documents


@given(documents, styles, st.integers(1, 60), st.sampled_from(["features", "collections"]), st.integers(0, 2))
def test_a_container_gives_the_documents_in_it_wherever_they_stand(
    given_documents: list[object], style: dict[str, object], size: int, name: str, place: int
) -> None:
    others = [("type", "FeatureCollection"), ("links", [{"rel": "next", "href": ']}\\"'}])]
    container = dict([*others[:place], (name, given_documents), *others[place:]])
    assert split(json.dumps(container, **style).encode(), size) == given_documents


@given(documents.map(without_containers), styles, st.integers(1, 60), st.sampled_from(["", "\n", " \r\n\t"]))
def test_objects_one_after_another_are_documents(
    given_documents: list[object], style: dict[str, object], size: int, between: str
) -> None:
    data = between.join(json.dumps(document, **style) for document in given_documents).encode()
    assert split(data, size) == given_documents


def test_arrays_containers_and_objects_may_follow_one_another() -> None:
    assert split(b'[{"id":1},{"id":2}] {"features":[{"id":3}]}{"id":4}[]') == [{"id": n} for n in (1, 2, 3, 4)]


def test_documents_know_the_line_that_they_begin_in() -> None:
    data = b'{"features":\n[\n{"id":\n1},{"id":2}\n\n,{"id":3}]}\n\n{"id":\n4}'
    found = [(document.line, json.loads(document.raw)["id"]) for document in Splitter("f", iter([data])).documents()]
    assert found == [(3, 1), (4, 2), (6, 3), (8, 4)]


def test_a_document_many_chunks_long_is_found() -> None:
    long = {"id": "x", "text": "]}" * 10_000, "nested": [[{"a": 1}]] * 1000}
    assert split(json.dumps([long, long, {"id": "x"}]).encode(), 1000) == [long, long, {"id": "x"}]


def test_a_wrong_guess_is_not_taken() -> None:
    first = {"id": 1, "links": [{"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}, {"id": 6}]}
    data = json.dumps([first, first, first, {"other": 1}, first]).encode()
    assert split(data, 10_000) == [first, first, first, {"other": 1}, first]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"[", 1, "a value is expected"),
        (b'[{"a":1}', 1, "',' or ']' is expected"),
        (b'[{"a":1},', 1, "a value is expected"),
        (b'[{"a":1}\n{"a":2}]', 2, "',' or ']' is expected"),
        (b'[\n{"a":"\n', 2, "ends before what begins here"),
        (b'{"features": [\n{"a": [1, 2}', 2, "',' or ']' is expected|ends before"),
        (b'{"features": [],\n', 2, "a name is expected"),
        (b'{"features" [', 1, "':' is expected"),
        (b'{"a": 1 "b": 2}', 1, "',' or '}' is expected"),
        (b'{"a": 1', 1, "',' or '}' is expected"),
        (b'{"a": "', 1, "a value is expected"),
        (b"{a: 1}", 1, "a name is expected"),
        (b'[] \n "text"', 2, "an object or an array is expected"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_where_a_stream_breaks_is_told(data: bytes, line: int, reason: str, size: int) -> None:
    with pytest.raises(InvalidError, match=reason) as raised:
        list(Splitter("file", iter(chunks(data, size))).documents())
    assert raised.value.parameter == f"file line {line}"


def test_what_comes_before_the_break_is_yielded() -> None:
    found = Splitter("file", iter([b'[{"id": 1}, {"id": 2}, {"id"']))
    yielded = found.documents()
    assert [next(yielded).raw, next(yielded).raw] == [b'{"id": 1}', b'{"id": 2}']
    with pytest.raises(InvalidError):
        next(yielded)


@given(st.lists(st.sampled_from([b"", b" ", b"a", b'{"id": 1}', b"x" * 50]), max_size=8), st.integers(1, 20))
def test_lines_are_numbered_and_blank_ones_left_out(lines: list[bytes], size: int) -> None:
    found = [(document.line, document.raw) for document in Splitter("f", iter(chunks(b"\n".join(lines), size))).lines()]
    assert found == [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


@pytest.mark.parametrize("raw", [b"{}", b"[1]", b"1", b' {"a": [{}]} '])
def test_a_whole_value_is_complete(raw: bytes) -> None:
    assert is_complete(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": 1}}', b"{} {}", b'{"a"}', b"[" * 100_000 + b"]" * 100_000])
def test_a_part_of_a_value_is_not_complete(raw: bytes) -> None:
    assert not is_complete(raw)
