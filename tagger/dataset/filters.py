"""Which posts are left out of a dataset, and why; each under the first reason that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..booru.posts import COLUMNS, STATUSES
from ..options import check, option

if TYPE_CHECKING:
    import duckdb

Status = Literal["deleted", "banned", "pending", "flagged"]


@dataclass(frozen=True)
class Filters:
    """Which posts of the sources are taken."""

    include: tuple[Status, ...] = option(
        (), help="Posts of these states too, which are otherwise left out."
    )
    ratings: tuple[str, ...] = option(
        (), help="Only these ratings, as the source writes them; all if none is named."
    )
    min_id: int | None = option(None, help="Lowest post id taken.")
    max_id: int | None = option(None, help="Highest post id taken.")
    required_tags: tuple[str, ...] = option((), help="Only posts that have all of these tags.")
    excluded_tags: tuple[str, ...] = option((), help="No post that has one of these tags.")

    def __post_init__(self) -> None:
        check(self)


def judge(
    connection: duckdb.DuckDBPyConnection,
    filters: Filters,
    names_meaning: Callable[[str], Sequence[str]],
) -> dict[str, int]:
    """Make the table `kept` of the posts taken and count the others by reason.

    `names_meaning` gives the names on posts that stand for a tag. Of an id given twice by one
    source the row is taken that sorts first, so that the order of the files does not matter.
    """
    cases, values = _cases(filters, names_meaning)
    same = ", ".join(name for name in COLUMNS if name not in ("source", "id"))
    connection.execute(
        "CREATE TABLE judged AS SELECT * EXCLUDE again, CASE "
        f"{' '.join(f'WHEN {when} THEN {then!r}' for when, then in cases)} END AS reason FROM "
        f"(SELECT *, row_number() OVER (PARTITION BY source, id ORDER BY {same}) AS again "
        "FROM posts)",
        values,
    )
    connection.execute(
        "CREATE TABLE kept AS SELECT * EXCLUDE reason FROM judged WHERE reason IS NULL"
    )
    counted = connection.execute(
        "SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason"
    )
    found: Mapping[str, int] = dict(counted.fetchall())
    connection.execute("DROP TABLE judged")
    return {then: found[then] for _, then in cases if then in found}


def _cases(
    filters: Filters, names_meaning: Callable[[str], Sequence[str]]
) -> tuple[list[tuple[str, str]], list[Any]]:
    """Conditions with their reasons, in order, and the values of their placeholders."""
    cases = [("id IS NULL", "no id"), ("again > 1", "id given again")]
    cases += [(status, status) for status in STATUSES if status not in filters.include]
    cases += [("extension IS NULL", "no file extension")]
    asked: list[tuple[str, str, Any]] = []
    if filters.ratings:
        asked.append(("NOT coalesce(list_contains(?, rating), false)", "rating", filters.ratings))
    if filters.min_id is not None:
        asked.append(("id < ?", "id under the lowest", filters.min_id))
    if filters.max_id is not None:
        asked.append(("id > ?", "id over the highest", filters.max_id))
    for tag in filters.required_tags:
        condition = "NOT list_has_any(tags, ?::VARCHAR[])"
        asked.append((condition, "required tag missing", names_meaning(tag)))
    for tag in filters.excluded_tags:
        asked.append(("list_has_any(tags, ?::VARCHAR[])", "excluded tag", names_meaning(tag)))
    cases += [(when, then) for when, then, _ in asked]
    return cases, [list(x) if isinstance(x, (tuple, list)) else x for _, _, x in asked]
