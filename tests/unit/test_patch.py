"""Patches of JSON: merge patches as RFC 7396 has them, and JSON patches as RFC 6902."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satapi.errors import ConflictError, InvalidError, TooLargeError
from satapi.stac.patch import merged, operations, patched


def apply(document: bytes, change: object) -> bytes:
    body = change if isinstance(change, bytes) else json.dumps(change).encode()
    return patched(document, operations(body, 100), 10_000)


@pytest.mark.parametrize(
    ("document", "change", "expected"),
    [
        (b'{"a":"b"}', b'{"a":"c"}', b'{"a":"c"}'),
        (b'{"a":"b"}', b'{"b":"c"}', b'{"a":"b","b":"c"}'),
        (b'{"a":"b","b":1}', b'{"a":null}', b'{"b":1}'),
        (b'{"a":["b"]}', b'{"a":"c"}', b'{"a":"c"}'),
        (b'{"a":"c"}', b'{"a":["b"]}', b'{"a":["b"]}'),
        (b'{"a":{"b":"c"}}', b'{"a":{"b":"d","c":null}}', b'{"a":{"b":"d"}}'),
        (b'{"a":[{"b":"c"}]}', b'{"a":[1]}', b'{"a":[1]}'),
        (b"[1,2]", b'{"a":"b","c":null}', b'{"a":"b"}'),
        (b'{"e":null}', b'{"a":1}', b'{"e":null,"a":1}'),
        (b"{}", b'{"a":{"bb":{"ccc":null}}}', b'{"a":{"bb":{}}}'),
        (b'{"a":"foo"}', b"null", b"null"),
        (b'{"a":1.50,"b":{"c":1e5,"d":-0}}', b'{"b":{"c":2.0}}', b'{"a":1.50,"b":{"c":2.0,"d":-0}}'),
    ],
)
def test_a_merge_patch_sets_and_removes_what_it_names(document: bytes, change: bytes, expected: bytes) -> None:
    assert merged(document, change) == expected


@pytest.mark.parametrize(
    ("document", "change", "expected"),
    [
        (b'{"x":"y"}', [{"op": "add", "path": "/z", "value": 1}], b'{"x":"y","z":1}'),
        (b'{"x":[1,3]}', [{"op": "add", "path": "/x/1", "value": 2}], b'{"x":[1,2,3]}'),
        (b'{"x":[1]}', [{"op": "add", "path": "/x/-", "value": [2]}], b'{"x":[1,[2]]}'),
        (b'{"x":[1]}', [{"op": "add", "path": "/x/1", "value": 2}], b'{"x":[1,2]}'),
        (b'{"x":1,"y":2}', [{"op": "remove", "path": "/y"}], b'{"x":1}'),
        (b'{"x":[1,2,3]}', [{"op": "remove", "path": "/x/1"}], b'{"x":[1,3]}'),
        (b'{"x":1,"y":2}', [{"op": "replace", "path": "/x", "value": None}], b'{"x":null,"y":2}'),
        (
            b'{"p":{"a":1,"b":2},"q":{}}',
            [{"op": "move", "from": "/p/b", "path": "/q/c"}],
            b'{"p":{"a":1},"q":{"c":2}}',
        ),
        (b'{"x":["a","b","c"]}', [{"op": "move", "from": "/x/0", "path": "/x/2"}], b'{"x":["b","c","a"]}'),
        (b'{"x":{"y":1}}', [{"op": "copy", "from": "/x", "path": "/z"}], b'{"x":{"y":1},"z":{"y":1}}'),
        (b'{"x":1}', [{"op": "add", "path": "", "value": [1]}], b"[1]"),
        (b'{"~1":1,"/":2}', [{"op": "remove", "path": "/~01"}, {"op": "remove", "path": "/~1"}], b"{}"),
        (b'{"":{"":1}}', [{"op": "replace", "path": "//", "value": 2}], b'{"":{"":2}}'),
        (b'{"x":1}', [{"op": "add", "path": "/y", "value": 1, "unknown": 2}], b'{"x":1,"y":1}'),
        (b'{"a":1.50,"b":[1E2,-0]}', b'[{"op":"add","path":"/b/0","value":0.10}]', b'{"a":1.50,"b":[0.10,1E2,-0]}'),
    ],
)
def test_a_json_patch_does_its_operations_in_order(document: bytes, change: object, expected: bytes) -> None:
    assert apply(document, change) == expected


@pytest.mark.parametrize(
    ("here", "value", "equal"),
    [
        (b"1", b"1.0", True),
        (b"10", b"1e1", True),
        (b"0.1", b"0.10", True),
        (b"1e400", b"1e401", False),
        (b"1", b"true", False),
        (b"0", b"false", False),
        (b"null", b"false", False),
        (b'"10"', b"10", False),
        (b'{"a":1,"b":[2]}', b'{"b":[2.0],"a":1}', True),
        (b'{"a":1}', b'{"a":1,"b":null}', False),
        (b"[1,2]", b"[2,1]", False),
        (b"[1]", b"[1,1]", False),
        (b'"\\u00e9"', '"é"'.encode(), True),
    ],
)
def test_values_are_tested_as_json_and_not_as_text(here: bytes, value: bytes, equal: bool) -> None:  # noqa: FBT001
    document = b'{"x":%b}' % here
    change = b'[{"op":"test","path":"/x","value":%b}]' % value
    if equal:
        assert apply(document, change) == document
    else:
        with pytest.raises(ConflictError, match="test /x"):
            apply(document, change)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/number/x", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "remove", "path": "/list/2"},
        {"op": "remove", "path": "/list/-"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "move", "from": "/object", "path": "/object/below"},
        {"op": "move", "from": "/none", "path": "/x"},
        {"op": "copy", "from": "/list/9", "path": "/x"},
        {"op": "test", "path": "/none", "value": None},
    ],
)
def test_an_operation_that_cannot_be_done_is_named(change: object) -> None:
    with pytest.raises(ConflictError, match=r"Operation 1 of the patch \(\w+ "):
        apply(b'{"list":[1,2],"number":3,"object":{}}', [{"op": "test", "path": "/number", "value": 3}, change])


@pytest.mark.parametrize(
    "change",
    [
        b"{}",
        b"[3]",
        b'[{"op":"spam","path":"/x"}]',
        b'[{"path":"/x"}]',
        b'[{"op":"add","path":"/x"}]',
        b'[{"op":"move","path":"/x"}]',
        b'[{"op":"remove","path":"x"}]',
        b'[{"op":"remove","path":"/~2"}]',
        b'[{"op":"copy","from":"x","path":"/x"}]',
    ],
)
def test_what_is_no_json_patch_is_refused(change: bytes) -> None:
    with pytest.raises(InvalidError):
        apply(b"{}", change)


def test_a_patch_grows_nothing_without_end() -> None:
    with pytest.raises(TooLargeError):
        apply(b'{"x":"0123456789"}', [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(50)])
    with pytest.raises(TooLargeError):
        operations(b'[{"op":"remove","path":"/x"},{"op":"remove","path":"/x"}]', 1)


def test_many_operations_on_a_large_document_are_too_much_for_one_patch() -> None:
    large = b'{"x":"%b","y":0}' % (b"x" * 1_000_000)
    few = [{"op": "replace", "path": "/y", "value": 1}] * 3
    assert patched(large, operations(json.dumps(few).encode(), 500), 2_000_000).endswith(b'"y":1}')
    with pytest.raises(TooLargeError, match="fewer or shallower"):
        patched(large, operations(json.dumps(few * 20).encode(), 500), 2_000_000)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc~/"), inner, max_size=3),
    max_leaves=10,
)


def merge_by_the_standard(target: object, change: object) -> object:
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_by_the_standard(result.get(name), value)
    return result


@given(values, values)
def test_a_merge_patch_does_what_the_standard_says(document: object, change: object) -> None:
    found = merged(json.dumps(document).encode(), json.dumps(change).encode())
    assert json.loads(found) == merge_by_the_standard(document, change)
