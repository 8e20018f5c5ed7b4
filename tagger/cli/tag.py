"""`tagger tag IMAGE...`: the tags of pictures, for a person or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..argv import flagged, parse
from ..caption import Caption
from ..errors import UsageError
from ..options import option
from ..pipeline import Outcome, Pipeline, Union
from ..settings import Precision, Runtime
from . import DONE, FAILED
from .flags import CaptionFlags, borrowed
from .opening import captioner_for, find_models, open_model
from .screen import line, say


@dataclass(frozen=True)
class TagFlags(CaptionFlags):
    """Print the tags of pictures, with their confidence."""

    images: tuple[Path, ...] = option((), help="Pictures.", metavar="IMAGE")
    json: bool = option(False, help="One JSON object a line, for scripts.")
    device: str = borrowed(Runtime, "device")
    precision: Precision = borrowed(Runtime, "precision")


def run(argv: Sequence[str], prog: str) -> int:
    """Print tags; 1 if a picture could not be read."""
    flags = parse(TagFlags, argv, prog, positional=["images"])
    _check(flags.images)
    settings, blend = flags.settings(), flags.blend()
    with flagged(Runtime):
        # a few pictures have all of the processor, each its share
        runtime = Runtime(flags.device, flags.precision, streams=len(flags.images))
    models = find_models(flags.model)
    captioner = captioner_for(models, settings, blend)
    failed = 0
    with ExitStack() as stack:
        opened = [open_model(model, runtime) for model in models]
        pipelines = [stack.enter_context(Pipeline(tagger, runtime)) for tagger in opened]
        scorer = pipelines[0] if len(pipelines) == 1 else Union(pipelines, blend, captioner.decides)
        for outcome in scorer.stream(flags.images, ordered=True):
            failed += outcome.scores is None
            caption = outcome.scores and captioner(outcome.scores, Path(str(outcome.source)))
            _print_json(outcome, caption) if flags.json else _print(outcome, caption)
    return FAILED if failed else DONE


def _check(images: Sequence[Path]) -> None:
    if not images:
        raise UsageError("expected pictures, got none: `tagger tag picture.png`")
    for path in images:
        if path.is_dir():
            raise UsageError(f"{path}: expected a picture, got a folder: `tagger caption {path}`")
        if not path.exists():
            raise UsageError(f"{path}: expected a picture, got nothing there")


def _print_json(outcome: Outcome, caption: Caption | None) -> None:
    print(json.dumps(_as_json(outcome, caption), ensure_ascii=False), flush=True)


def _as_json(outcome: Outcome, caption: Caption | None) -> dict[str, Any]:
    if caption is None or outcome.scores is None:
        return {"path": str(outcome.source), "error": str(outcome.error)}
    rating = caption.rating
    return {
        "path": str(outcome.source),
        "model": outcome.scores.model,
        "caption": caption.text,
        "rating": rating and {"name": rating.name, "score": rating.score},
        "tags": [
            {"name": tag.name, "category": tag.category, "score": tag.score} for tag in caption.tags
        ],
    }


def _print(outcome: Outcome, caption: Caption | None) -> None:
    if caption is None:
        say(outcome.error)
        return
    line(outcome.source)
    for each in _lines(caption):
        line(f"  {each}")
    if caption.text:
        line(f"  {caption.text}")


def _lines(caption: Caption) -> Iterator[str]:
    """The rating, then the tags with their confidence, a line for each category."""
    if caption.rating is not None:
        yield f"{'rating':<10} {caption.rating.name} {caption.rating.score:.2f}"
    for category in dict.fromkeys(tag.category for tag in caption.tags):
        scored = (f"{t.name} {t.score:.2f}" for t in caption.tags if t.category == category)
        yield f"{category:<10} {', '.join(scored)}"
