"""Items are exported as stac-geoparquet and loaded again, by the commands."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

import serving
from satapi.ingest import extra
from satapi.ingest.parquet_items import read
from satapi.ingest.sample import sample_collections, sample_items

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ran


SATAPI = (sys.executable, "-m", "satapi")


@pytest.fixture
def catalog(database: str) -> str:
    """The DSN of a catalog with sample items."""
    serving.store(database, sample_collections(), [raw for at, raw in enumerate(sample_items()) if at % 10 == 0])
    return database


@pytest.fixture
def other(make_database: Callable[[], str]) -> str:
    """The DSN of a catalog with the collections alone."""
    dsn = make_database()
    serving.store(dsn, sample_collections())
    return dsn


def lines(satapi: Callable[..., Ran], dsn: str, path: Path) -> list[dict[str, object]]:
    assert satapi("export", "items", str(path), "--overwrite", "--dsn", dsn).code == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_items_that_are_exported_and_loaded_are_equal(
    satapi: Callable[..., Ran], catalog: str, other: str, tmp_path: Path
) -> None:
    file = tmp_path / "items.parquet"
    exported = satapi("export", "items", str(file), "--json", "--dsn", catalog)
    assert (exported.code, json.loads(exported.out)["items"]) == (0, 200)
    assert json.loads(exported.out)["bytes"] == file.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["items.parquet"]
    # It is found in its folder.
    loaded = satapi("load", "items", str(tmp_path), "--json", "--dsn", other)
    assert (loaded.code, json.loads(loaded.out)["inserted"]) == (0, 200)
    items = lines(satapi, other, tmp_path / "other.ndjson")
    assert len(items) == 200
    assert items == lines(satapi, catalog, tmp_path / "items.ndjson")


def test_a_part_of_the_items_goes_through_a_pipe(catalog: str) -> None:
    ran = subprocess.run(
        [*SATAPI, "export", "items", "--format", "parquet", "--collection", "landsat-8-l1", "--dsn", catalog],
        capture_output=True,
        check=True,
    )
    items = list(read("-", io.BytesIO(ran.stdout)))
    assert len(items) == 100
    piped = subprocess.run(
        [*SATAPI, "load", "items", "-", "--dsn", catalog], input=ran.stdout, capture_output=True, check=True
    )
    assert b"100 items" in piped.stdout


def test_a_file_that_exists_is_left_alone(satapi: Callable[..., Ran], catalog: str, tmp_path: Path) -> None:
    file = tmp_path / "items.parquet"
    file.write_text("mine")
    refused = satapi("export", "items", str(file), "--dsn", catalog)
    assert (refused.code, refused.err) == (1, f"satapi: {file} exists; --overwrite replaces it\n")
    assert file.read_text() == "mine"
    assert satapi("export", "items", str(file), "--resume", "--dsn", catalog).code == 2
    assert satapi("export", "items", str(file), "--overwrite", "--id", "none", "--dsn", catalog).code == 0
    assert pq.ParquetFile(file).metadata.num_rows == 0
    assert satapi("load", "items", str(file), "--dsn", catalog).code == 0


def test_nulls_that_columns_cannot_tell_are_named(satapi: Callable[..., Ran], database: str, tmp_path: Path) -> None:
    items = [serving.item("c", "1", properties={"a": None}), serving.item("c", "2")]
    serving.store(database, [serving.collection("c")], items)
    ran = satapi("export", "items", str(tmp_path / "items.parquet"), "--dsn", database)
    assert "Nulls of members that other items lack are left out, as Parquet has it: properties.a" in ran.err


def test_a_broken_file_is_told_with_its_name(satapi: Callable[..., Ran], catalog: str, tmp_path: Path) -> None:
    (tmp_path / "items.parquet").write_bytes(b"PAR1 and no more")
    ran = satapi("load", "items", str(tmp_path / "items.parquet"), "--dsn", catalog)
    assert ran.code == 1
    assert "items.parquet: 'Parquet' is not allowed; it cannot be read as stac-geoparquet" in ran.err


def test_without_the_extra_it_is_said_what_to_install(
    satapi: Callable[..., Ran], catalog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "items.parquet"
    satapi("export", "items", str(file), "--dsn", catalog)
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    for arguments in (("export", "items", "--format", "parquet"), ("load", "items", str(file))):
        ran = satapi(*arguments, "--dsn", catalog)
        assert ran.code == 1
        assert "pip install 'sat-api-pg[parquet]'" in ran.err
