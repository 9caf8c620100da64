"""The survey: what documents tell holds for each of them, and what is told once is not news again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from satapi.stac.properties import NAMES_MAX, TEXTS_MAX, Found, merged, read, write
from satapi.stac.survey import news, survey, unheard

NAMES = st.sampled_from(["a", "b", 'quo"ted', "back\\slash", "ü", "d.e"])
TIMES = st.datetimes(timezones=st.timezones()).map(lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["x", "y", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1234567+01:00"]),
    TIMES,
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4).map(lambda value: json.dumps(value).encode()))


@given(DOCUMENTS, DOCUMENTS)
def test_what_two_halves_tell_is_what_the_whole_tells(one: list[bytes], other: list[bytes]) -> None:
    assert merged(survey(one), survey(other)) == survey(one + other)
    assert merged(survey(other), survey(one)) == survey(one + other)


@given(DOCUMENTS)
def test_what_is_known_is_written_and_read(documents: list[bytes]) -> None:
    assert read(write(survey(documents))) == survey(documents)


@given(DOCUMENTS, DOCUMENTS)
def test_a_document_that_tells_more_is_never_passed_over(known: list[bytes], documents: list[bytes]) -> None:
    before = survey(known)
    heard = unheard(write(before), documents)
    for document in documents:
        if merged(before, survey([document])) != before:
            assert document in heard
    assert merged(before, news(write(before), documents) or {}) == merged(before, survey(documents))


def test_documents_that_fit_what_is_known_are_no_news() -> None:
    documents = [
        json.dumps(
            {
                "kind": "ab"[n % 2],
                "name": str(n),
                "share": n / 7,
                "count": n,
                "at": f"2020-01-01T00:{n:02}:00Z",
                "tags": [n],
                "of": {},
                "is": n > 3,
                "none": None,
            }
        ).encode()
        for n in range(TEXTS_MAX + 5)
    ]
    known = survey(documents)
    assert known["kind"] == Found(frozenset({"string"}), texts=frozenset("ab"))
    assert (known["name"].texts, known["name"].first) == (None, None)
    assert (known["count"].kinds, known["count"].least, known["count"].greatest) == ({"integer"}, 0, TEXTS_MAX + 4)
    assert known["at"].first is not None
    assert known["none"].kinds == frozenset()
    assert unheard(write(known), documents) == []
    for change in ({"kind": "c"}, {"share": -1}, {"share": "1"}, {"at": "2019-01-01T00:00:00Z"}, {"new": 1}):
        document = json.dumps(json.loads(documents[0]) | change).encode()
        assert unheard(write(known), [document]) == [document]


def test_names_that_never_end_are_not_all_remembered() -> None:
    known = survey([json.dumps({f"n{number}": 1}).encode() for number in range(NAMES_MAX + 10)])
    assert len(known) == NAMES_MAX
    assert unheard(write(known), [b'{"more":1,"n0":1}']) == []


def test_a_number_that_no_float_can_hold_has_no_bounds() -> None:
    assert survey([b'{"n":1e400}', b'{"n":1}'])["n"] == Found(frozenset({"number"}))
