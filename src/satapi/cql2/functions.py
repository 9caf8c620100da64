"""Functions: what filters may call, one table for the parser's errors, the SQL, the oracle and GET /functions."""

from __future__ import annotations

from typing import Literal

import msgspec

from satapi.errors import InvalidError

Kind = Literal["text", "number", "boolean", "instant", "geometry", "array"]


class Function(msgspec.Struct, frozen=True):
    """A function by its name in lower case (calls may write it in any case); unknown arguments give an unknown."""

    name: str
    description: str
    arguments: tuple[Kind, ...]
    returns: Kind


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("casei", "The text without regard to case (full case folding of Unicode)", ("text",), "text"),
        Function("accenti", "The text without accents (combining marks of Unicode)", ("text",), "text"),
        Function("lower", "The text in lower case", ("text",), "text"),
        Function("upper", "The text in upper case", ("text",), "text"),
        Function("trim", "The text without spaces at its start and end", ("text",), "text"),
        Function("length", "The number of characters of a text", ("text",), "number"),
        Function("abs", "The number without its sign", ("number",), "number"),
        Function("ceil", "The least whole number that is not less", ("number",), "number"),
        Function("floor", "The greatest whole number that is not greater", ("number",), "number"),
        Function("round", "The nearest whole number, of two the one farther from zero", ("number",), "number"),
        Function("year", "The year of a time in UTC", ("instant",), "number"),
        Function("month", "The month of a time in UTC, 1 to 12", ("instant",), "number"),
        Function("day", "The day of the month of a time in UTC, 1 to 31", ("instant",), "number"),
        Function("hour", "The hour of a time in UTC, 0 to 23", ("instant",), "number"),
        Function("area", "The planar area of a geometry, in square degrees", ("geometry",), "number"),
        Function("envelope", "The box around a geometry", ("geometry",), "geometry"),
        Function("size", "The number of elements of an array", ("array",), "number"),
    )
}


def find(name: str, arguments: int, parameter: str) -> Function:
    """The function of a call. Raises InvalidError for one that is not known, or has other arguments."""
    function = FUNCTIONS.get(name.lower())
    if function is None:
        raise InvalidError(parameter, name, f"there is no such function; known are {', '.join(FUNCTIONS)}")
    if len(function.arguments) != arguments:
        raise InvalidError(parameter, name, f"it takes ({', '.join(function.arguments)})")
    return function
