"""`satapi load --validate`, and loads where the times of documents are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ran

ONE = "https://example.com/one/v1.0.0/schema.json"
OLD = "2020-01-01T00:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files as an export has them: two collections and four items, one and two of which are no STAC."""
    collections = [serving.collection("c"), serving.collection("d", license="a b")]
    items = [
        serving.item("c", "i0"),
        serving.item("c", "i1", properties={"gsd": -1}, assets={"x": {}}),
        serving.item("c", "i2", properties={"updated": OLD}),
        serving.item("c", "i3", stac_version="1.0.0", links=[{"rel": "via"}]),
    ]
    (tmp_path / "collections.ndjson").write_text("".join(json.dumps(each) + "\n" for each in collections))
    (tmp_path / "items.ndjson").write_text("".join(json.dumps(each) + "\n" for each in items))
    return tmp_path


def test_a_load_checks_where_it_is_told_to(satapi: Callable[..., Ran], database: str, folder: Path) -> None:
    collections, items = str(folder / "collections.ndjson"), str(folder / "items.ndjson")
    stopped = satapi("load", "collections", collections, "--validate", "--dsn", database)
    assert stopped.code == 1
    assert "collections.ndjson line 2, 'd': license: 'a b' is not allowed; it must match the pattern" in stopped.err
    assert satapi("load", "collections", collections, "--dsn", database).code == 0
    skipped = satapi("load", "items", items, "--validate", "--on-error", "skip", "--json", "--dsn", database)
    assert skipped.code == 3
    assert [json.loads(skipped.out)[name] for name in ("read", "inserted", "bad")] == [4, 2, 2]
    assert "items.ndjson line 2, 'i1': " in skipped.err
    assert "properties.gsd: '-1' is not allowed; it must be more than 0" in skipped.err
    assert "assets.x.href: it is required" in skipped.err
    assert "items.ndjson line 4, 'i3': links[0].href: it is required" in skipped.err
    loaded = satapi("load", "items", items, "--json", "--dsn", database)
    assert [json.loads(loaded.out)[name] for name in ("inserted", "unchanged")] == [2, 2]


def test_a_backup_is_checked_where_it_is_told_to(satapi: Callable[..., Ran], database: str, folder: Path) -> None:
    ran = satapi("load", "all", str(folder), "--validate", "--on-error", "skip", "--json", "--dsn", database)
    assert ran.code == 3
    reports = json.loads(ran.out)
    assert (reports["collections"]["bad"], reports["items"]["bad"]) == (1, 2)


def test_a_load_checks_extensions_by_the_schemas_of_the_operator(
    satapi: Callable[..., Ran], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.store(database, [serving.collection("c")])
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "one.json").write_text(json.dumps({"$id": ONE, "required": ["one"]}))
    file = tmp_path / "item.json"
    file.write_text(json.dumps(serving.item("c", "i", stac_extensions=[ONE, ONE + "2"])))
    monkeypatch.setenv("SATAPI_SCHEMAS", str(schemas))
    monkeypatch.setenv("SATAPI_VALIDATE", "off")
    load = ("load", "items", str(file), "--validate", "--dsn", database)
    assert "'i': one: it is required" in satapi(*load).err
    monkeypatch.setenv("SATAPI_VALIDATE", "strict")
    assert "there is no schema of this extension here" in satapi(*load).err
    (schemas / "one.json").write_text("{")
    failed = satapi(*load)
    assert (failed.code, failed.err.startswith(f"satapi: SATAPI_SCHEMAS: '{schemas / 'one.json'}'")) == (1, True)
    monkeypatch.setenv("SATAPI_WRITES", "open")
    unstarted = satapi("serve", "--port", "0", "--dsn", database)
    assert (unstarted.code, unstarted.err.startswith("satapi: SATAPI_SCHEMAS: ")) == (1, True)


def test_loads_keep_times_where_the_operator_wants_it_and_bring_backups_back_as_they_were(
    satapi: Callable[..., Ran], database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collections, items = str(folder / "collections.ndjson"), str(folder / "items.ndjson")
    monkeypatch.setenv("SATAPI_TIMESTAMPS", "maintain")
    assert satapi("load", "collections", collections, "--dsn", database).code == 0
    assert satapi("load", "items", items, "--dsn", database).code == 0

    def exported(name: str) -> tuple[str, str]:
        target = folder / name
        assert satapi("export", "all", str(target), "--compress", "none", "--dsn", database).code == 0
        return (target / "collections.ndjson").read_text(), (target / "items.ndjson").read_text()

    kept = exported("kept")
    times = [json.loads(line)["properties"] for line in kept[1].splitlines()]
    assert all(each["created"] > OLD and each["updated"] > OLD for each in times)
    assert all(json.loads(line)["created"] > OLD for line in kept[0].splitlines())
    again = satapi("load", "items", items, "--json", "--dsn", database)
    assert json.loads(again.out)["unchanged"] == 4
    again = satapi("load", "collections", collections, "--json", "--dsn", database)
    assert json.loads(again.out)["unchanged"] == 2
    serving.execute(database, "delete from items", "delete from collections")
    assert satapi("load", "all", str(folder / "kept"), "--dsn", database).code == 0
    assert exported("again") == kept
