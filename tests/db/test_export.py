"""Exports: what is written is what was given, of one moment, and loads back into the same catalog."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import zstandard

import serving
from satapi.db.pool import connect
from satapi.http.asked import Asked
from satapi.http.requests import search
from satapi.ingest import export
from satapi.ingest.sample import sample_collections, sample_items
from satapi.query.inventory import ITEMS
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import asyncpg

    from conftest import Ran

ODD = "c/ö %41"

# As texts, since a parser would make other numbers of these.
SPAN = 'null,"start_datetime":"2020-01-01T00:00:00Z","end_datetime":"2021-01-01T00:00:00+02:00"'
ODD_ITEMS = [
    f'{{"type":"Feature","id":{json.dumps(name, ensure_ascii=False)},"collection":"{ODD}","geometry":{geometry},'
    f'"extra é":[1.00,1E+30,-0.0,12345678901234567890,0.1],"properties":{{"datetime":{time},"n":1.0,'
    f'"half":"\\ud83d\\ude00","nul":"\\u0000","none":null}},"assets":{{}},'
    f'"links":[{{"rel":"derived_from","href":"./x"}},{{"rel":"self","href":"./y"}}]}}'
    for name, geometry, time in [
        ("日本", "null", '"2024-01-01T00:00:00.123456789Z"'),
        ("a/b c+\\'\"", '{"type":"Point","coordinates":[7.00,51.5e0,1]}', '"0001-01-01T00:00:00Z"'),
        ("\U0001f6f0", '{"type":"Point","coordinates":[7,51]}', SPAN),
    ]
]


@pytest.fixture
def catalog(database: str, satapi: Callable[..., Ran]) -> str:
    """The DSN of a database with sample items, compressed and in a partition of their own, and odd ones."""
    serving.store(database, [*sample_collections(), serving.collection(ODD)], [])
    samples = list(sample_items())
    serving.store(database, [], samples[:400] + samples[-400:])
    serving.store(database, [], [item.encode() for item in ODD_ITEMS])
    pretty = json.dumps(serving.item(ODD, "by SQL"), indent=2)
    serving.execute(
        database,
        "insert into items (collection, id, datetime, properties, content) "  # noqa: S608 - of a test
        f"values ('{ODD}', 'by SQL', '2024-06-01Z', '{{}}', convert_to($json${pretty}$json$, 'utf8'))",
    )
    assert satapi("partitions", "separate", "landsat-8-l1", "--dsn", database).code == 0
    return database


async def read_all(dsn: str) -> dict[tuple[str, str], bytes]:
    """The content of every document of a catalog."""
    connection = await connect(dsn, Settings())
    try:
        async with export.snapshot(connection):
            found = {("", name): line async for name, line in export.collections(connection, None)}
            everything = search(Asked(), ITEMS, Settings())
            async for some in export.items(connection, everything, export.FIRST):
                for line in some:
                    item = json.loads(line)
                    assert found.setdefault((item["collection"], item["id"]), line) is line
            return found
    finally:
        await connection.close()


def contents(dsn: str) -> dict[tuple[str, str], bytes]:
    return asyncio.run(read_all(dsn))


@pytest.mark.parametrize("compress", ["none", "gzip", "zstd"])
def test_a_catalog_that_is_exported_and_loaded_is_the_same_in_every_byte(
    satapi: Callable[..., Ran],
    catalog: str,
    make_database: Callable[[], str],
    tmp_path: Path,
    compress: str,
) -> None:
    folder = str(tmp_path / "backup")
    exported = satapi("export", "all", folder, "--dsn", catalog, "--compress", compress, "--json")
    assert exported.code == 0, exported.err
    report = json.loads(exported.out)
    assert (report["collections"], report["items"]) == (3, 804)
    other = make_database()
    loaded = satapi("load", "all", folder, "--dsn", other)
    assert loaded.code == 0, loaded.err
    given = contents(catalog)
    assert contents(other) == given
    for item in ODD_ITEMS:
        links = '"links":[{"rel":"derived_from","href":"./x"}]}'
        key = json.loads(item)["collection"], json.loads(item)["id"]
        assert given[key].decode() == item[: item.index('"links"')] + links
    assert json.loads(given[ODD, "by SQL"]) == serving.item(ODD, "by SQL")


def ids(path: Path) -> list[tuple[str, str]]:
    items = [json.loads(line) for line in path.read_text().splitlines()]
    return [(item["collection"], item["id"]) for item in items]


def test_an_export_has_the_items_that_a_search_with_its_options_finds(
    satapi: Callable[..., Ran], catalog: str, tmp_path: Path
) -> None:
    def exported(*options: str) -> list[tuple[str, str]]:
        path = tmp_path / "items.ndjson"
        ran = satapi("export", "items", str(path), "--overwrite", "--dsn", catalog, *options)
        assert ran.code == 0, ran.err
        return ids(path)

    everything = exported()
    assert everything == sorted(everything)
    assert len(everything) == 804
    assert exported("--collection", ODD) == [key for key in everything if key[0] == ODD]
    assert len(exported("--collection", ODD, "--collection", "landsat-8-l1")) == 404
    assert exported("--id", "日本", "--id", "nobody") == [(ODD, "日本")]
    assert exported("--bbox", "6.5,50,7.5,52", "--collection", ODD) == [(ODD, "a/b c+\\'\""), (ODD, "\U0001f6f0")]
    # A window meets the span of the item without a datetime.
    assert exported("--datetime", "2020-06-01T00:00:00Z", "--collection", ODD) == [(ODD, "\U0001f6f0")]
    clear = exported("--filter", "eo:cloud_cover < 10")
    assert 0 < len(clear) < 804
    assert set(clear) < set(everything)


def test_what_is_wrong_is_said_before_a_file_is_made(satapi: Callable[..., Ran], catalog: str, tmp_path: Path) -> None:
    path = tmp_path / "items.ndjson"
    for options, said in [
        (("--collection", "nothing"), "There is no collection 'nothing'"),
        (("--bbox", "1,2"), "bbox"),
        (("--filter", "eo:cloud_cover <"), "filter"),
    ]:
        ran = satapi("export", "items", str(path), "--dsn", catalog, *options)
        assert ran.code == 1
        assert said in ran.err
        assert not path.exists()
    path.write_text("mine\n")
    ran = satapi("export", "items", str(path), "--dsn", catalog)
    assert (ran.code, path.read_text()) == (1, "mine\n")
    assert "exists; --overwrite replaces it" in ran.err
    assert satapi("export", "items", "--resume", "--dsn", catalog).code == 2
    assert satapi("export", "items", str(path), "--resume", "--dsn", catalog).code == 1
    ran = satapi("export", "items", str(tmp_path / "no" / "items.ndjson"), "--dsn", catalog)
    assert (ran.code, "cannot be written: No such file" in ran.err) == (1, True)


def packed(text: bytes, suffix: str) -> bytes:
    match suffix:
        case ".gz":
            return gzip.compress(text)
        case ".zst":
            return zstandard.ZstdCompressor().compress(text)
        case _:
            return text


def unpacked(data: bytes, suffix: str) -> bytes:
    match suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        case _:
            return data


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_an_export_that_was_cut_off_anywhere_is_gone_on_with(
    satapi: Callable[..., Ran], catalog: str, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"items.ndjson{suffix}"
    assert satapi("export", "items", str(path), "--dsn", catalog).code == 0
    whole = unpacked(path.read_bytes(), suffix)
    lines = whole.splitlines(keepends=True)
    parts = [packed(b"".join(lines[at : at + 300]), suffix) for at in range(0, 900, 300)]
    file = b"".join(parts)
    edges = len(parts[0]), len(parts[0]) + len(parts[1])
    for size in (0, 1, 100, edges[0] - 1, edges[0], edges[0] + 1, edges[1] - 1, edges[1], len(file) - 1, len(file)):
        path.write_bytes(file[:size])
        ran = satapi("export", "items", str(path), "--resume", "--dsn", catalog, "--json")
        assert ran.code == 0, ran.err
        assert unpacked(path.read_bytes(), suffix) == whole
        if size >= edges[0]:
            # What is there is not written again.
            assert json.loads(ran.out)["items"] <= len(lines) - 300


def test_a_whole_catalog_is_gone_on_with_and_keeps_collections_whose_items_it_has(
    satapi: Callable[..., Ran], catalog: str, tmp_path: Path, make_database: Callable[[], str]
) -> None:
    assert satapi("export", "all", str(tmp_path), "--dsn", catalog, "--compress", "none").code == 0
    items = tmp_path / "items.ndjson"
    items.write_bytes(items.read_bytes()[:-1000])
    serving.execute(
        catalog, "delete from items where collection like 'c/%'", "delete from collections where id like 'c/%'"
    )
    serving.store(catalog, [serving.collection("zz")], [serving.item("zz", "new"), serving.item("zz", "newer")])
    assert satapi("export", "all", str(tmp_path), "--dsn", catalog).code == 1
    gone_on = satapi("export", "all", str(tmp_path), "--resume", "--dsn", catalog)
    assert gone_on.code == 0, gone_on.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["collections.ndjson", "items.ndjson"]
    assert len(ids(items)) == 806
    loaded = satapi("load", "all", str(tmp_path), "--dsn", make_database())
    assert loaded.code == 0, loaded.err


def test_a_folder_that_is_no_export_is_not_loaded(satapi: Callable[..., Ran], database: str, tmp_path: Path) -> None:
    (tmp_path / "collections.ndjson").touch()
    refused = satapi("load", "all", str(tmp_path), "--dsn", database)
    assert refused.code == 1
    assert "has 0 files items.ndjson, .gz or .zst" in refused.err


def test_an_export_to_standard_output_has_nothing_else_on_it(catalog: str) -> None:
    command = [sys.executable, "-m", "satapi", "export", "items", "--collection", ODD, "--dsn", catalog]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
    ran = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert len([json.loads(line) for line in ran.stdout.splitlines()]) == 4
    assert b"4 items" in ran.stderr
    collections = subprocess.run(
        [*command[:4], "collections", "--dsn", catalog], capture_output=True, check=True, env=environment
    )
    assert [json.loads(line)["id"] for line in collections.stdout.splitlines()] == [
        ODD,
        "landsat-8-l1",
        "sentinel-2-l2a",
    ]


async def test_an_export_is_of_one_moment_while_items_and_partitions_change(
    catalog: str, connection: asyncpg.Connection
) -> None:
    before = await read_all(catalog)
    async with export.snapshot(connection):
        found = 0
        async for some in export.items(connection, search(Asked(), ITEMS, Settings()), export.FIRST):
            if not found:
                serving.execute(catalog, "delete from items where collection = 'sentinel-2-l2a'")
                serving.store(catalog, [], [serving.item("landsat-8-l1", "new")])
            found += len(list(some))
        with pytest.raises(Exception, match="lock"):
            serving.execute(catalog, "set lock_timeout = 100; alter table items detach partition items_default")
    assert found == len(before) - 3
    assert len(await read_all(catalog)) == len(before) - 400 + 1
