"""The model card: the README of a model folder, as on Hugging Face."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import __version__
from ..labels import LabelSet
from .rows import NOBODY


@dataclass(frozen=True)
class Card:
    """What a person should know of a model before using it.

    figures: by subset of the validation pictures, as `train.report` gives them. dataset: what
    dataset.json says. half: what storing weights as float16 changed, as
    `train.halving` gives it. notes: what the model is and is not for, a paragraph each.
    """

    name: str
    title: str = ""
    licence: str = "unknown"
    credits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    half: Mapping[str, Any] = field(default_factory=dict)


USE = (
    "It says which of its labels it sees in a picture, for captions and for searching. It knows "
    "nothing else, it errs as the figures below say and more on other kinds of pictures, and a "
    "rating of its is a guess, not a safeguard."
)
PLACES = ("sources", "images", "out")
"""Settings of a build that name somebody's folders: no reader's business."""
_TIMM = """\
- `model.safetensors` with `config.json`: timm, BGR in -1 to 1, logits for `labels/all.csv`,
  whose first rows are those of `selected_tags.csv`."""
_OWN = """\
- `network.safetensors` with `network.json`: the same network, whose heads timm has not, for
  Tagger to train further."""

_RELATIONS = "- `relations.json`: what its tags imply and are also called, as its dataset knew it."


def write_card(
    card: Card,
    labels: LabelSet,
    shown: str,
    extras: Sequence[str] = (),
    timm: bool = True,
    relations: bool = False,
) -> str:
    """The card's Markdown; `shown` says in a phrase what the network is.

    extras: what its graph gives beside probabilities, by name. timm: whether the folder has the
    network as timm builds it. relations: whether it has what its tags imply.
    """
    parts = [
        _front(card, timm),
        f"# {card.name}\n\n{card.title or 'An image tagger.'}\n\n{shown}",
        "\n\n".join(["## Use", *card.notes, USE]),
        _files(extras, timm, relations),
        _half(card.half),
        _labels(labels),
        _figures(card.figures),
        _data(card.dataset),
        *(["## Credits", "\n".join(f"- {line}" for line in card.credits)] if card.credits else []),
        f"## Licence\n\nWeights: {card.licence}.\n\nTrained and written by Tagger {__version__}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(card: Card, timm: bool) -> str:
    """The YAML that the hub reads; JSON strings are YAML strings."""
    library = "timm" if timm else "onnx"
    lines = [f"license: {json.dumps(card.licence.lower())}", f"library_name: {library}"]
    lines += ["pipeline_tag: image-classification", "tags: [image-tagging, onnx, wd-tagger]"]
    return "\n".join(["---", *lines, "---"])


def _files(extras: Sequence[str], timm: bool, relations: bool) -> str:
    known = f"\n{_RELATIONS}" if relations else ""
    more = "".join(f"\n- Output `{name}` of `model.onnx`: {_extra(name)}." for name in extras)
    return f"""## Files

- `model.onnx` with `selected_tags.csv`: WD's contract. Input float32 `[N, 448, 448, 3]`, BGR,
  0 to 255, of a picture padded with white to a square; output 0: a probability for each row of
  the CSV; output `all`: for each row of `labels/all.csv`.
{_TIMM if timm else _OWN}
- `tagger.json`: how to feed and read it, and the thresholds.{known}{more}"""


def _extra(name: str) -> str:
    if name == "rating_scalar":
        return "the rating as one number, float32 `[N]`, from 0 (general) to 1 (explicit)"
    head = name.removeprefix("embedding").lstrip("_")
    return f"float32 `[N, d]`, what {f'the head {head}' if head else 'the heads'} decided by"


def _half(half: Mapping[str, Any]) -> str:
    if not half:
        return ""
    return (
        f"Weights are stored as float16 and computed with in float32. Against float32 weights, on "
        f"{half['pictures']:,} validation pictures, a probability moved by at most "
        f"{half['largest']:.2g}, and {half['flips']:,} of {half['answers']:,} answers changed "
        f"sides of their threshold."
    )


def _labels(labels: LabelSet) -> str:
    kinds = Counter(label.category.name for label in labels if label.name not in ("", NOBODY))
    return f"## Labels\n\n{', '.join(f'{count:,} {kind}' for kind, count in kinds.items())}."


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> str:
    if not figures:
        return ""
    lines = [
        "## Figures",
        "",
        "On validation pictures, which chose nothing; thresholds were fitted on others. In",
        "brackets 95 % intervals, from a bootstrap over groups of pictures.",
        "",
        "| | pictures | micro-F1 | precision | recall | macro-F1 "
        "| micro-F1, one threshold | gain over it | mAP (labels) | character top-1 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, own in figures.items():
        lines.append(
            f"| {name} | {own['pictures']:,} | {_interval(own['micro_f1'])} "
            f"| {own['micro_precision']:.3f} | {own['micro_recall']:.3f} | {own['macro_f1']:.3f} "
            f"| {own['micro_f1_one_threshold']:.3f} | {_gain(own)} "
            f"| {own['mean_average_precision']:.3f} "
            f"({own['mean_average_precision_labels']}) | {_top1(own)} |"
        )
    lines += [
        "",
        "The gain is what fitted thresholds add to micro-F1, on the same draws of pictures. mAP",
        "is over labels with 100 or more training pictures (all, where none has so many), without",
        "ratings, with characters only where there is nothing else; top-1 is over pictures with a",
        "character.",
    ]
    return "\n".join(lines)


def _top1(figures: Mapping[str, Any]) -> str:
    if "character_top1" not in figures:
        return "-"
    return f"{_interval(figures['character_top1'])} of {figures['character_pictures']:,}"


def _gain(figures: Mapping[str, Any]) -> str:
    value, low, high = figures["micro_f1_gain"]
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _interval(values: Any) -> str:
    value, low, high = values
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _data(about: Mapping[str, Any]) -> str:
    if not about:
        return ""
    lines = ["## Data", ""]
    for source in about.get("sources", ()):
        rows, posts = source.get("rows", 0), source.get("posts", 0)
        lines.append(f"- {source['name']}: {rows:,} pictures of {posts:,} posts")
    split = ", ".join(f"{count:,} {name}" for name, count in about.get("rows", {}).items())
    dropped = ", ".join(
        f"{count:,} {why}" for why, count in about.get("dropped", {}).items() if count
    )
    lines += ["", f"Split by group: {split}. Left out: {dropped or 'none'}."]
    chosen = {
        name: value
        for name, value in about.get("options", {}).items()
        if value not in (None, "", 0, False, [], {}) and name not in PLACES
    }
    if "heads" in about and "heads" in chosen:
        chosen["heads"] = about["heads"]  # those that became labels, of all that were asked for
    if chosen:
        lines += ["", "Chosen by:", "", "```json", _one_a_line(chosen), "```"]
    return "\n".join(lines)


def _one_a_line(values: Mapping[str, Any]) -> str:
    rows = (f"  {json.dumps(n)}: {json.dumps(v, ensure_ascii=False)}" for n, v in values.items())
    return "{\n" + ",\n".join(rows) + "\n}"
