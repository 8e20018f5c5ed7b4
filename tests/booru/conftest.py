"""A connection with the empty posts table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def connection() -> Iterator[Any]:
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    from tagger.booru import posts

    with posts.connect() as made:
        posts.create(made)
        yield made


@pytest.fixture
def rows_of(connection: Any) -> Rows:
    """The rows of a table as dicts, ordered by all columns; only some columns where named."""

    def rows(table: str = "posts", *columns: str) -> list[dict[str, Any]]:
        named = ", ".join(columns) or "*"
        found = connection.execute(f"SELECT {named} FROM {table} ORDER BY ALL NULLS FIRST")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return rows
