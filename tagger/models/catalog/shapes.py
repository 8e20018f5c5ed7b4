"""What lines of the catalogue share: ways to prepare pixels, operating points, addresses."""

from __future__ import annotations

from typing import Any

from ...preprocess import Preprocess
from ..spec import File

Triple = tuple[float, float, float]

HALF: Triple = (0.5, 0.5, 0.5)
IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP: tuple[Triple, Triple] = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
P_IS_R = "where precision equals recall"
ADVISED = "the author's advice"
UNKNOWN = "unknown, so a usual one"


def square(side: int, **how: Any) -> Preprocess:
    """RGB planes of 0 to 1, `side` pixels square; `how` says what is different."""
    return Preprocess((side, side), **{"layout": "nchw", "scale": 1 / 255, **how})


def signed(side: int, **how: Any) -> Preprocess:
    """As `square`, from -1 to 1."""
    return square(side, mean=HALF, std=HALF, **how)


def files(*rows: tuple[str, int, str]) -> tuple[File, ...]:
    """Files of a pinned revision: path, bytes, SHA-256."""
    return tuple(File(*row) for row in rows)


def hub(repo: str) -> dict[str, Any]:
    """Where a repository of the Hugging Face hub is, for a program and for a person."""
    return {"repo": repo, "source": f"https://huggingface.co/{repo}"}
