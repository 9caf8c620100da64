"""Make real-shaped items in any number: templates with varied ids, times, footprints and cloud cover, as NDJSON."""

from __future__ import annotations

import argparse
import math
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import orjson

from cluster import work_folder
from templates import CODE_FORMS, WEIGHTS, Template, cut, make_collection, source_items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS_DEFAULT = 200_000
SEED = 20_240_417
FIRST_TIME = datetime(2019, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2025, 1, 1, tzinfo=UTC)
LINES_A_WRITE = 500
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOOTPRINT_WIDTH_MAX_DEG = 6.0

# Boxes that are mostly land, clear of poles and antimeridian: west, south, east, north.
LAND = (
    (-125, 32, -80, 58),
    (-110, 18, -92, 32),
    (-78, -15, -40, 4),
    (-70, -40, -58, -15),
    (-10, 36, 40, 60),
    (-12, 8, 38, 32),
    (12, -30, 38, 8),
    (40, 18, 60, 38),
    (45, 38, 130, 65),
    (70, 12, 85, 38),
    (96, 18, 120, 38),
    (115, -34, 150, -18),
)


class Files(NamedTuple):
    """The files of one data set."""

    collections: Path
    items: Path
    count: int


class Serials:
    """Numbers the items of each collection, so that their codes are distinct."""

    def __init__(self) -> None:
        self._next = dict.fromkeys(WEIGHTS, 0)

    def next(self, collection: str) -> int:
        """The number of the collection's next item."""
        self._next[collection] += 1
        return self._next[collection]


def make_files(count: int = ITEMS_DEFAULT) -> Files:
    """Make the files of `count` items, unless they were made before."""
    folder = work_folder()
    files = Files(folder / "collections.ndjson", folder / f"items-{count}.ndjson", count)
    sources = source_items()
    collections = [make_collection(collection, sources) for collection in WEIGHTS]
    files.collections.write_bytes(b"".join(orjson.dumps(collection) + b"\n" for collection in collections))
    if files.items.exists():
        return files
    unfinished = files.items.with_suffix(".part")
    with unfinished.open("wb") as output:
        lines = []
        for line in make_items(count):
            lines.append(line)
            if len(lines) == LINES_A_WRITE:
                output.write(b"\n".join(lines) + b"\n")
                lines.clear()
        output.write(b"".join(line + b"\n" for line in lines))
    unfinished.rename(files.items)
    return files


def changed(files: Files) -> Path:
    """A file of the same items, each with a property more."""
    file = files.items.with_name(f"{files.items.stem}-changed.ndjson")
    if not file.exists():
        unfinished = file.with_suffix(".part")
        with files.items.open("rb") as lines, unfinished.open("wb") as output:
            member = b'"properties":{'
            output.writelines(line.replace(member, member + b'"bench:revision":2,', 1) for line in lines)
        unfinished.rename(file)
    return file


def make_items(count: int) -> Iterator[bytes]:
    """Items as compact JSON, the same for the same count."""
    chance = random.Random(SEED)
    templates = [cut(item) for item in source_items()]
    of_collection = {name: [one for one in templates if one.collection == name] for name in WEIGHTS}
    chosen = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    boxes = chance.choices(LAND, [_area(*box) for box in LAND], k=count)
    serials = Serials()
    for collection, box in zip(chosen, boxes, strict=True):
        template = chance.choice(of_collection[collection])
        yield template.filled(_parts(chance, template, box, serials.next(collection)))


def _area(west: float, south: float, east: float, north: float) -> float:
    return (east - west) * (math.sin(math.radians(north)) - math.sin(math.radians(south)))


def _parts(chance: random.Random, template: Template, box: tuple[int, ...], serial: int) -> dict[str, bytes]:
    moment = _moment(chance, template.collection)
    code = _code(serial, template.collection)
    west, south, east, north = box
    rings, bbox = _moved(template, chance.uniform(west, east), chance.uniform(south, north))
    around = timedelta(seconds=6)
    texts = {
        "datetime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "start_datetime": (moment - around).isoformat(sep=" ", timespec="microseconds"),
        "end_datetime": (moment + around).isoformat(sep=" ", timespec="microseconds"),
        "eo:cloud_cover": str(round(100 * chance.random() ** 1.5, 4)),
        "date": moment.strftime("%Y%m%d"),
        "date/": moment.strftime("%Y/%m/%d"),
    } | {name: form(code) for name, form in CODE_FORMS.items()}
    parts = {name: text.encode() for name, text in texts.items()}
    return parts | {"geometry": orjson.dumps({"type": "Polygon", "coordinates": rings}), "bbox": orjson.dumps(bbox)}


def _moment(chance: random.Random, collection: str) -> datetime:
    seconds = chance.uniform(0, (LAST_TIME - FIRST_TIME).total_seconds())
    moment = FIRST_TIME + timedelta(seconds=seconds)
    if collection == "naip":
        # As in the real archive: a day's photographs bear one time, so there are ties.
        return moment.replace(hour=16, minute=0, second=0, microsecond=0)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _code(serial: int, collection: str) -> str:
    if collection == "sentinel-2-l2a":
        return "".join(ALPHABET[serial // 36**power % 36] for power in (4, 3, 2, 1, 0))
    return f"{serial:07d}" if collection == "naip" else f"{serial:06d}"


def _moved(template: Template, x: float, y: float) -> tuple[list[list[list[float]]], list[float]]:
    """The rings and bbox with their centre at (x, y) degrees, as wide in kilometres as they were."""
    west, south, east, north = template.bbox
    centre_x, centre_y = (west + east) / 2, (south + north) / 2
    stretch = math.cos(math.radians(centre_y)) / math.cos(math.radians(y))
    stretch = min(stretch, FOOTPRINT_WIDTH_MAX_DEG / (east - west))
    rings = [
        [[round(x + (lon - centre_x) * stretch, 7), round(y + lat - centre_y, 7)] for lon, lat in ring]
        for ring in template.rings
    ]
    half_width, half_height = (east - west) / 2 * stretch, (north - south) / 2
    bbox = [x - half_width, y - half_height, x + half_width, y + half_height]
    return rings, [round(number, 7) for number in bbox]


def main() -> None:
    """Make the files and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS_DEFAULT, help="how many items (default: %(default)s)")
    began = time.perf_counter()
    files = make_files(parser.parse_args().items)
    size = files.items.stat().st_size
    print(f"{files.items}: {files.count:,} items, {size / 1e6:,.0f} MB, {size / files.count:,.0f} bytes an item")
    print(f"{files.collections}: {len(WEIGHTS)} collections ({time.perf_counter() - began:.1f} s)")


if __name__ == "__main__":
    main()
