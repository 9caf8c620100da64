"""Free text as SQL: a condition on the column text of items or collections, which has their words."""

from __future__ import annotations

from typing import assert_never

from satapi.query.sql import Sql, join, sql
from satapi.stac.freetext import And, FreeText, Not, Or, Words


def matches(text: FreeText) -> Sql:
    """The condition that a row has what is asked for; none has it whose `text` is null."""
    return sql("text @@ {}", asked(text))


def asked(text: FreeText) -> Sql:
    """The tree as a tsquery: each term is a parameter."""
    match text:
        case Words(words):
            return sql("text_query({}::text)", words)
        case And(arguments):
            return sql("({})", join(" && ", map(asked, arguments)))
        case Or(arguments):
            return sql("({})", join(" || ", map(asked, arguments)))
        case Not(argument):
            return sql("(!!{})", asked(argument))
        case _:
            assert_never(text)
