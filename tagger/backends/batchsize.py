"""How many pictures a device's free memory holds at once. Knows no library."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import DeviceMemoryError

LARGEST = 128
"""Pictures in a batch; beyond that nothing is gained, and pictures wait for each other."""
SHARE = 0.7
"""Of the free memory that may be taken: others use the device too, and memory is cut in pieces."""


def find_batch(taken: Callable[[int], int], free: int, most: int = LARGEST) -> int:
    """The largest power of two up to `most` that should fit into `free` bytes.

    `taken(n)` runs n pictures and says how many bytes that took beside the weights; it is asked
    for one and for two, and the rest follows: something fixed, and so much for each. It may raise
    DeviceMemoryError; should more not fit after all, whoever runs them halves the batch.
    """
    batch = 1
    try:
        one, two = taken(1), taken(2)
    except DeviceMemoryError:
        return batch
    each = max(1, two - one)
    fixed = max(0, one - each)
    while 2 * batch <= most and fixed + 2 * batch * each <= SHARE * free:
        batch *= 2
    return batch
