"""What chance does to a picture before the network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from ...options import check, option

KERNELS = ("area", "bilinear", "bicubic", "lanczos", "box", "hamming")


@dataclass(frozen=True)
class AugmentOptions:
    """What chance does to a picture before the network sees it."""

    flip: float = option(
        0.5,
        help="Mirror this share of the pictures; tags that say left or right change places.",
        ge=0,
        le=1,
    )
    flip_pairs: Path | None = option(
        None, help="CSV of more tags that change places when a picture is mirrored, two a line."
    )
    shift: float = option(0.05, help="Move pictures by up to this share of a side.", ge=0, le=0.5)
    zoom: float = option(0.0, help="Scale pictures by up to this share, up or down.", ge=0, le=0.5)
    crop: float = option(
        1.0, help="Cut out a square of at least this share of a side (WD: 0.87).", ge=0.1, le=1
    )
    rotate: float = option(0.0, help="Turn pictures by up to so many degrees.", ge=0, le=45)
    kernels: tuple[str, ...] = option(
        (),
        help="Resize by one of these kernels, drawn for each picture (WD: area, bilinear, "
        "bicubic); pictures are then decoded every time.",
        choices=KERNELS,
    )
    cutout: float = option(
        0.0, help="Grey out a square of up to this share of a side in half of them.", ge=0, le=0.9
    )
    colour: float = option(
        0.0,
        help="Change brightness and contrast by up to this share, and saturation by a fifth of it; "
        "the hue is left, which tags name.",
        ge=0,
        le=0.5,
    )
    mixup: float = option(
        0.0, help="MixUp: alpha of the Beta distribution that weighs two pictures; 0: none.", ge=0
    )
    mixup_at: str = option(
        "pixels",
        help="Whether pixels are mixed, or what the network makes of them.",
        choices=("pixels", "embeddings"),
    )

    def __post_init__(self) -> None:
        check(self)
        if self.mixup_at not in ("pixels", "embeddings"):
            raise OptionError(f"mixup_at: expected pixels or embeddings, got {self.mixup_at!r}")
