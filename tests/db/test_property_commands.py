"""The commands about properties: what they say of them, how they define them, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ran


@pytest.fixture
def run(satapi: Callable[..., Ran], database: str) -> Callable[..., Ran]:
    """The command line on a database with two items."""
    items = [serving.item("a", name, properties={"platform": name, "n": 1}) for name in ("one", "two")]
    serving.store(database, [serving.collection("a")], items)

    def run(*arguments: str) -> Ran:
        return satapi(*arguments, "--dsn", database)

    return run


def shown(run: Callable[..., Ran], *arguments: str) -> dict[str, object]:
    return json.loads(run("queryables", "show", "--json", *arguments).out)


def test_queryables_are_shown(run: Callable[..., Ran]) -> None:
    lines = [line.split() for line in run("queryables", "show").out.splitlines()]
    assert ["platform", "string", "one,", "two", "Platform"] in lines
    assert ["n", "integer", "1", "to", "1"] in lines
    assert shown(run, "--collection", "a")["platform"]["enum"] == ["one", "two"]
    refused = run("queryables", "show", "--collection", "none")
    assert (refused.code, refused.err) == (1, "satapi: There is no collection 'none'\n")


def test_definitions_are_set_loaded_and_unset(run: Callable[..., Ran], tmp_path: Path) -> None:
    done = run("queryables", "set", "quality", "--schema", '{"type": "integer"}')
    assert (done.code, done.out) == (0, "quality is defined\n")
    file = tmp_path / "queryables.json"
    file.write_text(json.dumps({"type": "object", "properties": {"x": {"type": "number"}, "n": {"title": "N"}}}))
    assert run("queryables", "load", str(file), "--collection", "a").out == "2 properties are defined\n"
    found = shown(run, "--collection", "a")
    assert found["quality"] == {"type": "integer"}
    assert found["x"] == {"type": "number"}
    assert found["n"]["title"] == "N"
    assert "x" not in shown(run)
    assert run("queryables", "unset", "quality").out == "quality is no longer defined\n"
    assert "quality" not in shown(run)
    assert run("queryables", "unset", "quality").code == 1


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"type": "object"}', '{"properties": {"x": 1}}'])
def test_files_that_define_nothing_are_refused(run: Callable[..., Ran], tmp_path: Path, text: str) -> None:
    file = tmp_path / "queryables.json"
    file.write_text(text)
    refused = run("queryables", "load", str(file))
    assert refused.code == 1
    assert "allowed is a JSON Schema" in refused.err
    assert run("queryables", "load", str(tmp_path / "none.json")).code == 1


@pytest.mark.parametrize("kind", ['"text"', "[{}]", "[]", "null", "3", "{}", '["string", "String"]'])
def test_definitions_of_a_type_that_is_none_are_refused(run: Callable[..., Ran], kind: str) -> None:
    refused = run("queryables", "set", "n", "--schema", f'{{"type": {kind}}}')
    assert refused.code == 1
    assert "allowed are string, integer," in refused.err
    assert shown(run)["n"]["type"] == "integer"


def test_definitions_may_have_several_types(run: Callable[..., Ran]) -> None:
    assert run("queryables", "set", "n", "--schema", '{"type": ["integer", "null"]}').code == 0
    assert shown(run)["n"]["type"] == ["integer", "null"]


def test_queryables_are_refreshed(run: Callable[..., Ran], database: str) -> None:
    serving.execute(database, "delete from items where id = 'two'")
    assert run("queryables", "refresh").out == "1 items were read\n"
    assert shown(run)["platform"]["enum"] == ["one"]


def test_indexes_are_created_listed_and_dropped(run: Callable[..., Ran]) -> None:
    done = run("index", "create", "platform")
    assert (done.code, done.out, done.err) == (0, "platform has its indexes\n", "")
    done = run("index", "create", "nothing", "--collection", "a")
    assert done.code == 0
    assert "No item that was loaded has the property nothing" in done.err
    listed = json.loads(run("index", "list", "--json").out)
    assert [(row["property"], row["collection"], row["ready"]) for row in listed] == [
        ("nothing", "a", True),
        ("platform", None, True),
    ]
    assert run("index", "list").out.splitlines()[1].split()[2:] == ["ready", "platform", "all", "collections"]
    assert run("index", "drop", "platform").out == "The indexes of platform are dropped\n"
    again = run("index", "drop", "platform")
    assert again.code == 1
    assert "`satapi index list` shows" in again.err
    assert run("index", "create", "datetime").code == 1
