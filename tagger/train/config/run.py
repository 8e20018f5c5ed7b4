"""Where and how long a training runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    precision: Literal["fp32", "bf16"] = option(
        "fp32", help="Precision of the network's arithmetic; the loss is always fp32."
    )
    device: str = option("auto", help="Where it runs: auto, cpu, cuda or cuda:N.")
    threads: int = option(0, help="Processor threads; 0 leaves it to torch.", ge=0)
    time_limit: float = option(
        0.0, help="Minutes; the learning rate reaches its end by then; 0 for none.", ge=0
    )

    def __post_init__(self) -> None:
        check(self)
