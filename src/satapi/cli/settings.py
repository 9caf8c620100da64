"""`satapi settings`: the table of SATAPI_* variables, drawn from the Struct that reads them."""

from __future__ import annotations

import os
import re
from typing import cast

from msgspec.inspect import Metadata, StructType, type_info
from rich import box
from rich.console import Console
from rich.table import Table

from satapi.settings import PREFIX, Settings, from_environment

# Wide enough for a line of nearly every setting, where no terminal says how wide.
_FILE_WIDTH = 200


def show() -> None:
    """Print each setting's variable, value, default and description; a value that is not the default stands out."""
    given = from_environment(os.environ)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("default", overflow="fold")
    table.add_column("description")
    for field in cast("StructType", type_info(Settings)).fields:
        value = cast("object", getattr(given, field.name))
        described = cast("dict[str, str]", cast("Metadata", field.type).extra_json_schema)
        style = None if value == field.default else "bold"
        variable = PREFIX + field.name.upper()
        table.add_row(variable, _text(value), _text(field.default), described["description"], style=style)
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)


def _text(value: object) -> str:
    """Write the value as its variable would, but for a DSN's password."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"(://[^:/@]*:|\bpassword=)[^@&]+", r"\1***", text)
