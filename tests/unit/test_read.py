"""Reading files of every form."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import zstandard

from satapi.errors import InvalidError
from satapi.ingest.read import Document, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENTS = [{"id": f"ü{number}", "text": '\\" ]},{ ' * number, "links": [{"rel": "a"}]} for number in range(40)]
COMPACT = (",", ":")

FORMS: dict[str, Callable[[], str]] = {
    "lines": lambda: "\n".join(map(json.dumps, DOCUMENTS)),
    "lines with a last newline": lambda: "".join(json.dumps(document) + "\r\n" for document in DOCUMENTS),
    "lines and blank lines": lambda: "\n\n".join(json.dumps(document) + " " for document in DOCUMENTS) + "\n \n",
    "array": lambda: json.dumps(DOCUMENTS),
    "array in one compact line": lambda: json.dumps(DOCUMENTS, separators=COMPACT) + "\n",
    "array, indented": lambda: json.dumps(DOCUMENTS, indent=2),
    "array of lines": lambda: "[\n" + ",\n".join(map(json.dumps, DOCUMENTS)) + "\n]\n",
    "feature collection": lambda: json.dumps({"type": "FeatureCollection", "features": DOCUMENTS, "links": []}),
    "feature collection, features first": lambda: json.dumps({"features": DOCUMENTS, "type": "FeatureCollection"}),
    "feature collection, indented": lambda: json.dumps({"type": "FeatureCollection", "features": DOCUMENTS}, indent=2),
    "feature collection of lines": lambda: (
        '{"type":"FeatureCollection","features":[\n' + ",\n".join(map(json.dumps, DOCUMENTS)) + "\n]}"
    ),
    "collections": lambda: json.dumps({"collections": DOCUMENTS, "links": []}),
    "lines of feature collections": lambda: "\n".join(
        json.dumps({"type": "FeatureCollection", "features": [document]}) for document in DOCUMENTS
    ),
    "indented objects": lambda: "\n".join(json.dumps(document, indent=2) for document in DOCUMENTS),
}

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "gzip": gzip.compress,
    "gzip members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "zstd": zstandard.compress,
    "zstd frames": lambda data: zstandard.compress(data[:100]) + zstandard.compress(data[100:]),
}


def found(path: Path) -> list[object]:
    return [json.loads(document.raw) for document in read(str(path))]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_documents(tmp_path: Path, form: str, compression: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(COMPRESSIONS[compression](FORMS[form]().encode()))
    assert found(path) == DOCUMENTS


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_object_is_one_document(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps(DOCUMENTS[3], indent=indent))
    assert found(path) == [DOCUMENTS[3]]


@pytest.mark.parametrize("text", ["", "\n", "[]", " [ ] ", '{"features": []}'])
def test_a_file_may_hold_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert found(path) == []


def test_standard_input_is_read() -> None:
    program = "from satapi.ingest.read import read; print([d.raw for d in read('-')])"
    run = subprocess.run([sys.executable, "-c", program], input=b'{"a":1}\n{"a":2}\n', stdout=-1, check=True)
    assert run.stdout.decode().strip() == str([b'{"a":1}', b'{"a":2}'])


@pytest.mark.parametrize(
    "lines",
    [
        ["no json", '{"a":1}'],
        ['{"a":1}', "no json", '{"a":'],
        ['{"a": "b', '{"a":1}', '{"a":2}'],
        ['{"a":}', '{"b":1}'],
    ],
)
def test_a_broken_line_is_yielded_like_the_others(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "file"
    path.write_text("\n".join(lines))
    assert list(read(str(path))) == [Document(str(path), at, line.encode()) for at, line in enumerate(lines, 1)]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_file_that_is_cut_off_is_an_error_after_what_is_whole(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(compress("".join(f'{{"id":{number}}}\n' for number in range(100_000)).encode())[:-10])
    with pytest.raises(InvalidError, match="ends too early"):
        found(path)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_damaged_compressed_data_is_an_error(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    data = bytearray(compress(json.dumps(DOCUMENTS).encode()))
    data[12:60] = bytes(range(48))
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InvalidError, match="cannot be decompressed"):
        found(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        found(tmp_path / "nothing")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    document = json.dumps({"id": "x", "text": "y" * 10_000})
    path.write_text('{"type":"FeatureCollection","features":[' + ",".join([document] * 10_000) + "]}")
    program = f"""
import resource
from satapi.ingest.read import read
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
count = sum(1 for _ in read({str(path)!r}))
print(count, peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", program], stdout=-1, check=True, text=True)
    count, grown_kb = map(int, run.stdout.split())
    assert count == 10_000
    assert grown_kb < 20_000
