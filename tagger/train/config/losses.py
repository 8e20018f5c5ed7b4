"""The loss: what a wrong answer costs."""

from __future__ import annotations

from dataclasses import dataclass

from ...options import check, option


@dataclass(frozen=True)
class LossOptions:
    """What a wrong answer costs."""

    label_smoothing: float = option(0.0, help="Share of every target that goes to 1/2.", ge=0, le=1)

    def __post_init__(self) -> None:
        check(self)
