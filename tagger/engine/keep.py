"""How long loaded models stay."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .tagger import Clock


@dataclass(frozen=True)
class Keep:
    """Times and numbers; where models wait after use is said by `Runtime.keep`.

    Attributes:
        idle_s: seconds without use after which a model is unloaded; None keeps it.
        rest_s: seconds without use after which its work is over, and it leaves the device.
        models: models loaded at once, the least recently used goes; None is no limit.
        clock: what tells the time in seconds.
    """

    idle_s: float | None = None
    rest_s: float = 2.0
    models: int | None = None
    clock: Clock = time.monotonic
