"""Free text: from q to a tree, and what is wrong with a text that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satapi.errors import InvalidError, TooLargeError
from satapi.query.freetext import matches
from satapi.stac.freetext import And, FreeText, Limits, Not, Or, Words, parse
from satapi.stac.words import words

LIMITS = Limits(characters=200, terms=10, nesting=3)


def term(text: str) -> Words:
    return Words(tuple(text.split()))


def some(*terms: str) -> FreeText:
    return Or(tuple(map(term, terms)))


A, B, C = map(term, "abc")

TEXTS: dict[str, FreeText | None] = {
    # The examples of the extension.
    "sentinel": term("sentinel"),
    '"climate model"': term("climate model"),
    "climate model": some("climate", "model"),
    "climate OR model": some("climate", "model"),
    "climate AND model": And((term("climate"), term("model"))),
    "(quick OR brown) AND fox": And((some("quick", "brown"), term("fox"))),
    "quick +brown -fox": And((term("brown"), Not(term("fox")))),
    "EO,Earth Observation": some("eo", "earth observation"),
    # Precedence: AND, words side by side, OR, commas.
    "a b AND c": Or((A, And((B, C)))),
    "a AND b c": Or((And((A, B)), C)),
    "a OR b AND c": Or((A, And((B, C)))),
    "a b OR c": Or((some("a", "b"), C)),
    "a OR -b": Or((A, Not(B))),
    "a -b": And((A, Not(B))),
    "a AND -b": And((A, Not(B))),
    "-a AND b c": Or((And((Not(A), B)), C)),
    "-a": Not(A),
    "-a -b": And((Not(A), Not(B))),
    "+a +b c": And((A, B)),
    '-"a b"': Not(term("a b")),
    "-(a b)": Not(some("a", "b")),
    "+(a b) -c": And((some("a", "b"), Not(C))),
    # Lists of terms, of which those with no operator are words side by side.
    "a b, c": some("a b", "c"),
    "a,,b,": some("a", "b"),
    "a b,": term("a b"),
    "a AND b, c": Or((And((A, B)), C)),
    "(a b, c) AND b": And((some("a b", "c"), B)),
    '"a, b" c': some("a b", "c"),
    # What separates words inside of them is theirs; outside it is nothing.
    "Sentinel-2a LANDSAT+8": some("sentinel 2a", "landsat 8"),
    "a & - b": some("a", "b"),
    "-_ a": A,
    "CO₂ -²": And((term("co2"), Not(term("2")))),
    "and or not": some("and", "or", "not"),
    "Côte d'Ivoire": some("cote", "d ivoire"),
    "a\0b": some("a", "b"),
    '"a\0b"': term("a b"),
    "日本 Ω": some("日本", "ω"),
    "": None,
    " , ": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_parsed_as_its_operators_bind(text: str) -> None:
    assert parse(text, LIMITS) == TEXTS[text]


@pytest.mark.parametrize(
    ("terms", "tree"),
    [
        (["EO", "Earth Observation"], some("eo", "earth observation")),
        (["-a OR (b"], term("a or b")),
        (["a", "", "-"], A),
        ([], None),
        ([""], None),
    ],
)
def test_a_list_is_of_terms_by_the_letter(terms: list[str], tree: FreeText | None) -> None:
    assert parse(terms, LIMITS) == tree


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        ("&", "the end of the text", "at character 2, expected was a word, a phrase in double quotes, or a"),
        ("a AND", "the end of the text", "at character 6, expected was a word"),
        ("AND a", "AND", "at character 1, expected was a word"),
        ("a OR OR b", "OR", "at character 6, expected was a word"),
        ("a AND, b", ",", "at character 6, expected was a word"),
        ("a ()", ")", "at character 4, expected was a word"),
        ("(a b", "(", "at character 1, expected was a closing parenthesis"),
        ("a) b", ")", "at character 2, expected was an opening parenthesis before it"),
        ('a "b c', '"b c', 'at character 3, expected was a quote (")'),
        ('a ""', "", "at character 3, expected was a word"),
    ],
)
def test_an_error_gives_the_place_and_what_was_found_and_expected(text: str, found: str, place: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse(text, LIMITS)
    assert (raised.value.parameter, raised.value.value) == ("q", found)
    assert raised.value.allowed.startswith(place)


def test_a_list_without_a_word_is_an_error() -> None:
    with pytest.raises(InvalidError, match="a letter or a digit"):
        parse(["-", "?"], LIMITS)


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ("a" * 201, "at most 200 characters"),
        (["a" * 100, "a" * 101], "at most 200"),
        ("a " * 11, "at most 10 words and phrases"),
        (["a"] * 11, "at most 10 words and phrases"),
        ("((((a))))", "at most 3 levels"),
    ],
)
def test_a_text_over_a_limit_is_refused(given: str | list[str], limit: str) -> None:
    with pytest.raises(TooLargeError, match=limit.partition(" characters")[0]):
        parse(given, LIMITS)


def test_any_nesting_is_refused_and_not_run_into() -> None:
    with pytest.raises(TooLargeError):
        parse("(" * 50_000 + "a" + ")" * 50_000, Limits(characters=1_000_000, terms=10, nesting=1_000_000))


@given(st.text('aB2é "(),+-&\0\tANDOR日'))
def test_every_text_has_a_tree_of_searchable_terms_or_an_error(text: str) -> None:
    try:
        tree = parse(text, LIMITS)
    except InvalidError:
        return
    assert tree is None or all(term and words(" ".join(term)) == list(term) for term in _terms(tree))


def _terms(tree: FreeText) -> list[tuple[str, ...]]:
    match tree:
        case Words(term):
            return [term]
        case Not(argument):
            return _terms(argument)
        case And(arguments) | Or(arguments):
            return [word for argument in arguments for word in _terms(argument)]


def test_the_statement_has_terms_as_parameters_alone() -> None:
    tree = parse('(a OR "\'; drop table items") -c', LIMITS)
    assert tree is not None
    text, values = matches(tree).render()
    assert text == "words @@ ((words_query($1::text[]) || words_query($2::text[])) && (!!words_query($3::text[])))"
    assert values == [["a"], ["drop", "table", "items"], ["c"]]
