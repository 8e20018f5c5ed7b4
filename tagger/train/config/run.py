"""Where and how long a training runs, and how often it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import OptionError
from ...options import check, option


@dataclass(frozen=True)
class RunOptions:
    """Where and how long it runs."""

    seed: int = option(
        0,
        help="Decides the first weights, the order and what is done to pictures.",
        ge=0,
        le=2**31,
    )
    precision: Literal["fp32", "bf16", "fp16"] = option(
        "fp32", help="Precision of the network's arithmetic; the loss is always fp32."
    )
    device: str = option(
        "auto",
        help="Where it runs: auto, cpu, cuda or cuda:N. Several cards and machines: `accelerate "
        "launch -m tagger.train` or `torchrun -m tagger.train`.",
    )
    threads: int = option(0, help="Processor threads; 0 leaves it to torch.", ge=0, le=1024)
    compile: bool = option(
        False, help="Compile the network by torch.compile: minutes first, faster steps then."
    )
    deterministic: bool = option(
        False, help="Only operations that give the same bits every time, slower on a card."
    )
    resolutions: tuple[str, ...] = option(
        (),
        help="Begin with smaller pictures: 64@0.5 sees 64 pixels until half of the training is "
        "done. Once for each step, ascending.",
        metavar="SIDE@SHARE",
    )
    save_every: int = option(
        1000, help="Steps between checkpoints; each epoch makes one too.", ge=1
    )
    time_limit: float = option(
        0.0, help="Minutes; the learning rate reaches its end by then; 0 for none.", ge=0
    )

    def __post_init__(self) -> None:
        check(self)
        self.sides()

    def sides(self) -> tuple[tuple[int, float], ...]:
        """(pixels, share of the training until which they are seen), ascending.

        Raises OptionError for what is no such step.
        """
        steps: list[tuple[int, float]] = []
        for text in self.resolutions:
            side, _, share = text.partition("@")
            try:
                step = int(side), float(share)
            except ValueError:
                step = 0, 0.0
            ascends = not steps or (step[0] > steps[-1][0] and step[1] > steps[-1][1])
            if not (step[0] >= 8 and 0 < step[1] < 1 and ascends):
                raise OptionError(
                    f"resolutions: expected ascending steps such as 64@0.5, got {text!r}"
                )
            steps.append(step)
        return tuple(steps)
