"""Pseudo-tags: what a post says beside its tags, as labels that a model can learn.

    rating      rating:general, rating:sensitive, rating:questionable, rating:explicit, rating:safe
    age_rating  age_rating_s, age_rating_q, age_rating_e: three steps, as RF5's taggers have them
    meta_score  meta_score_0 to meta_score_9: scores of one digit, as RF5's taggers have them

They are of the category general; whether one becomes a label the vocabulary decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb

Pseudo = Literal["rating", "age_rating", "meta_score"]


def _of_rating(prefix: str, words: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN '{rating}' THEN ['{prefix}{word}']" for rating, word in words.items())
    return f"CASE p.rating {cases} ELSE []::VARCHAR[] END"


_SQL: Mapping[Pseudo, str] = {
    "rating": _of_rating(
        "rating:",
        {"g": "general", "s": "sensitive", "q": "questionable", "e": "explicit", "safe": "safe"},
    ),
    "age_rating": _of_rating("age_rating_", {"g": "s", "s": "s", "safe": "s", "q": "q", "e": "e"}),
    "meta_score": "CASE WHEN p.score BETWEEN 0 AND 9 THEN ['meta_score_' || p.score] "
    "ELSE []::VARCHAR[] END",
}


def tags_with(kinds: Sequence[Pseudo]) -> str:
    """The SQL of a post's tags, the table `posts` being p, with its pseudo-tags of some kinds."""
    return " || ".join(["p.tags", *(_SQL[kind] for kind in kinds)])


def pseudo_names(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Pseudo]) -> tuple[str, ...]:
    """The pseudo-tags of some kinds that the table `rows` has, by name."""
    if not kinds:
        return ()
    listed = " || ".join(_SQL[kind] for kind in kinds)
    found = connection.execute(
        f"SELECT DISTINCT unnest({listed}) AS name FROM rows r JOIN posts p ON p.rowid = r.post "
        "ORDER BY name"
    )
    return tuple(name for (name,) in found.fetchall())
