"""Pictures in whole patches: JTP-3's sizes, and nothing lost or mixed up on the way."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.patches import cut, patched_size


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1536), (416, 624)),
        ((300, 200), (288, 192)),
        ((512, 512), (512, 512)),
        ((1000, 333), (880, 288)),
        ((64, 800), (64, 800)),
        ((5000, 3000), (640, 384)),
        ((10, 7), (16, 16)),
    ],
)
def test_sizes_are_jtp_3s(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """What the author's own search gave for 1,024 patches of 16, run once."""
    assert patched_size(size, 16, 1024) == expected


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([14, 16]), st.integers(1, 300))
def test_a_picture_keeps_as_many_patches_as_allowed(w: int, h: int, patch: int, most: int) -> None:
    """Found again by trying every scale at which a side takes one patch more."""
    width, height = patched_size((w, h), patch, most)
    assert width % patch == height % patch == 0
    found = width // patch, height // patch
    assert found[0] * found[1] <= most
    whole = max(w // patch, 1), max(h // patch, 1)

    def at(scale: Fraction) -> tuple[int, int]:
        columns, rows = (ceil(side * scale / patch) for side in (w, h))
        return min(columns, whole[0]), min(rows, whole[1])

    scales = {min(Fraction(n * patch, side), 1) for n in range(1, most + 1) for side in (w, h)}
    fitting = [s for s in scales if at(s)[0] * at(s)[1] <= most]
    if not fitting or whole[0] * whole[1] <= most:
        assert whole[0] * whole[1] > most or found == whole
        return
    best = Fraction(max(fitting))
    near = at(max(best - Fraction(1, 50_000), Fraction(1, 10**9)))  # the author stops within 1e-5
    assert near <= found <= at(best)


def test_patches_are_the_pictures_squares() -> None:
    """Row by row, each patch's own rows after one another, whatever the shapes beside it."""
    rng = np.random.default_rng(4)
    pictures = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((6, 4), (2, 8), (4, 4))]
    batch = cut(pictures, 2)
    assert batch.pixels.shape == (3, 6, 12)
    for row, picture in enumerate(pictures):
        count = picture.shape[0] * picture.shape[1] // 4
        assert batch.valid[row].tolist() == [number < count for number in range(6)]
        for number in range(count):
            y, x = batch.places[row, number]
            assert (y, x) == divmod(number, picture.shape[1] // 2)
            square = picture[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            assert np.array_equal(batch.pixels[row, number], square.ravel())
