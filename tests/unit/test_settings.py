"""The settings: read from SATAPI_* variables, and refused by name when they are wrong."""

from __future__ import annotations

import msgspec
import pytest

from satapi.errors import InvalidError
from satapi.settings import Settings, from_environment


def test_without_variables_everything_has_its_default() -> None:
    assert from_environment({"PATH": "/bin", "HOME": "/"}) == Settings()


def test_an_empty_variable_counts_as_unset() -> None:
    assert from_environment({"SATAPI_DSN": "", "SATAPI_LIMIT_MAX": ""}) == Settings()


def test_variables_are_converted_to_the_types_of_their_settings() -> None:
    given = {
        "SATAPI_DSN": "postgresql://db/stac",
        "SATAPI_LIMIT_MAX": "500",
        "SATAPI_STATEMENT_TIMEOUT_S": "2.5",
        "SATAPI_TRUST_FORWARDED": "false",
        "SATAPI_UNKNOWN_PARAMETERS": "ignore",
    }
    assert from_environment(given) == Settings(
        dsn="postgresql://db/stac",
        limit_max=500,
        statement_timeout_s=2.5,
        trust_forwarded=False,
        unknown_parameters="ignore",
    )


def test_a_variable_that_is_no_setting_is_refused() -> None:
    with pytest.raises(InvalidError, match="SATAPI_LIMITS: '5' is not allowed; there is no such setting") as refused:
        from_environment({"SATAPI_LIMITS": "5"})
    assert refused.value.parameter == "SATAPI_LIMITS"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SATAPI_LIMIT_MAX", "0"),
        ("SATAPI_LIMIT_MAX", "many"),
        ("SATAPI_STATEMENT_TIMEOUT_S", "0"),
        ("SATAPI_TRUST_FORWARDED", "perhaps"),
        ("SATAPI_UNKNOWN_PARAMETERS", "guess"),
        ("SATAPI_DB_SCHEMA", "stac; drop schema public"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidError) as refused:
        from_environment({variable: value})
    assert (refused.value.parameter, refused.value.value) == (variable, value)


def test_every_setting_has_a_description() -> None:
    described = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    assert [name for name, schema in described.items() if not schema.get("description", "").endswith(".")] == []


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().limit_max = 1
