"""Captioning as arguments: one flag for a field of Settings, its sentence borrowed from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..argv import flagged
from ..caption import CaptionFormat, Order
from ..errors import OptionError
from ..options import describe, option
from ..pipeline import Blend
from ..relations import Mode
from ..scores import How
from ..settings import Settings
from ..thresholds import Method, Selection

_OWN: Any = object()
_RENAMED = {
    "method": "select",
    "top_k": "top",
    "tag_thresholds": "tag-threshold",
    "category_thresholds": "threshold",
    "categories": "category",
    "exclude": "exclude-tag",
    "keep": "keep-tag",
    "only": "only-tag",
    "spaces": "underscores",
}
"""Fields whose flag has another name."""


def borrowed(cls: type[Any], name: str, default: Any = _OWN, **changed: Any) -> Any:
    """An `option()` with the sentence, range and default of a field of `cls`."""
    field = next(each for each in describe(cls) if each.name == name)
    said = {
        "help": field.help,
        "ge": field.ge,
        "le": field.le,
        "metavar": field.metavar,
    } | changed
    return option(field.default if default is _OWN else default, **said)


@dataclass(frozen=True)
class CaptionFlags:
    """What decides a caption, as the command line spells it."""

    model: tuple[str, ...] = option(
        (), help="A model's name or folder; several are asked together. `tagger models` lists them."
    )
    union: How = option(
        "mean",
        help="What several models' scores of a tag become: their mean, the greatest, or the mean "
        "by --model-weight.",
    )
    model_weight: tuple[float, ...] = option(
        (), help="For --union weighted: a weight for each model, in their order.", metavar="N"
    )
    threshold: tuple[str, ...] = borrowed(
        Selection,
        "threshold",
        (),
        help="Scores from here on become tags, of all or of one category; without it the "
        "model's own threshold.",
        metavar="N|CATEGORY=N",
        ge=None,
        le=None,
    )
    tag_threshold: tuple[str, ...] = borrowed(
        Selection, "tag_thresholds", (), metavar="TAG=N", ge=None, le=None
    )
    select: Method | None = borrowed(
        Selection,
        "method",
        None,
        help="How: each tag by its threshold (fixed), by the widest gap between scores (mcut), "
        "or the highest scores (topk). Without it fixed, with --top topk.",
    )
    top: int | None = borrowed(
        Selection, "top_k", None, help="Take the K highest scores: --select topk with a number."
    )
    category: tuple[str, ...] = borrowed(Selection, "categories", (), metavar="C")
    exclude_tag: tuple[str, ...] = borrowed(Selection, "exclude")
    keep_tag: tuple[str, ...] = borrowed(Selection, "keep")
    only_tag: tuple[str, ...] = borrowed(Selection, "only")
    replace: tuple[str, ...] = borrowed(CaptionFormat, "replace", ())
    prefix: tuple[str, ...] = borrowed(CaptionFormat, "prefix")
    suffix: tuple[str, ...] = borrowed(CaptionFormat, "suffix")
    order: Order = borrowed(CaptionFormat, "order")
    template: tuple[str, ...] = borrowed(CaptionFormat, "template", ())
    max: int | None = borrowed(CaptionFormat, "max")
    separator: str = borrowed(CaptionFormat, "separator")
    trailing_separator: bool = borrowed(CaptionFormat, "trailing_separator")
    underscores: bool = option(False, help="Keep underscores instead of writing spaces.")
    weights: bool = borrowed(CaptionFormat, "weights")
    escape: bool = borrowed(CaptionFormat, "escape")
    head: int = borrowed(CaptionFormat, "head")
    head_separator: str = borrowed(CaptionFormat, "head_separator")
    implied: Mode = borrowed(Settings, "implied")
    series: bool = borrowed(Settings, "series")

    def blend(self) -> Blend:
        """How several models' scores are joined.

        Raises:
            OptionError: weights that do not fit the models.
        """
        blend = Blend(self.union, self.model_weight)
        try:
            blend.check(max(1, len(self.model)))
        except OptionError as error:
            raise OptionError(f"--model-weight: {error}") from None
        return blend

    def settings(self) -> Settings:
        """The settings these flags ask for.

        Raises:
            OptionError: a number outside its range, a pattern that can't be read.
        """
        if self.top is not None and self.select not in (None, "topk"):
            raise OptionError(
                f"--top: expected --select topk or none beside it, got --select {self.select}: "
                f"leave one of the two out"
            )
        with flagged(Selection, CaptionFormat, Settings, **_RENAMED):
            return Settings(self._selection(), self._format(), self.implied, self.series)

    def _selection(self) -> Selection:
        overall, by_category = _thresholds(self.threshold)
        return Selection(
            method=self.select or ("fixed" if self.top is None else "topk"),
            threshold=overall,
            category_thresholds=by_category,
            tag_thresholds=dict(_numbered("--tag-threshold", each) for each in self.tag_threshold),
            top_k=Selection().top_k if self.top is None else self.top,
            categories=self.category or None,
            exclude=self.exclude_tag,
            keep=self.keep_tag,
            only=self.only_tag,
        )

    def _format(self) -> CaptionFormat:
        return CaptionFormat(
            order="template" if self.template else self.order,
            template=self.template or CaptionFormat().template,
            separator=self.separator,
            trailing_separator=self.trailing_separator,
            spaces=not self.underscores,
            escape=self.escape,
            weights=self.weights,
            max=self.max,
            prefix=self.prefix,
            suffix=self.suffix,
            replace=tuple(_replacement(each) for each in self.replace),
            head=self.head,
            head_separator=self.head_separator,
        )


def _thresholds(words: Iterable[str]) -> tuple[float | None, dict[str, float]]:
    overall: float | None = None
    categories: dict[str, float] = {}
    for word in words:
        if "=" in word:
            name, value = _numbered("--threshold", word)
            categories[name] = value
        else:
            overall = _number("--threshold", word, word)
    return overall, categories


def _numbered(flag: str, word: str) -> tuple[str, float]:
    """`NAME=N`, split at the last `=`: a tag may hold one, as `=_=` does."""
    name, found, number = word.rpartition("=")
    if not found or not name:
        raise OptionError(f"{flag}: expected NAME=N, got {word!r}")
    return name, _number(flag, number, word)


def _number(flag: str, text: str, word: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise OptionError(f"{flag}: expected a number from 0 to 1, got {word!r}") from None
    if not 0 <= value <= 1:
        raise OptionError(f"{flag}: expected a number from 0 to 1, got {word!r}")
    return value


def _replacement(word: str) -> tuple[str, str]:
    """`A=B`, split at the last `=`, as thresholds are; nothing behind it drops the tag."""
    tag, found, other = word.rpartition("=")
    if not found or not tag:
        raise OptionError(f"--replace: expected A=B, got {word!r}: A= alone drops the tag")
    return tag, other
