"""Free text as SQL: a condition on the column words of items or collections."""

from __future__ import annotations

from typing import assert_never

from satapi.query.sql import Sql, join, sql
from satapi.stac.freetext import And, FreeText, Not, Or, Words, required


def matches(text: FreeText) -> Sql:
    """The condition that a row has what is asked for; none has it whose `words` are null."""
    return sql("words @@ {}", asked(text))


def are_rare(text: FreeText, up_to: float) -> Sql:
    """Whether so few items have what must be there that they are read by the index on words: see plan.py."""
    must = required(text)
    if must is None:
        raise ValueError("nothing must be there")
    return sql("words_are_rare({}, {}::double precision)", asked(must), float(up_to))


def asked(text: FreeText) -> Sql:
    """The tree as a tsquery: the words of each term are a parameter."""
    match text:
        case Words(words):
            return sql("words_query({}::text[])", list(words))
        case And(arguments):
            return sql("({})", join(" && ", map(asked, arguments)))
        case Or(arguments):
            return sql("({})", join(" || ", map(asked, arguments)))
        case Not(argument):
            return sql("(!!{})", asked(argument))
        case _:
            assert_never(text)
