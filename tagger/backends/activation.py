"""From what a network puts out to probabilities, in float32 whatever the network computed in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..labels import LabelSet
from ..models.spec import Contract


def activate(
    outputs: NDArray[np.floating], contract: Contract, labels: LabelSet
) -> NDArray[np.float32]:
    """Turn outputs [N, m] into probabilities, float32 [N, n], as the contract says."""
    values = outputs.astype(np.float32, copy=False)
    if contract.activation == "none":
        return values
    if contract.activation == "gated":
        value, gate = np.split(sigmoid(values), 2, axis=1)
        return value * gate
    result = sigmoid(values)
    if contract.activation == "softmax":
        for name in contract.softmax:
            group = labels.of(name)
            result[:, group] = softmax(values[:, group])
    return result


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + e^-x), float32 in and out."""
    with np.errstate(over="ignore"):  # e^-x beyond float32 is infinity, and 1 / infinity is right
        return np.divide(1, 1 + np.exp(-logits), dtype=np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """e^x / sum of e^x along the last axis, float32 in and out."""
    if logits.shape[-1] == 0:
        return logits
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
