"""The header of a safetensors file, read without a library: what its tensors are and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError

LARGEST = 64 << 20
"""Bytes of a header; 100 MB is what the library itself takes."""


def read_tensors_header(path: Path) -> Mapping[str, Any]:
    """Read the names of the tensors, each with its type, shape and place, and `__metadata__`.

    Raises:
        ModelError: no such file, or no safetensors.
    """
    return _read(path)[0]


def check_whole(path: Path) -> None:
    """Refuse a safetensors file that ends before its last tensor does.

    Raises:
        ModelError: no such file, no safetensors, or cut short.
    """
    header, start = _read(path)
    try:
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name[:2] != "__"]
        missing = start + max([int(end) for end in ends], default=0) - path.stat().st_size
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: expected safetensors, got a header with {error!r}") from error
    if missing > 0:
        raise ModelError(
            f"{path}: expected a whole safetensors file, got {missing:,} bytes too few: copy or "
            f"download it again"
        )


def _read(path: Path) -> tuple[Mapping[str, Any], int]:
    """The header, and where the tensors begin."""
    length = 0
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head: Any = json.loads(file.read(length)) if 0 < length <= LARGEST else None
    except OSError as error:
        raise ModelError(f"{path}: expected weights, got {error.strerror}") from error
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict):
        raise ModelError(f"{path}: expected a safetensors file, got other bytes: fetch it again")
    return cast("Mapping[str, Any]", head), 8 + length
