"""`tagger curves RUN`: what a training did, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..argv import parse
from ..options import check, option
from . import screen


@dataclass(frozen=True)
class CurvesFlags:
    """Draw a training's curves: loss, mAP, learning rate, pictures a second."""

    run: Path = option(help="The training's folder, its --out.", metavar="RUN")
    out: Path | None = option(None, help="The PNG; without it, curves.png in RUN.")
    landscape: Literal["line", "plane", "surface"] | None = option(
        None,
        help="Draw the loss around the best network instead, along one random direction or two; "
        "needs the DATASET, and takes as many forward passes as there are points.",
    )
    points: int = option(21, help="For --landscape: points along a direction.", ge=3, le=201)

    def __post_init__(self) -> None:
        check(self)


def run(argv: Sequence[str], prog: str = "tagger curves") -> int:
    """Write the picture and say where; 0 when it is there."""
    flags = parse(CurvesFlags, argv, prog, positional=["run"])
    if flags.landscape is None:
        from ..train.curves import plot_curves

        print(plot_curves(flags.run, flags.out or flags.run / "curves.png"))
        return 0
    from ..train.landscape import draw_landscape

    path = flags.out or flags.run / f"landscape-{flags.landscape}.png"
    with screen.progress("Looking around") as tell:
        draw_landscape(flags.run, path, flags.landscape, flags.points, tell)
    print(path)
    return 0
