"""`tagger explain IMAGE --tag NAME`: where in a picture a model sees a tag, as an overlay."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..argv import flagged, parse
from ..backends.explain import Method, by_torch
from ..engine.explaining import Why, paint, why
from ..errors import OptionError, UsageError
from ..folder.wholefile import replacing
from ..images import open_image
from ..options import option
from ..paths import cause_of, openable
from ..settings import Precision, Runtime
from . import DONE
from .flags import borrowed
from .opening import find_model, open_model
from .screen import line
from .written import check_file

_ENOUGH = 0.5
"""Of the heat: what is hotter is where a tag is said to be."""


@dataclass(frozen=True)
class ExplainFlags:
    """Write a picture for each tag with what speaks for the tag coloured."""

    image: Path = option(help="A picture.", metavar="IMAGE")
    tag: tuple[str, ...] = option((), help="Tags to explain, in any spelling.", metavar="NAME")
    model: str = option("", help="A model's name or folder. `tagger models` lists them.")
    method: Method = option(
        "auto",
        help="gradient: what the score hangs on, by gradients (Grad-CAM; of transformers, a "
        "weighted roll-out of attention). rollout: what the network looks at, whatever the tag. "
        "occlusion: how far the score falls when a part is covered; a hundred runs, for every "
        "model. auto: gradient, else occlusion.",
    )
    out: Path | None = option(
        None,
        help="The overlay's PNG, or a folder; without it NAME.TAG.png in the folder where you are.",
        metavar="PATH",
    )
    json: bool = option(False, help="One JSON object a line, for scripts.")
    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")


def run(argv: Sequence[str], prog: str) -> int:
    """Explain one picture; nothing is written unless every tag can be."""
    flags = parse(ExplainFlags, argv, prog, positional=["image"])
    if not flags.tag:
        raise UsageError("--tag: expected a tag to explain, got none: `--tag hat`")
    _check_out(flags)
    with flagged(Runtime):
        runtime = Runtime(flags.device, flags.precision)
    image = open_image(flags.image)
    model = find_model(flags.model)
    tagger = open_model(model if flags.method == "occlusion" else by_torch(model), runtime)
    try:
        found = why(tagger, image, flags.tag, flags.method)
    except OptionError as error:
        raise UsageError(f"--tag: {error}") from None
    for each, path in zip(found, _places(flags, [one.name for one in found]), strict=True):
        picture = paint(image, each.heat)
        try:
            with replacing(path) as place:
                picture.save(openable(place), "PNG")
        except OSError as error:
            raise UsageError(f"{path}: expected to write there, got {cause_of(error)}") from error
        line(json.dumps(_as_json(each, path), ensure_ascii=False) if flags.json else _said(each))
        if not flags.json:
            line(f"  {path}")
    return DONE


def _check_out(flags: ExplainFlags) -> None:
    """Refuse a place where the overlay can't go, before a model is loaded."""
    if flags.out is None or flags.out.is_dir():
        return
    if len(flags.tag) > 1:
        raise UsageError(
            f"--out: expected a folder for {len(flags.tag)} tags, got {flags.out}: make it"
        )
    check_file("--out", flags.out)
    if flags.out.exists() and flags.out.samefile(flags.image):
        raise UsageError(f"--out: expected another file than the picture itself, got {flags.out}")


def _places(flags: ExplainFlags, names: Sequence[str]) -> list[Path]:
    """A file for each tag."""
    out = flags.out or Path()
    if len(names) == 1 and flags.out is not None and not out.is_dir():
        return [out]
    stems: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w()+-]+", "_", name)[:80].strip("._") or "tag"
        stem, number = plain, 2
        while stem.casefold() in map(str.casefold, stems):  # some disks see no difference
            stem, number = f"{plain}_{number}", number + 1
        stems.append(stem)
    return [out / f"{flags.image.stem}.{stem}.png" for stem in stems]


def _said(each: Why) -> str:
    box = _box(each)
    where = "nothing here speaks for it" if box is None else _where(box)
    return f"{each.name} {each.score:.2f}, {where} ({each.method})"


def _where(box: tuple[float, float, float, float]) -> str:
    left, top, right, bottom = (round(100 * side) for side in box)
    return f"hottest from {left} to {right} % across, {top} to {bottom} % down"


def _box(each: Why) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of what is hotter than half, in parts of the picture's sides."""
    rows, columns = np.nonzero(each.heat >= _ENOUGH)
    if not rows.size:
        return None
    high, wide = each.heat.shape
    return (
        float(columns.min() / wide),
        float(rows.min() / high),
        float((columns.max() + 1) / wide),
        float((rows.max() + 1) / high),
    )


def _as_json(each: Why, path: Path) -> dict[str, object]:
    box = _box(each)
    return {
        "tag": each.name,
        "score": round(each.score, 6),
        "method": each.method,
        "box": box and [round(side, 4) for side in box],
        "overlay": str(path),
    }
