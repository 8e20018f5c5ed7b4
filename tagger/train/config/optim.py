"""How the weights move: steps, learning rate, decay, average."""

from __future__ import annotations

from dataclasses import dataclass

from ...options import check, option


@dataclass(frozen=True)
class OptimOptions:
    """How the weights move."""

    epochs: int = option(20, help="Times that every picture is seen.", ge=1)
    batch_size: int = option(64, help="Pictures in a step.", ge=2)
    lr: float = option(2e-3, help="Highest learning rate, of AdamW.", ge=0)
    warmup: float = option(0.1, help="Share of the training in which the rate rises.", ge=0, le=1)
    weight_decay: float = option(
        0.05, help="Weight decay of the weights; biases and normalisation have none.", ge=0
    )
    clip: float = option(5.0, help="Greatest norm of the gradients; 0 for none.", ge=0)
    ema: float = option(
        0.998, help="How much of the weights' moving average a step keeps; 0 for none.", ge=0, le=1
    )

    def __post_init__(self) -> None:
        check(self)
