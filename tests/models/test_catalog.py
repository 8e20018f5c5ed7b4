"""The published models, held against what their cards and old clients say."""

from __future__ import annotations

import re
from collections import Counter

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
    "deepdanbooru": 0.5,
    "torchdeepdanbooru": 0.5,
    "ml-danbooru-caformer": 0.7,
    "ml-danbooru-tresnet-d": 0.7,
    "joytag": 0.4,
    "camie-tagger": 0.2576,
    "camie-tagger-refined": 0.2616,
    "camie-tagger-v2": 0.61,
    "cl-tagger-v2.01a": 0.55,
    "z3d-e621-convnext": 0.35,
    "oppaioracle-v1": 0.614,  # the mean tag's; all tags together have 0.670
    "oppaioracle-v1.1": 0.753,  # likewise; 0.793
    "jtp-pilot": 0.2,
    "jtp-pilot2": 0.2,
    "jtp-3-hydra": 0.75,  # 0.5 on the author's scale of -1 to 1
    "deepgelbooru": 0.3,
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
    "wd14-vit": "wd-v1-4-vit-tagger",
    "wd14-vit.v1": "wd-v1-4-vit-tagger",
    "wd14-convnext": "wd-v1-4-convnext-tagger",
    "wd14-convnext.v1": "wd-v1-4-convnext-tagger",
    "mld-caformer.dec-5-97527": "ml-danbooru-caformer",
    "mld-tresnetd.6-30000": "ml-danbooru-tresnet-d",
    "Z3D-E621-Convnext": "z3d-e621-convnext",
}
# Families, by the models that people use of each.
FAMILIES = {
    "wd": 13,
    "idolsankaku": 2,
    "deepdanbooru": 2,
    "ml-danbooru": 2,
    "joytag": 1,
    "camie": 3,
    "pixai": 2,
    "cl_tagger": 4,
    "oppaioracle": 2,
    "animetimm": 13,
    "deepgelbooru": 1,
    "z3d": 1,
    "jtp": 3,
    "taggerine": 1,
}


def test_thresholds_are_the_authors_operating_points() -> None:
    """One line, one card; where no author says one, the line says that it is unknown."""
    found = {spec.name: spec.thresholds.overall for spec in CATALOG}

    assert {name: found[name] for name in CARDS} == CARDS
    assert all(spec.point for spec in CATALOG)
    unknown = {spec.name for spec in CATALOG if "unknown" in spec.point}
    assert unknown == {"wd-eva02-tagger-2026-canary", "taggerine"}


def test_thresholds_of_categories_are_the_authors() -> None:
    """PixAI names one for each kind of tag."""
    found = {spec.name: spec.thresholds for spec in CATALOG}

    # SmilingWolf's Space begins so; the cards of his first two models name no threshold
    assert found["wd-v1-4-vit-tagger"].categories == {"general": 0.35, "character": 0.85}
    assert found["pixai-tagger-v0.9"].categories == {"general": 0.3, "character": 0.85}
    assert found["pixai-tagger-v1.0"].categories == {
        "general": 0.17,
        "character": 0.27,
        "artist": 0.15,
        "copyright": 0.24,
        "meta": 0.17,
        "rating": 0.41,
    }


def test_every_family_is_there() -> None:
    """And nothing is listed twice."""
    names = [spec.name for spec in CATALOG]

    assert Counter(spec.family for spec in CATALOG) == FAMILIES
    assert len(set(names)) == len(names)


def test_old_names_are_aliases_of_one_model_each() -> None:
    """No alias is missing, none is invented, none is claimed twice or hides a name."""
    pairs = [(alias, spec.name) for spec in CATALOG for alias in spec.aliases]

    assert dict(pairs) == ASKED
    assert len(pairs) == len(ASKED)
    assert not set(ASKED) & {spec.name for spec in CATALOG}


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_every_line_says_what_a_list_shows(spec: ModelSpec) -> None:
    """A source, a licence or that it is unknown, files that can be checked where pinned."""
    assert spec.source.startswith(("https://huggingface.co/", "https://github.com/"))
    assert spec.licence
    assert spec.title
    assert spec.recipe
    assert spec.contracts
    assert spec.revision == "main" or re.fullmatch(r"[0-9a-f]{40}", spec.revision)
    if spec.files:
        assert spec.revision != "main"
        assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256 or "") for file in spec.files)
        assert {file.path for file in spec.files} == set(spec.needs(spec.contract))


def test_wds_own_models_share_one_contract() -> None:
    """The canary keeps their file names and not their tensors."""
    wd = [spec for spec in CATALOG if spec.family in ("wd", "idolsankaku")]

    other = [spec.name for spec in wd if spec.contract != Contract(preprocess=WD)]

    assert other == ["wd-eva02-tagger-2026-canary"]


def test_gated_and_closed_licences_say_so() -> None:
    """cl_tagger v2 may not be passed on; it and animetimm ask for an account."""
    assert {s.family for s in CATALOG if s.gated} == {"cl_tagger", "animetimm"}
    closed = {s.name for s in CATALOG if not s.redistributable}
    assert closed == {"cl-tagger-v2.00", "cl-tagger-v2.01a"}


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
