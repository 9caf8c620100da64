"""The documentation says what the program does."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import msgspec
import typer

from satapi.cli.loads import load
from satapi.cql2 import ast
from satapi.http.asked import COLLECTION_PARAMETERS, SEARCH_PARAMETERS
from satapi.http.browse import LINKS_MAX
from satapi.ingest.sources import SUFFIXES
from satapi.query import measures
from satapi.settings import PREFIX, Settings
from satapi.stac.search import Operator

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_settings_has_each_setting_with_its_default_and_description() -> None:
    hints = typing.get_type_hints(Settings, include_extras=True)
    expected: list[str] = []
    for field in msgspec.structs.fields(Settings):
        described = next(meta.description for meta in hints[field.name].__metadata__ if meta.description)
        shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
        default = "" if shown in {None, ""} else f"`{shown}`"
        expected.append(f"| `{PREFIX}{field.name.upper()}` | {default} | {described} |")
    page = (DOCS / "settings.md").read_text().splitlines()
    assert [line for line in page if line.startswith(f"| `{PREFIX}")] == expected


def test_the_page_of_searches_names_each_parameter_and_operator() -> None:
    page = (DOCS / "searching.md").read_text()
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == sorted(
        SEARCH_PARAMETERS, key=lambda name: page.index(f"| `{name}` |")
    )
    operators = re.search(r"The operators are (.*?);", page, re.DOTALL)
    assert operators is not None
    assert re.findall(r"\w+", operators[1].replace(" and ", " ")) == list(typing.get_args(Operator))


def test_the_page_of_collections_names_each_parameter_and_limit() -> None:
    page = (DOCS / "collections.md").read_text()
    table = page.partition("## Parameters")[2].partition("What filters")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(COLLECTION_PARAMETERS)
    assert f"has {Settings().collections_limit_default:,} of them" in page
    assert f"more than the maximum ({Settings().collections_limit_max:,}) is" in table
    assert f"more than {LINKS_MAX:,} it has" in page


def test_the_page_of_filters_names_each_operator_and_limit() -> None:
    page = (DOCS / "filtering.md").read_text()
    for kind in (ast.ComparisonOperator, ast.ArithmeticOperator):
        assert all(f"`{operator}`" in page for operator in typing.get_args(kind))
    for kind in (ast.SpatialOperator, ast.TemporalOperator, ast.ArrayOperator):
        assert all(f"`{operator.upper()}`" in page for operator in typing.get_args(kind))
    for limit in ("filter_max_characters", "terms_max", "nesting_max", "geometry_max_points"):
        assert re.search(rf"\b{getattr(Settings(), limit):,}\s", page)
        assert f"`{PREFIX}{limit.upper()}`" in page


def test_the_page_of_aggregations_names_each_of_them_and_each_limit() -> None:
    page = (DOCS / "aggregating.md").read_text()
    for available in measures.available():
        assert f"`{available.name.removeprefix('{property}')}`" in page
    assert all(interval in page for interval in measures.INTERVALS)
    for limit in (
        "aggregations_max",
        "buckets_max",
        "footprint_cells_max",
        "geohex_centroids_max",
        "geohex_footprints_max",
        "geohex_cells_max",
    ):
        assert re.search(rf"\b{getattr(Settings(), limit):,}\s", page)
        assert f"`{PREFIX}{limit.upper()}`" in page


def test_the_page_of_loading_names_each_option_and_limit() -> None:
    page = (DOCS / "loading.md").read_text()
    for command in typer.main.get_group(load).commands.values():
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert {option for option in options - {"--dsn", "--help"} if option not in page} == set()
    for name in [name for name in Settings.__struct_fields__ if name.startswith("source_")]:
        found = re.search(rf"`{PREFIX}{name.upper()}`[ (,]+([\d,]*\d)", page)
        assert found is not None
        assert float(found[1].replace(",", "")) == getattr(Settings(), name)
    for suffix in SUFFIXES:
        assert suffix in page


def test_the_pages_link_to_files_that_exist() -> None:
    for page in [*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
