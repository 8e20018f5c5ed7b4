"""What the finished model says of itself, and how it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...options import check, option


@dataclass(frozen=True)
class CardOptions:
    """What the finished model says of itself."""

    name: str = option("", help="What the model is called; without it, as RUN is.")
    title: str = option("", help="One line for a person.")
    licence: str = option("unknown", help="Licence of the weights: an SPDX identifier, or a name.")
    credits: tuple[str, ...] = option((), help="For the model card: whose pictures these were.")
    notes: tuple[str, ...] = option((), help="For the model card: what it is and is not for.")
    weights: Literal["fp32", "fp16"] = option(
        "fp32", help="How the finished model's weights are stored; it computes in fp32 either way."
    )
    embeddings: bool = option(
        False,
        help="Let the finished graph give vectors too: `embedding`, and `embedding_HEAD` of heads "
        "with a hidden layer.",
    )

    def __post_init__(self) -> None:
        check(self)
