"""How much memory a training takes: of the card, else of the process."""

from __future__ import annotations

import sys

import torch


def memory_used(device: torch.device) -> int:
    """Bytes at the most so far; 0 where nobody can say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has none
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
