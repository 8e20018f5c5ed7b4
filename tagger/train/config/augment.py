"""What chance does to a picture before the network sees it."""

from __future__ import annotations

from dataclasses import dataclass

from ...options import check, option


@dataclass(frozen=True)
class AugmentOptions:
    """What chance does to a picture before the network sees it."""

    flip: float = option(
        0.5,
        help="Mirror this share of the pictures; 0 where tags tell left from right.",
        ge=0,
        le=1,
    )
    shift: float = option(0.05, help="Move pictures by up to this share of a side.", ge=0, le=0.5)
    zoom: float = option(0.0, help="Scale pictures by up to this share, up or down.", ge=0, le=0.5)
    cutout: float = option(
        0.0, help="Grey out a square of up to this share of a side in half of them.", ge=0, le=0.9
    )
    colour: float = option(
        0.0, help="Change brightness and contrast by up to this share.", ge=0, le=0.5
    )

    def __post_init__(self) -> None:
        check(self)
