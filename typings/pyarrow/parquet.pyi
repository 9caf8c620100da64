# What satapi uses of pyarrow, which has no types of its own.

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from pyarrow import RecordBatch, Schema, Table

class ParquetWriter:
    def __init__(self, where: object, schema: Schema, *, compression: str = ...) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def write_table(self, table: Table) -> None: ...

class ParquetFile:
    schema_arrow: Schema
    def __init__(self, source: object) -> None: ...
    def iter_batches(self, batch_size: int = ...) -> Iterator[RecordBatch]: ...
