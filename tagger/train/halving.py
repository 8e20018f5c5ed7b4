"""What storing weights as float16 changes: probabilities, and answers at the thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-2
"""Of a probability: what float16 may change; beyond it weights are better kept in float32."""
PICTURES = 2000
"""Most pictures that both are asked about."""


@dataclass(frozen=True)
class Halving:
    """largest: difference of a probability. flips: answers that changed sides of their threshold,
    of so many answers about so many pictures.
    """

    pictures: int
    answers: int
    largest: float
    flips: int

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """What to say of it."""
        said = (
            f"weights stored as float16: a probability moves by at most {self.largest:.2g}, "
            f"{self.flips:,} of {self.answers:,} answers change"
        )
        if self.largest <= TOLERANCE:
            return said
        return f"{said}; that is more than {TOLERANCE:g}: --weights fp32 keeps them as they are"


def compare(
    exact: NDArray[np.float32], rounded: NDArray[np.float32], limits: NDArray[np.float32]
) -> Halving:
    """Hold probabilities, float32 [N, n], before and after at thresholds, float32 [n].

    Labels whose threshold is NaN give no answers.
    """
    largest = float(np.abs(exact - rounded).max(initial=0))
    asked = ~np.isnan(limits)
    sides = [each[:, asked] >= limits[asked] for each in (exact, rounded)]
    return Halving(len(exact), sides[0].size, largest, int((sides[0] != sides[1]).sum()))
