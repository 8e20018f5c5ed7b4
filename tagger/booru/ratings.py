"""What a booru's rating letters mean.

Danbooru had three ratings, safe, questionable and explicit, until the spring of 2022; since then
it has four, and the letter `s` that stood for safe stands for sensitive. e621 has three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .posts import changed

if TYPE_CHECKING:
    import duckdb

CHANGED = "2022-04-01"
"""From this day on a new post of Danbooru has one of four ratings."""

WORDS = {
    "g": ("g", "general", "0"),
    "s": ("s", "sensitive", "1"),
    "safe": ("safe",),
    "q": ("q", "questionable", "2"),
    "e": ("e", "explicit", "3"),
}
"""What sources write; the numbers are danbooru2023's."""


def letters(column: str) -> str:
    """The SQL that reads a rating, however it is written; NULL where it is none of them."""
    cases = " ".join(
        f"WHEN lower({column}) IN ({', '.join(map(repr, words))}) THEN '{letter}'"
        for letter, words in WORDS.items()
    )
    return f"CASE {cases} END"


def settle(connection: duckdb.DuckDBPyConnection, source: int, *, three: bool = False) -> str:
    """Make `safe` of a source's `s` where it has three ratings; gives the reason as a sentence.

    With `three` the site has no more. Otherwise a source that has general posts has four; one
    that has none has three if its newest post is older than the change.
    """
    found = connection.execute(
        "SELECT count(*) FILTER (rating = 's'), count(*) FILTER (rating = 'g'), "
        "CAST(max(created) AS DATE), max(created) < CAST(? AS TIMESTAMP) FROM posts "
        "WHERE source = ?",
        [CHANGED, source],
    ).fetchall()
    sensitive, general, newest, older = found[0]
    if not sensitive:
        return _safe_already(connection, source)
    if three:
        return _safe(connection, source, "the site has three ratings")
    if general:
        return "rating s is sensitive: some posts are rated g"
    if older:
        return _safe(connection, source, f"no post is rated g and the newest is of {newest}")
    if newest is None:
        return "rating s is taken for sensitive: no post is rated g, and none has a date"
    return f"rating s is sensitive: the newest post is of {newest}, when there were four ratings"


def _safe(connection: duckdb.DuckDBPyConnection, source: int, why: str) -> str:
    change = "UPDATE posts SET rating = 'safe' WHERE source = ? AND rating = 's'"
    changed(connection, change, [source])
    return f"rating s is safe: {why}"


def _safe_already(connection: duckdb.DuckDBPyConnection, source: int) -> str:
    query = "SELECT count(*) FROM posts WHERE source = ? AND rating = 'safe'"
    safe = connection.execute(query, [source]).fetchall()[0][0]
    return "rating s is safe: the source is of the years of three ratings" if safe else ""
