"""Thresholds baked into scores: each label's own becomes 0.35, the one that tools ask for.

A shift of the logit by logit(0.35) - logit(t) takes a label's threshold t to 0.35 and keeps the
order of its scores. Written in odds it needs no logarithm: 1 / (1 + (1 - p) / (p c)), where c is
the ratio of the odds of 0.35 and of t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GLOBAL = 0.35
"""The threshold of tools that have one for all tags; WD's own space, kohya's script, ComfyUI's."""
MARGIN = 1e-6
"""How far from 0.35 a baked score stays: tools compare by > or >=, in float32 or float64."""
_LEAST = 1e-6  # a threshold of 0 or 1 has no odds


def odds_ratios(limits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The factor c of each label's odds, float32[n], for its threshold, float32[n]."""
    own = np.clip(limits.astype(np.float64), _LEAST, 1 - _LEAST)
    return (GLOBAL / (1 - GLOBAL) * (1 - own) / own).astype(np.float32)


def bake(values: NDArray[np.float32], limits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift probabilities, float32[..., n], so that 0.35 parts them as `limits`, float32[n], did.

    p >= t holds exactly where the answer is over 0.35, and a higher score never becomes lower.
    """
    one = np.float32(1)
    with np.errstate(divide="ignore", over="ignore"):
        shifted = one / (one + (one - values) / (values * odds_ratios(limits)))
    low, high = np.float32(GLOBAL - MARGIN), np.float32(GLOBAL + MARGIN)
    return np.where(values < limits, np.minimum(shifted, low), np.maximum(shifted, high))
