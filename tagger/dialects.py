"""The two dialects of `POST /tagger/v1/interrogate`: requests in, answers out, and back.

flat is toriato's and Akegarasu's: `{"caption": {name: score}}`, ratings first. nested is
picobyte's and 67372a's: `{"caption": {"tag": {name: score}, "rating": {name: score}}}`. Their
clients break on each other's answers, but their models' names differ, so the name that is asked
for tells which answer is expected. Knows no server and no pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError, StoreError, TaggerError
from .scores import RATING, Scores, number

Dialect = Literal["flat", "nested"]
Answer = dict[str, dict[str, float]] | dict[str, dict[str, dict[str, float]]]

FLAT_MODELS = frozenset(
    {
        "wd14-vit",
        "wd14-convnext",
        "wd14-vit-v2",
        "wd14-convnext-v2",
        "wd14-convnextv2-v2",
        "wd14-swinv2-v2",
        "wd14-vit-v2-git",
        "wd14-convnext-v2-git",
        "wd14-convnextv2-v2-git",
        "wd14-swinv2-v2-git",
        "wd14-moat-v2",
        "wd-vit-large-tagger-v3",
        "wd-vit-v3",
        "wd-swinv2-v3",
        "wd-convnext-v3",
    }
)
NESTED_MODELS = frozenset(
    {
        "wd14-vit.v1",
        "wd14-vit.v2",
        "wd14-convnext.v1",
        "wd14-convnext.v2",
        "wd14-convnextv2.v1",
        "wd14-swinv2-v1",
        "wd-v1-4-moat-tagger.v2",
        "mld-caformer.dec-5-97527",
        "mld-tresnetd.6-30000",
        "wd14-eva02.v3.large",
        "wd-v1-4-vit-tagger.v3",
        "wd14-vit.v3.large",
        "wd-v1-4-convnext-tagger.v3",
        "wd-v1-4-swinv2-tagger.v3",
        "Z3D-E621-Convnext",
    }
)
EITHER_MODELS = frozenset({"wd-eva02-large-tagger-v3"})
"""Names that extensions of both kinds use: here, as with our own names, the setting decides."""

MISSING_THRESHOLD: Mapping[Dialect, float] = {"flat": 0.35, "nested": 0.0}
"""What each takes where a request names no threshold."""

RATINGS = ("general", "sensitive", "questionable", "explicit")
"""The names by which clients tell ratings in a flat answer."""


@dataclass(frozen=True)
class InterrogateRequest:
    """What a client asks for.

    image: as sent: base64, a data URL or an address. model: the name asked for, empty for the
    default model. threshold: 0 to 1 in the flat dialect, any number in the nested. queue,
    name_in_queue: picobyte's batches by name; None where not sent.
    """

    image: str
    model: str
    threshold: float
    dialect: Dialect
    queue: str | None = None
    name_in_queue: str | None = None

    @property
    def queued(self) -> bool:
        """Whether this is a part of a batch: one of the two names was given."""
        return bool(self.queue or self.name_in_queue)


def parse_request(body: object, default: Dialect = "nested") -> InterrogateRequest:
    """Read the body of a request as the predecessors did; unknown fields are ignored.

    `default` answers those whose dialect the request does not tell. Raises OptionError naming
    the field.
    """
    if not isinstance(body, Mapping):
        raise OptionError(f"body: expected a JSON object, got {type(body).__name__}")
    fields = cast("Mapping[str, object]", body)
    if "image" in fields and fields["image"] is None:
        raise OptionError("image: expected text, got nothing")
    model = _text(fields, "model") or ""
    dialect = dialect_of(fields, default)
    return InterrogateRequest(
        image=_text(fields, "image") or "",
        model=model,
        threshold=_threshold(fields.get("threshold"), dialect),
        dialect=dialect,
        queue=_text(fields, "queue"),
        name_in_queue=_text(fields, "name_in_queue"),
    )


def dialect_of(fields: Mapping[str, object], default: Dialect = "nested") -> Dialect:
    """Which answer a request expects: by its `format`, its queue, its model's name, in this order.

    Raises OptionError for a `format` that is neither.
    """
    asked = fields.get("format")
    if asked is not None:
        if asked not in ("flat", "nested"):
            raise OptionError(f"format: expected flat or nested, got {asked!r}")
        return asked
    if "queue" in fields or "name_in_queue" in fields:
        return "nested"
    model = fields.get("model")
    if model in FLAT_MODELS:
        return "flat"
    return "nested" if model in NESTED_MODELS else default


def answer(scores: Scores, request: InterrogateRequest) -> Answer:
    """The body of the answer to one picture, in the dialect asked for."""
    if request.dialect == "flat":
        return flat_answer(scores, request.threshold)
    return nested_answer(scores, request.threshold)


def flat_answer(scores: Scores, threshold: float = 0.35) -> dict[str, dict[str, float]]:
    """Ratings whatever their score, then tags with `score >= threshold`, highest first.

    Names are the model's own. A tag that is called as a rating is left out, as one body can't
    hold both. Raises StoreError if stored scores do not reach down to the threshold.
    """
    _check_floor(scores, threshold)
    tags = _tags(scores)
    high = scores.values[tags] >= np.float32(threshold)
    tags = tags[high]
    tags = tags[np.argsort(-scores.values[tags], kind="stable")]
    ratings = _named(scores, scores.labels.of(RATING))
    return {
        "caption": ratings | {k: v for k, v in _named(scores, tags).items() if k not in ratings}
    }


def nested_answer(scores: Scores, threshold: float = 0.0) -> dict[str, dict[str, dict[str, float]]]:
    """Tags with `score > threshold`, strictly, in the model's order; ratings beside them.

    Raises StoreError if stored scores do not reach down to the threshold.
    """
    _check_floor(scores, threshold)
    tags = _tags(scores)
    tags = tags[scores.values[tags] > np.float32(threshold)]
    ratings = _named(scores, scores.labels.of(RATING))
    return {"caption": {"tag": _named(scores, tags), "rating": ratings}}


def read_answer(body: object) -> tuple[dict[str, float], dict[str, float]]:
    """The tags and the ratings of an answer in either dialect, told by its shape.

    In a flat one the four names of ratings, and `rating:safe` and its like, are ratings. Raises
    TaggerError if it is neither.
    """
    caption = _mapping(body).get("caption")
    if not isinstance(caption, Mapping):
        raise TaggerError(_not_an_answer("no caption"))
    values = cast("Mapping[object, object]", caption)
    nested = [values.get(name) for name in ("tag", "rating")]
    if any(isinstance(part, Mapping) for part in nested):
        tags, ratings = (_numbers(_mapping(part if part is not None else {})) for part in nested)
        return tags, ratings
    flat = _numbers(values)
    ratings = {k.removeprefix("rating:"): v for k, v in flat.items() if _is_rating(k)}
    return {name: score for name, score in flat.items() if not _is_rating(name)}, ratings


# ---------------------------------------------------------------- the parts


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise OptionError(f"{name}: expected text, got {value!r}")


def _threshold(value: object, dialect: Dialect) -> float:
    if value is None:
        return MISSING_THRESHOLD[dialect]
    found = _real(value)
    in_range = dialect == "nested" or 0 <= found <= 1  # picobyte never looked at the range
    if not math.isfinite(found) or not in_range:
        wanted = "a number from 0 to 1" if dialect == "flat" else "a number"
        raise OptionError(f"threshold: expected {wanted}, got {str(value)[:40]!r}")
    return found


def _check_floor(scores: Scores, threshold: float) -> None:
    if threshold < scores.floor:
        raise StoreError(
            f"{scores.model}: expected scores below {scores.floor:g} too, got stored ones: "
            f"infer the picture again"
        )


def _tags(scores: Scores) -> NDArray[np.intp]:
    able = np.array([bool(name) for name in scores.labels.names], np.bool_)
    able[scores.labels.of(RATING)] = False
    return np.flatnonzero(able)


def _named(scores: Scores, indices: NDArray[np.intp]) -> dict[str, float]:
    """Names and scores, of equal names the first."""
    found: dict[str, float] = {}
    for index, score in zip(indices.tolist(), scores.values[indices].tolist(), strict=True):
        found.setdefault(scores.labels[index].name, number(score))
    return found


def _mapping(value: object) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise TaggerError(_not_an_answer(type(value).__name__))
    return cast("Mapping[object, object]", value)


def _numbers(values: Mapping[object, object]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, score in values.items():
        value = math.nan if isinstance(score, str) else _real(score)
        if not math.isfinite(value):
            raise TaggerError(_not_an_answer(f"{score!r:.40} for {name!r:.40}"))
        found[str(name)] = value
    return found


def _real(value: object) -> float:
    """A number, or text of one, as a float; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _is_rating(name: str) -> bool:
    return name in RATINGS or name.startswith("rating:")


def _not_an_answer(got: str) -> str:
    return f"expected the answer of a tagger, caption with tags and scores, got {got}"
