"""What a collection's document says of its items, byte for byte but for that, and how that is taken out again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from satapi.stac.extents import Bounds, Kept, made, restored
from satapi.stac.properties import Found

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
EAST = Bounds(1, 2.5, None, None, -3, 4, FIRST, LAST)

GIVEN = (
    b'{"type":"Collection","extent":{"spatial":{"bbox":[[-180.00,-90,180,90],[1,1,2,2]]},'
    b'"temporal":{"interval":[["2019-01-01T00:00:00Z",null]]}},"x":1E2,'
    b'"summaries":{"gsd":[1.0,2],"platform":["z"],"view:off_nadir":[0],"instruments":[["a"]],"own":5},"links":[]}'
)
FOUND = {
    "gsd": Found(frozenset({"number"}), 1, 2),
    "platform": Found(frozenset({"string"}), texts=frozenset({"b", "a"})),
    "view:off_nadir": Found(frozenset({"number"}), 0, 1.5),
    "instruments": Found(frozenset({"array"})),
    "other": Found(frozenset({"integer"}), 1, 2),
}


@pytest.mark.parametrize(
    ("bounds", "box"),
    [
        (Bounds(), None),
        (Bounds(first_time=FIRST, last_time=LAST), None),
        (EAST, (1, -3, 2.5, 4)),
        (Bounds(None, None, -10, -5, 0, 1), (-10, 0, -5, 1)),
        # On both sides of Greenwich, of the antimeridian, of both, and around the world.
        (Bounds(0, 10, -10, 0, 0, 1), (-10, 0, 10, 1)),
        (Bounds(170, 180, -180, -170, 0, 1), (170, 0, -170, 1)),
        (Bounds(177.25, 179.5, -179.75, -178.5, -20, -16), (177.25, -20, -178.5, -16)),
        (Bounds(0, 180, -180, 0, 0, 1), (-180, 0, 180, 1)),
        (Bounds(80, 80, -80, -80, 0, 0), (-80, 0, 80, 0)),
        (Bounds(100, 120, -120, -81, 0, 0), (100, 0, -81, 0)),
        # Nearly around the world.
        (Bounds(1.5, 179.5, -179.5, -2.5, 0, 0), (-179.5, 0, 179.5, 0)),
    ],
)
def test_the_box_is_the_narrower_of_those_over_greenwich_and_the_antimeridian(
    bounds: Bounds, box: tuple[float, ...] | None
) -> None:
    assert bounds.box == box


def test_only_the_first_box_and_interval_and_the_known_summaries_are_made_of_the_items() -> None:
    assert made(GIVEN, Kept(EAST, FOUND)) == (
        b'{"type":"Collection","extent":{"spatial":{"bbox":[[1,-3,2.5,4],[1,1,2,2]]},'
        b'"temporal":{"interval":[["2020-01-01T00:00:00Z","2021-01-01T00:00:00.500000Z"]]}},"x":1E2,'
        b'"summaries":{"gsd":[1.0,2],"platform":["a","b"],"view:off_nadir":{"minimum":0,"maximum":1.5},'
        b'"instruments":[["a"]],"own":5},"links":[]}'
    )


@pytest.mark.parametrize("kept", [Kept(), Kept(Bounds(), {}), Kept(None, {"own": Found()})])
def test_what_is_not_known_stays_as_given(kept: Kept) -> None:
    assert made(GIVEN, kept) == GIVEN


@pytest.mark.parametrize(
    "extent", [b"", b'"extent":5,', b'"extent":{"spatial":[],"temporal":null},', b'"extent":{"spatial":{"bbox":[]}},']
)
def test_an_extent_that_is_missing_or_none_is_made_and_links_stay_last(extent: bytes) -> None:
    given = b'{%b"id":"a","links":[{"rel":"x"}]}' % extent
    document = made(given, Kept(EAST, FOUND))
    assert b'"bbox":[[1,-3,2.5,4]]' in document
    assert document.endswith(b',"links":[{"rel":"x"}]}')
    assert restored(document, document, given) == given
    titled = document.replace(b'"id"', b'"title":"T","id"')
    assert restored(titled, document, given) == given.replace(b'"id"', b'"title":"T","id"')


def test_a_document_that_was_read_changed_and_sent_back_has_what_was_given() -> None:
    kept = Kept(EAST, FOUND)
    served = made(GIVEN, kept)
    assert restored(served, served, GIVEN) == GIVEN
    titled = served.replace(b'"x":1E2', b'"title":"new"')
    assert restored(titled, served, GIVEN) == GIVEN.replace(b'"x":1E2', b'"title":"new"')
    # As another program writes the same numbers.
    rewritten = served.replace(b"[[1,-3,2.5,4],", b"[[1.0, -3.0, 2.50, 4],")
    assert restored(rewritten, served, GIVEN) == GIVEN


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ((b"[[1,-3,2.5,4],[1,1,2,2]]", b"[[1,-3,2.5,4]]"), (b",[1,1,2,2]", b"")),
        ((b"[1,-3,2.5,4]", b"[5,5,6,6]"), (b"[-180.00,-90,180,90]", b"[5,5,6,6]")),
        ((b'["a","b"]', b'["c"]'), (b'["z"]', b'["c"]')),
        ((b'"platform":["a","b"],', b""), (b'"platform":["z"],', b"")),
        ((b'"own":5', b'"own":6'), (b'"own":5', b'"own":6')),
        ((b"[[1,-3,2.5,4],[1,1,2,2]]", b"1e999"), (b"[[-180.00,-90,180,90],[1,1,2,2]]", b"1e999")),
    ],
)
def test_what_a_client_changes_of_it_is_what_it_gives(sent: tuple[bytes, bytes], stored: tuple[bytes, bytes]) -> None:
    served = made(GIVEN, Kept(EAST, FOUND))
    assert sent[0] in served
    assert restored(served.replace(*sent), served, GIVEN) == GIVEN.replace(*stored)
