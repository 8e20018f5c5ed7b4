"""Models with random weights in WD's layout: what they say means nothing, what it costs does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tagger.export.card import Card  # noqa: E402 - the checkout above us, installed or not
from tagger.export.folders import TIMM, Finished, write_universal  # noqa: E402
from tagger.export.rows import universal_rows  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category  # noqa: E402
from tagger.preprocess import fit, normalise  # noqa: E402
from tagger.thresholds import Thresholds  # noqa: E402

# As WD v3 has them: https://github.com/SmilingWolf/JAX-CV, without its trained weights.
_VIT = {"img_size": 448, "class_token": False, "global_pool": "avg", "fc_norm": False}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit-tiny": ("vit_tiny_patch16_224", _VIT),
    "mobilenetv3-small": ("mobilenetv3_small_100", {}),
    "vit-base": ("vit_base_patch16_224", _VIT),
}
GENERAL, CHARACTERS = 8106, 2751
"""Tags of WD v3, beside four ratings."""
TAGS = 30
"""Tags of an average picture over THRESHOLD."""
THRESHOLD = 0.35


def make(name: str, folder: Path, pictures: list[Path]) -> Path:
    """Write the model called `name` below `folder`, its head set by `pictures`; once."""
    target = folder / name
    if target.exists():
        return target
    torch.manual_seed(0)
    architecture, arguments = NETWORKS[name]
    rows = universal_rows(vocabulary())
    network: Any = timm.create_model(architecture, num_classes=len(rows.labels), **arguments)
    calibrate(network.eval(), pictures)
    card = Card(name, licence="CC0-1.0")
    return write_universal(
        Finished(network, architecture, arguments, rows, Thresholds(THRESHOLD), card), target
    )


def vocabulary() -> LabelSet:
    """Labels of which nothing but the number is WD's."""
    kinds = ((GENERAL, "general", "tag"), (CHARACTERS, "character", "somebody"))
    return LabelSet(
        tuple(
            Label(f"{word}_{number:05d}", category(DANBOORU, kind), count - number)
            for count, kind, word in kinds
            for number in range(count)
        )
    )


@torch.inference_mode()
def calibrate(network: Any, pictures: list[Path]) -> None:
    """Spread the head's logits, and move them so that TAGS of a picture pass THRESHOLD."""
    pixels = np.stack([fit(Image.open(path), TIMM) for path in pictures])
    head = network.get_classifier()
    torch.nn.init.normal_(head.weight, 0, 0.02)
    torch.nn.init.normal_(head.bias, 0, 1)
    logits = network(torch.from_numpy(normalise(pixels, TIMM)))
    head.weight.mul_(2 / logits.std())
    head.bias.mul_(2 / logits.std())
    passing = (logits * 2 / logits.std()).quantile(1 - TAGS / logits.shape[1], dim=1).mean()
    head.bias.add_(float(np.log(THRESHOLD / (1 - THRESHOLD))) - passing)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("pictures", type=Path, nargs="+")
    asked = arguments.parse_args()
    for each in NETWORKS:
        print(make(each, asked.folder, asked.pictures))
