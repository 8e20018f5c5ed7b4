"""What the averaged network is worth after an epoch: loss and mAP over a list of tags for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..evaluate.metrics import Predictions
from .data import rows_in_batches
from .learner import Learner, autocast
from .material import SCORED_AT_ONCE, Material
from .pixels import to_images
from .report import mean_average_precision


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found on some rows: mean loss, mAP, and probabilities float32[N, n]."""

    loss: float
    mean_average_precision: float
    found: Predictions


def judge(
    material: Material, learner: Learner, rows: NDArray[np.intp], labels: NDArray[np.intp]
) -> Judged:
    """Judge the averaged network on rows, by the labels of a list that never changes in a run.

    Every process takes its share; all get the same figures.
    """
    processes, own = learner.accelerator.num_processes, learner.accelerator.process_index
    padded = np.resize(rows, -(-len(rows) // processes) * processes)  # as many for each
    with learner.average.swapped(learner.network):
        learner.whole.eval()
        own_rows = padded[own::processes]
        counted = len(range(own, len(rows), processes))  # what fills up is not judged twice
        logits, loss = _score(material, learner, own_rows, counted)
        learner.whole.train()
    gathered: Any = learner.accelerator.gather(torch.cat(logits))
    scores = torch.sigmoid(gathered).cpu().numpy()
    # process by process -> row by row
    scores = scores.reshape(processes, -1, scores.shape[1]).swapaxes(0, 1)
    scores = scores.reshape(len(padded), -1)[: len(rows)]
    losses: Any = learner.accelerator.gather(loss)
    mean = losses.sum().item() / len(rows)
    truth, known = material.targets.of(rows)
    found = Predictions(scores, truth, known)
    return Judged(mean, mean_average_precision(found, labels), found)


@torch.no_grad()
def _score(
    material: Material, learner: Learner, rows: NDArray[np.intp], counted: int
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Logits of each batch, and the summed loss of the first `counted` rows, a tensor [1]."""
    device = learner.accelerator.device
    logits: list[torch.Tensor] = []
    total, done = torch.zeros(1, device=device), 0
    for batch in material.loader.batches(rows_in_batches(rows, SCORED_AT_ONCE)):
        truth, known = batch.truth.to(device), batch.known.to(device)
        places = torch.arange(done, done + len(batch.rows), device=device)
        weight = (places < counted).float()
        with autocast(material.config, device if device.type == "cuda" else torch.device("cpu")):
            images = to_images(batch.pixels, device)
            parts = learner.whole(images, truth, known, judging=True, weight=weight)
        logits.append(parts["logits"])
        total += parts["loss"] * len(batch.rows)
        done += len(batch.rows)
    return logits, total
