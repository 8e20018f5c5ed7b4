"""The end of a training: from the best weights to the universal folder."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from ..export.card import Card
from ..export.folders import Finished, write_universal
from ..export.graph import round_weights
from .config import arguments
from .material import Material
from .progress import Progress
from .report import make_report


def finish(material: Material, network: nn.Module, progress: Progress) -> Path:
    """Fit thresholds, measure, write RUN/model and RUN/report.json; gives the model's folder.

    Everything is measured on the weights as they are stored.
    """
    config = material.config
    if config.card.weights == "fp16":
        round_weights(network)
    progress.say("fitting thresholds, measuring")
    splits = {"calibration": material.calibration, "validation": material.validation}
    report = make_report(material.score_with(network), material.targets, material.training, splits)
    about = material.targets.dataset.about
    text = json.dumps(report.figures, indent=2)
    (config.out / "report.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    progress.record("report", **report.figures["all"])
    name = config.card.name or config.out.name
    card = Card(
        name=name,
        title=config.card.title,
        licence=config.card.licence,
        credits=config.card.credits,
        notes=config.card.notes,
        figures=report.figures,
        dataset=about,
    )
    finished = Finished(
        network=network,
        architecture=config.network.architecture,
        arguments=arguments(config.network.model_args),
        rows=material.targets.rows,
        thresholds=report.thresholds,
        pool=config.network.pool,
        weights=config.card.weights,
        card=card,
        relations=material.targets.dataset.relations,
    )
    folder = write_universal(finished, config.out / "model")
    overall = report.figures["all"]
    progress.say(
        f"{folder}: micro-F1 {overall['micro_f1'][0]:.3f}, "
        f"mAP {overall['mean_average_precision']:.3f} on {overall['pictures']:,} pictures"
    )
    return folder
