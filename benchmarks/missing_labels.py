"""What losses make of labels that are missing: `python benchmarks/missing_labels.py DRAWN`.

DRAWN is a folder of `tagger demo draw DRAWN --count 2400 --size 48 --seed 11`, whose every tag is
known. 30, 60 and 90 % of the true labels are taken from the training pictures, of all tags alike
or of the rare ones alone, and a small network learns from what is left, three times from other
first weights, under each loss with its published constants. It is judged by the whole truth.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.evaluate import metrics  # noqa: E402 - the checkout beside us
from tagger.evaluate.metrics import Predictions  # noqa: E402
from tagger.train.config import LossOptions  # noqa: E402
from tagger.train.losses import make_loss  # noqa: E402

LOSSES = ("bce", "asl", "hill", "splc")
RATES = (0.3, 0.6, 0.9)
KINDS = ("uniform", "rare")
SEEDS = (0, 1, 2)
POSTS, CALIBRATION, VALIDATION = 2400, 400, 800
SIDE = 32
EPOCHS, BATCH, RATE, DECAY = 12, 128, 6e-3, 1e-2
SUPPORT = 24
"""Training pictures that have a tag which is learned, before any is taken away."""
FIGURES = {"map": "mAP", "map_rare": "mAP, rare", "f1_half": "F1 at .5", "f1_best": "F1 at best"}
DRAWS = 100
"""Resamplings of the validation pictures for an interval."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures, float32 [N, 3, SIDE, SIDE] in -1..1, and their true tags, bool [N, n]."""

    images: torch.Tensor
    truth: NDArray[np.bool_]
    names: tuple[str, ...]

    @property
    def training(self) -> int:
        """How many of the first pictures are trained on."""
        return len(self.truth) - CALIBRATION - VALIDATION


def main() -> None:
    """Print a line for each loss at each share of missing labels, and a Markdown table."""
    asked = _parse()
    torch.set_num_threads(1)
    drawn = read(Path(asked.drawn))
    print(f"{drawn.training} training pictures, {len(drawn.names)} tags", file=sys.stderr)
    start = time.process_time()
    found: dict[str, Any] = {}
    for kind, rate in [("none", 0.0), *((k, r) for k in KINDS for r in RATES)]:
        scores = {loss: [run(drawn, loss, kind, rate, s) for s in SEEDS] for loss in LOSSES}
        found[f"{kind} {rate:.0%}"] = judged(drawn, scores)
        print(f"{kind} {rate:.0%}: {found[f'{kind} {rate:.0%}']}", file=sys.stderr, flush=True)
    found["cpu_seconds"] = round(time.process_time() - start)
    print(table(found))
    if asked.json:
        Path(asked.json).write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def read(folder: Path) -> Drawn:
    """Pictures and general tags of a drawn booru, those with enough support."""
    lines = (folder / "metadata" / "truth.json").read_text("utf-8").splitlines()
    posts = [json.loads(line) for line in lines[:POSTS]]
    pixels = [
        np.asarray(
            Image.open(folder / f"images/{p['id'] % 1000:04d}/{p['id']}.png")
            .convert("RGB")
            .resize((SIDE, SIDE), Image.Resampling.BOX)
        )
        for p in posts
    ]
    own = [set(post["tag_string_general"].split()) for post in posts]
    names = sorted(set().union(*own))
    truth = np.array([[name in tags for name in names] for tags in own])
    counts = truth[: len(posts) - CALIBRATION - VALIDATION].sum(0)
    kept = (counts >= SUPPORT) & (counts <= 0.95 * len(posts))
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Drawn(images, truth[:, kept], tuple(np.array(names)[kept]))


def missing(truth: NDArray[np.bool_], kind: str, rate: float, seed: int) -> NDArray[np.bool_]:
    """Labels of which a share was taken away: of all tags, or of the rarer half alone."""
    gone = np.random.default_rng([seed, 7]).random(truth.shape) < rate
    if kind == "rare":
        counts = truth.sum(0)
        gone &= counts <= np.median(counts)
    return truth & ~gone


class Small(nn.Module):
    """Three strided convolutions with group normalisation, mean and maximum, one linear layer."""

    def __init__(self, labels: int, priors: NDArray[np.float64]) -> None:
        super().__init__()
        widths, layers = (3, 16, 32, 64), []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(2 * widths[-1], labels)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(torch.from_numpy(np.log(priors / (1 - priors))))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, [N, labels]."""
        maps = self.body(images)
        return self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))


def run(drawn: Drawn, loss: str, kind: str, rate: float, seed: int) -> NDArray[np.float32]:
    """Train once; probabilities of the pictures that were not trained on, float32 [N, n]."""
    torch.manual_seed(seed)
    count = drawn.training
    labels = missing(drawn.truth[:count], kind, rate, seed)
    network = Small(labels.shape[1], labels.mean(0).clip(1e-3, 0.99))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = -(-count // BATCH) * EPOCHS
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.15)
    targets = torch.from_numpy(labels).float()
    for epoch, rows in _batches(count, seed):
        images = drawn.images[rows]
        if epoch % 2:
            images = images.flip(3)
        each = make_loss(loss, LossOptions(), epoch)(network(images), targets[rows])
        optimizer.zero_grad()
        (each.sum() / len(rows)).backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        return network(drawn.images[count:]).sigmoid().numpy()


def judged(drawn: Drawn, scores: dict[str, list[NDArray[np.float32]]]) -> dict[str, Any]:
    """For each loss its FIGURES, means over the seeds; each with its difference from bce, and that
    difference's 95 % interval over pictures (the same ones for both losses).
    """
    truth = drawn.truth[drawn.training :]
    own = np.random.default_rng(1)
    draws = [np.arange(VALIDATION), *(own.integers(0, VALIDATION, (DRAWS, VALIDATION)))]
    values = {
        loss: np.mean([_figures(each, truth, draws) for each in found], 0)
        for loss, found in scores.items()
    }
    said: dict[str, Any] = {}
    for loss, each in values.items():
        apart = each - values["bce"]
        low, high = np.quantile(apart[1:], (0.025, 0.975), axis=0)
        said[loss] = {
            name: [round(float(v), 3) for v in (each[0, n], apart[0, n], low[n], high[n])]
            for n, name in enumerate(FIGURES)
        }
    return said


def _figures(
    scores: NDArray[np.float32], truth: NDArray[np.bool_], draws: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """mAP, that of the rarer half of the tags, F1 at .5, F1 at the calibration pictures' best
    threshold: float64 [draws, 4].
    """
    fitted = Predictions(
        scores[:CALIBRATION], truth[:CALIBRATION], np.ones_like(truth[:CALIBRATION])
    )
    best = metrics.best_point(fitted).threshold
    scores, truth = scores[CALIBRATION:], truth[CALIBRATION:]
    counts = truth.sum(0)
    rare, rows = counts <= np.median(counts), []
    for draw in draws:
        s, t = scores[draw], truth[draw]
        precisions = _precisions(s, t)
        maps = [metrics.mean(precisions), metrics.mean(precisions[rare])]
        rows.append([*maps, _f1(s >= 0.5, t), _f1(s >= best, t)])
    return np.array(rows)


def _precisions(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`metrics.average_precision` of all columns at once, for scores that are all different."""
    order = np.argsort(-scores, axis=0)
    found = np.take_along_axis(truth, order, axis=0)
    at = found.cumsum(0) / np.arange(1, len(found) + 1)[:, None]
    with np.errstate(invalid="ignore"):
        return (at * found).sum(0) / found.sum(0)


def _f1(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (said & truth).sum() / max(1, said.sum() + truth.sum()))


def _batches(count: int, seed: int) -> Iterator[tuple[int, torch.Tensor]]:
    for epoch in range(EPOCHS):
        order = torch.randperm(count, generator=torch.Generator().manual_seed(1000 * seed + epoch))
        yield from ((epoch, rows) for rows in order.split(BATCH))


def table(found: dict[str, Any]) -> str:
    """Markdown: mAP and F1 of bce, and the others' differences with their intervals."""
    lines = [
        "| missing | figure | bce | asl | hill | splc |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for what, by_loss in found.items():
        if not isinstance(by_loss, dict):
            continue
        for name, said in FIGURES.items():
            cells = [f"{by_loss['bce'][name][0]:.3f}"]
            for loss in LOSSES[1:]:
                _, apart, low, high = by_loss[loss][name]
                mark = "**" if low > 0 or high < 0 else ""
                cells.append(f"{mark}{apart:+.3f}{mark} ({low:+.3f} to {high:+.3f})")
            lines.append(f"| {what} | {said} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("drawn", help="folder of `tagger demo draw`")
    parser.add_argument("--json", help="write the figures here too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
