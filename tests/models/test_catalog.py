"""The published models, held against what their cards and old clients say."""

from __future__ import annotations

import re

import pytest

from tagger.models.catalog import CATALOG, DEFAULT
from tagger.models.contract import Contract
from tagger.models.spec import ModelSpec
from tagger.preprocess import WD

# Precision equals recall at these thresholds, from the model cards.
CARDS = {
    "wd-v1-4-vit-tagger-v2": 0.3537,
    "wd-v1-4-convnext-tagger-v2": 0.3685,
    "wd-v1-4-convnextv2-tagger-v2": 0.3710,
    "wd-v1-4-swinv2-tagger-v2": 0.3771,
    "wd-v1-4-moat-tagger-v2": 0.3771,
    "wd-vit-tagger-v3": 0.2614,
    "wd-swinv2-tagger-v3": 0.2653,
    "wd-convnext-tagger-v3": 0.2682,
    "wd-vit-large-tagger-v3": 0.2606,
    "wd-eva02-large-tagger-v3": 0.5296,
    "idolsankaku-swinv2-tagger-v1": 0.3094,
    "idolsankaku-eva02-large-tagger-v1": 0.4985,
}
# What clients of toriato's, Akegarasu's, picobyte's and 67372a's extensions ask for.
ASKED = {
    "wd14-vit-v2": "wd-v1-4-vit-tagger-v2",
    "wd14-vit-v2-git": "wd-v1-4-vit-tagger-v2",
    "wd14-vit.v2": "wd-v1-4-vit-tagger-v2",
    "wd14-convnext-v2": "wd-v1-4-convnext-tagger-v2",
    "wd14-convnext-v2-git": "wd-v1-4-convnext-tagger-v2",
    "wd14-convnext.v2": "wd-v1-4-convnext-tagger-v2",
    "wd14-convnextv2-v2": "wd-v1-4-convnextv2-tagger-v2",
    "wd14-convnextv2-v2-git": "wd-v1-4-convnextv2-tagger-v2",
    "wd14-convnextv2.v1": "wd-v1-4-convnextv2-tagger-v2",
    "wd14-swinv2-v2": "wd-v1-4-swinv2-tagger-v2",
    "wd14-swinv2-v2-git": "wd-v1-4-swinv2-tagger-v2",
    "wd14-swinv2-v1": "wd-v1-4-swinv2-tagger-v2",
    "wd14-moat-v2": "wd-v1-4-moat-tagger-v2",
    "wd-v1-4-moat-tagger.v2": "wd-v1-4-moat-tagger-v2",
    "wd-vit-v3": "wd-vit-tagger-v3",
    "wd-v1-4-vit-tagger.v3": "wd-vit-tagger-v3",
    "wd-swinv2-v3": "wd-swinv2-tagger-v3",
    "wd-v1-4-swinv2-tagger.v3": "wd-swinv2-tagger-v3",
    "wd-convnext-v3": "wd-convnext-tagger-v3",
    "wd-v1-4-convnext-tagger.v3": "wd-convnext-tagger-v3",
    "wd14-vit.v3.large": "wd-vit-large-tagger-v3",
    "wd14-eva02.v3.large": "wd-eva02-large-tagger-v3",
}


def test_thresholds_are_the_authors_operating_points() -> None:
    """One line, one card."""
    assert {spec.name: spec.thresholds.overall for spec in CATALOG} == CARDS


def test_old_names_are_aliases_of_one_model_each() -> None:
    """No alias is missing, none is invented, none is claimed twice or hides a name."""
    pairs = [(alias, spec.name) for spec in CATALOG for alias in spec.aliases]

    assert dict(pairs) == ASKED
    assert len(pairs) == len(ASKED)
    assert not set(ASKED) & set(CARDS)


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_every_line_says_what_a_list_shows(spec: ModelSpec) -> None:
    """A name, a repository, a licence, files that can be checked where they are pinned."""
    assert spec.repo
    assert spec.repo.endswith(f"/{spec.name}")
    assert spec.source.startswith("https://huggingface.co/")
    assert spec.licence
    assert spec.title
    if spec.files:
        assert re.fullmatch(r"[0-9a-f]{40}", spec.revision)
        assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256 or "") for file in spec.files)
        assert {file.path for file in spec.files} == {"model.onnx", "selected_tags.csv"}
    assert spec.contract == Contract(preprocess=WD)


def test_the_default_is_the_first_line() -> None:
    """A new user is offered one model, at the top of the list."""
    assert CATALOG[0].name == DEFAULT == "wd-swinv2-tagger-v3"


def test_timm_weights_see_the_same_colours_as_the_graph() -> None:
    """BGR, from -1 to 1, channels first, logits out: as the author's own torch script has it."""
    import numpy as np

    from tagger.preprocess import normalise

    timm = CATALOG[0].contracts[1]
    pixels = np.zeros((1, 448, 448, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = 255, 51  # red full, green a fifth

    tensor = normalise(pixels, timm.preprocess)

    assert (timm.runtime, timm.activation) == ("timm", "sigmoid")
    assert tensor.shape == (1, 3, 448, 448)
    np.testing.assert_allclose(tensor[0, :, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)
