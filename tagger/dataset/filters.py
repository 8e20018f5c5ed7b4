"""Which posts are left out of a dataset, and why; each under the first reason that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..booru.posts import COLUMNS, STATUSES
from ..errors import OptionError
from ..labels import scheme_of
from ..options import check, option

if TYPE_CHECKING:
    import duckdb

Status = Literal["deleted", "banned", "pending", "flagged"]
Family = Literal["all", "no-children", "no-parents"]
_RATINGS = {"g": ("g",), "s": ("s", "safe"), "q": ("q",), "e": ("e",), "safe": ("safe", "g", "s")}
"""What is asked for, and the ratings that fit: `s` is what a source writes so, whatever it means;
safe was general and sensitive before they were told apart."""
NO_EXTENSION = "no file extension"
_HIDDEN = (
    "extension IS NULL AND path IS NULL "
    "AND p.source IN (SELECT source FROM posts WHERE extension IS NOT NULL)"
)
"""A site hides it of posts that it hides; a source that says it of no post just does not say it."""
_WORDS = {"general": "g", "sensitive": "s", "questionable": "q", "explicit": "e"}


@dataclass(frozen=True)
class Filters:
    """Which posts of the sources are taken."""

    include: tuple[Status, ...] = option(
        (), help="Posts of these states too, which are otherwise left out."
    )
    ratings: tuple[str, ...] = option(
        (), help="Only these ratings: g, s, q, e or safe; all if none is named."
    )
    created_from: str = option("", help="Only posts of this day or later.", metavar="YYYY-MM-DD")
    created_to: str = option("", help="Only posts of this day or earlier.", metavar="YYYY-MM-DD")
    min_id: int | None = option(None, help="Lowest post id taken.")
    max_id: int | None = option(None, help="Highest post id taken.")
    min_score: int | None = option(None, help="Lowest score taken.")
    max_score: int | None = option(None, help="Highest score taken.")
    required_tags: tuple[str, ...] = option((), help="Only posts that have all of these tags.")
    excluded_tags: tuple[str, ...] = option((), help="No post that has one of these tags.")
    family: Family = option(
        "all", help="no-children leaves out posts with a parent, no-parents those that are one."
    )
    extensions: tuple[str, ...] = option((), help="Only files of these endings, such as png.")
    min_side: int = option(0, help="Pixels of the shorter side, at least.", ge=0)
    max_bytes: int = option(0, help="Bytes of the file as uploaded, at most; 0 is no limit.", ge=0)
    max_aspect: float = option(0, help="Longer side over shorter, at most; 0 is no limit.", ge=0)
    min_tags: int = option(0, help="Tags on the post, at least, as the source lists them.", ge=0)
    max_tags: int = option(0, help="Tags on the post, at most; 0 is no limit.", ge=0)
    min_category_tags: Mapping[str, int] = option(
        factory=dict,
        help="Tags of single categories on the post, at least, such as general=10.",
        ge=1,
        metavar="CATEGORY=N",
    )
    every: int = option(1, help="Only every Nth of the posts left, by id.", ge=1)
    sql: str = option(
        "",
        help="A condition over the posts table, in DuckDB's SQL, such as "
        '"score > 10 AND len(tags) >= 20"; the columns are in docs/datasets.md.',
    )

    def __post_init__(self) -> None:
        check(self)
        for rating in self.ratings:
            if _letter(rating) not in _RATINGS:
                raise OptionError(f"ratings: expected g, s, q, e or safe, got {rating!r}")
        for name in ("created_from", "created_to"):
            day = getattr(self, name)
            if day and not _is_day(day):
                raise OptionError(f"{name}: expected a day such as 2021-12-31, got {day!r}")
        scheme_of(self.min_category_tags)
        if 0 < self.max_aspect < 1:
            raise OptionError(f"max_aspect: expected 1 or more, got {self.max_aspect:g}")


def judge(
    connection: duckdb.DuckDBPyConnection,
    filters: Filters,
    names_meaning: Callable[[str], Sequence[str]],
) -> dict[str, int]:
    """Make the table `kept` of the posts taken, by their place in `posts`; count the others.

    `names_meaning` gives the names on posts that stand for a tag. Of an id given twice by one
    source the row is taken that sorts first, so that the order of the files does not matter.

    Raises:
        OptionError: the condition in SQL is none.
    """
    _find_again(connection)
    cases, values = _cases(filters, names_meaning)
    whens = " ".join(f"WHEN {when} THEN {then!r}" for when, then in cases)
    connection.execute(
        "CREATE TABLE judged AS SELECT p.rowid AS post, p.source, p.id, p.extension, p.md5, "
        f"p.path, CASE {whens} END AS reason "
        "FROM posts p LEFT JOIN again ON again.post = p.rowid",
        values,
    )
    found = _counts(connection)
    for category, least in filters.min_category_tags.items():
        found |= _judge_by_category(connection, category, least)
    if filters.sql:
        found |= _judge_by_sql(connection, filters.sql)
    if filters.every > 1:
        found |= _thin_out(connection, filters.every)
    connection.execute(
        "CREATE TABLE kept AS SELECT * EXCLUDE reason FROM judged WHERE reason IS NULL"
    )
    connection.execute("DROP TABLE judged")
    connection.execute("DROP TABLE again")
    bare = map(_too_few, filters.min_category_tags)
    order = [*(then for _, then in cases), *bare, "sql", "thinned out"]
    return {then: found[then] for then in order if then in found}


def _find_again(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `again`: of each id that a source gives more than once, the rows but for the first."""
    same = ", ".join(name for name in COLUMNS if name not in ("source", "id"))
    connection.execute(
        "CREATE TEMP TABLE again AS SELECT post FROM (SELECT p.rowid AS post, row_number() OVER "
        f"(PARTITION BY source, id ORDER BY {same}) AS number FROM posts p SEMI JOIN "
        "(SELECT source, id FROM posts WHERE id IS NOT NULL GROUP BY ALL HAVING count(*) > 1) t "
        "USING (source, id)) WHERE number > 1"
    )


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason"
    found: Mapping[str, int] = dict(connection.execute(query).fetchall())
    return dict(found)


def _judge_by_category(
    connection: duckdb.DuckDBPyConnection, category: str, least: int
) -> dict[str, int]:
    """Drop posts with fewer tags of a category, as their source has it."""
    connection.execute(
        "CREATE TEMP TABLE fitting AS SELECT post FROM (SELECT p.rowid AS post, p.source, "
        "unnest(p.tags) AS name FROM posts p JOIN judged j ON j.post = p.rowid "
        "WHERE j.reason IS NULL) SEMI JOIN (SELECT source, name FROM tags WHERE category = ?) t "
        "USING (source, name) GROUP BY post HAVING count(*) >= ?",
        [category, least],
    )
    return _drop_others(connection, _too_few(category))


def _too_few(category: str) -> str:
    return f"too few {category} tags"


def _drop_others(connection: duckdb.DuckDBPyConnection, reason: str) -> dict[str, int]:
    """Drop the posts that are not in the table `fitting`, and that table."""
    dropped = connection.execute(
        "UPDATE judged SET reason = ? WHERE reason IS NULL "
        "AND post NOT IN (SELECT post FROM fitting)",
        [reason],
    ).fetchall()[0][0]
    connection.execute("DROP TABLE fitting")
    return {reason: dropped} if dropped else {}


def _judge_by_sql(connection: duckdb.DuckDBPyConnection, condition: str) -> dict[str, int]:
    """Drop what a user's condition does not fit.

    By now all files are read, so the connection is shut to the outside first, for good: the
    condition can read no file, and an expression can change no table.
    """
    import duckdb

    connection.execute("SET enable_external_access = false")
    try:
        numbered = connection.sql("SELECT *, rowid AS post FROM posts")
        fitting = numbered.filter(condition).project("post")
        fitting.create("fitting")
    except (duckdb.Error, RuntimeError) as error:
        cause = " ".join(str(error).split("\n\n")[0].split())
        raise OptionError(
            f"sql: expected a condition over the posts table, got {condition!r}: {cause}"
        ) from error
    return _drop_others(connection, "sql")


def _thin_out(connection: duckdb.DuckDBPyConnection, every: int) -> dict[str, int]:
    dropped = connection.execute(
        "UPDATE judged SET reason = 'thinned out' FROM (SELECT post, row_number() OVER "
        "(ORDER BY source, id) - 1 AS place FROM judged WHERE reason IS NULL) places "
        "WHERE judged.post = places.post AND place % ? <> 0",
        [every],
    ).fetchall()[0][0]
    return {"thinned out": dropped} if dropped else {}


def _cases(
    filters: Filters, names_meaning: Callable[[str], Sequence[str]]
) -> tuple[list[tuple[str, str]], list[Any]]:
    """Conditions with their reasons, in order, and the values of their placeholders."""
    cases = [("id IS NULL", "no id"), ("again.post IS NOT NULL", "id given again")]
    cases += [(status, status) for status in STATUSES if status not in filters.include]
    cases += [(_HIDDEN, NO_EXTENSION)]
    asked = [*_ranges(filters), *_families(filters)]
    for tag in filters.required_tags:
        condition = "NOT list_has_any(tags, ?::VARCHAR[])"
        asked.append((condition, "required tag missing", names_meaning(tag)))
    for tag in filters.excluded_tags:
        asked.append(("list_has_any(tags, ?::VARCHAR[])", "excluded tag", names_meaning(tag)))
    cases += [(when, then) for when, then, _ in asked]
    return cases, [list(x) if isinstance(x, (tuple, list)) else x for _, _, x in asked]


def _ranges(filters: Filters) -> list[tuple[str, str, Any]]:
    """What one value of a post decides; where the source does not say, it is not left out."""
    ratings = sorted({own for asked in filters.ratings for own in _RATINGS[_letter(asked)]})
    extensions = [own.lower().lstrip(".") for own in filters.extensions]
    aspect = "greatest(width, height) > ? * least(width, height)"
    listed: list[tuple[str, str, Any, bool]] = [
        ("NOT coalesce(list_contains(?, rating), false)", "rating", ratings, bool(ratings)),
        ("created < ?::TIMESTAMP", "too old", filters.created_from, bool(filters.created_from)),
        ("created >= ?::TIMESTAMP + INTERVAL 1 DAY", "too new", filters.created_to,
         bool(filters.created_to)),
        ("id < ?", "id under the lowest", filters.min_id, filters.min_id is not None),
        ("id > ?", "id over the highest", filters.max_id, filters.max_id is not None),
        ("score < ?", "score under the lowest", filters.min_score, filters.min_score is not None),
        ("score > ?", "score over the highest", filters.max_score, filters.max_score is not None),
        ("NOT list_contains(?, extension)", "file extension", extensions, bool(extensions)),
        ("least(width, height) < ?", "too small", filters.min_side, filters.min_side > 0),
        ("size > ?", "file too large", filters.max_bytes, filters.max_bytes > 0),
        (aspect, "too long and thin", filters.max_aspect, filters.max_aspect > 0),
        ("len(tags) < ?", "too few tags", filters.min_tags, filters.min_tags > 0),
        ("len(tags) > ?", "too many tags", filters.max_tags, filters.max_tags > 0),
    ]  # fmt: skip
    return [(when, then, value) for when, then, value, wanted in listed if wanted]


def _families(filters: Filters) -> list[tuple[str, str, Any]]:
    if filters.family == "no-children":
        return [("parent IS NOT NULL AND ?", "has a parent", True)]
    if filters.family == "no-parents":
        parents = "SELECT source, parent FROM posts WHERE parent IS NOT NULL"
        return [(f"(p.source, p.id) IN ({parents}) AND ?", "is a parent", True)]
    return []


def _is_day(text: str) -> bool:
    try:  # a later Python takes more than one form
        return datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text
    except ValueError:
        return False


def _letter(rating: str) -> str:
    return _WORDS.get(rating.lower(), rating.lower())
