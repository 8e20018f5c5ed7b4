"""The network: architectures by name, heads, and what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
pytest.importorskip("pyarrow")

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.errors import OptionError  # noqa: E402
from tagger.train.begin import begin  # noqa: E402
from tagger.train.config import NetworkOptions, TrainConfig  # noqa: E402
from tagger.train.heads import RATING_SCALE, OrdinalHead  # noqa: E402
from tagger.train.mixup import mixed  # noqa: E402
from tagger.train.model import TaggerNetwork  # noqa: E402
from tagger.train.objective import Objective  # noqa: E402
from tagger.train.summary import network_summary  # noqa: E402
from tagger.train.targets import Targets, make_targets  # noqa: E402
from tagger.train.trunk import make_trunk  # noqa: E402

MakeDataset = Callable[..., Path]
Begun = tuple[TaggerNetwork, Objective, Targets, Any, Any, Any]
TINY = {"channels": [8, 8, 8, 16], "stem_width": 8}
TINY_VIT = {"embed_dim": 32, "depth": 4, "num_heads": 2, "patch_size": 8}
NAMED = {
    "efficientnet_b4": 2,
    "tf_efficientnetv2_s": 2,
    "convnext_base": 2,
    "vit_base_patch16_224": 2,
    "vit_large_patch32_224": 2,
    "swinv2_base_window8_256": 1,
    "eva02_large_patch14_448": 1,
    "mobilenetv3_large_100": 2,
    "mobilenetv4_conv_medium": 2,
    "resnet18": 4,
    "resnet152": 4,
    "naflexvit_base_patch16_gap": 2,
}

SIBLINGS = ("vit_base_patch32_224", "vit_large_patch16_224", "resnet50", "efficientnet_b0")


@pytest.fixture
def made(make_dataset: MakeDataset) -> Callable[..., Begun]:
    """Network, objective and targets over a small DATASET, and a batch: images, truth, known."""
    path = make_dataset(24, ratings="gsqe", unknown=5)

    def make(**settings: Any) -> Begun:
        settings = {
            "architecture": "resnet10t",
            "model_args": json.dumps(TINY),
            "pool": 16,
            **settings,
        }
        dataset = Dataset.open(path)
        training = dataset.rows("train")
        targets = make_targets(dataset)
        torch.manual_seed(0)
        config = TrainConfig.of(path, path, **settings)
        network, objective = begin(config, targets, training)
        truth, known = targets.of(training[:6])
        side = config.network.side
        images = torch.rand(6, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
        return (
            network,
            objective,
            targets,
            images,
            torch.from_numpy(truth),
            torch.from_numpy(known),
        )

    return make


@pytest.fixture
def vit(made: Callable[..., Begun]) -> Callable[..., Begun]:
    """The same on a small vision transformer of 28 pixels."""

    def make(**settings: Any) -> Begun:
        tiny = {**TINY_VIT, "patch_size": 7}
        return made(architecture="vit_tiny_patch16_224", model_args=json.dumps(tiny), **settings)

    return make


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_named_architecture_is_built_and_sees_pictures(name: str) -> None:
    """Without memory, so that the large ones cost nothing; as timm's own forward says its shape."""
    options = NetworkOptions(architecture=name, pool=NAMED[name])
    with torch.device("meta"):
        trunk = make_trunk(options)
        images = torch.zeros(2, 3, options.side, options.side)
        maps = trunk.network.forward_features(images)
        pooled = trunk.network.forward_head(maps, pre_logits=True)
        assert pooled.shape == (2, trunk.pooled)
        assert trunk.layout.places(maps).shape[::2] == (2, trunk.layout.features)


def test_their_siblings_are_timms_too() -> None:
    assert all(timm.is_model(name) for name in SIBLINGS)


def test_a_linear_network_is_timms_own(made: Callable[..., Begun]) -> None:
    """Its plain form has timm's names and gives the same scores."""
    network, _, targets, images, *_ = made()
    network.eval()
    plain = network.as_timm()
    own = timm.create_model("resnet10t", num_classes=len(targets.rows.labels), **TINY)
    own.load_state_dict(plain.state_dict())
    assert torch.equal(own.eval()(images), network(images))


def test_heads_are_put_into_the_labels_order(made: Callable[..., Begun]) -> None:
    """A head a category says the same as one head with the same rows."""
    network, _, targets, images, *_ = made(head_per="category")
    assert list(network.heads) == ["rating", "general", "character", "copyright"]
    network.eval()
    plain = network.as_timm()
    assert torch.allclose(plain.eval()(images), network(images), atol=1e-6)
    columns = np.concatenate([group.columns for group in network.contract().groups])
    assert sorted(columns) == list(range(len(targets.rows.labels)))


HEADS: dict[str, dict[str, Any]] = {
    "concat": {"head": "concat", "head_hidden": 16},
    "leaky": {"head": "leaky"},
    "hidden": {"head_hidden": 12},
    "ml_decoder": {
        "heads": json.dumps(
            {"tags": {"kind": "ml_decoder", "labels": ["general"], "groups": 3, "width": 16}}
        )
    },
    "ordinal": {"heads": json.dumps({"rating": {"kind": "ordinal", "labels": ["rating"]}})},
    "single": {
        "heads": json.dumps(
            {"who": {"labels": ["character"], "hidden": 8, "loss": "cross_entropy"}}
        )
    },
}


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_every_head_learns(made: Callable[..., Begun], kind: str) -> None:
    """Every weight of it gets a gradient, and a step against that makes the loss smaller."""
    network, objective, _, images, truth, known = made(**HEADS[kind])
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    optimizer = torch.optim.SGD([w for w in network.parameters() if w.requires_grad], lr=1e-3)
    before = objective(network.outputs(network.features(images)), truth, known)
    before["loss"].backward()
    for name, weight in network.heads.named_parameters():
        assert weight.grad is not None or not weight.requires_grad, name
    optimizer.step()
    after = objective(network.outputs(network.features(images)), truth, known)
    assert after["loss"].item() < before["loss"].item()
    total = sum(v.item() for k, v in before.items() if k != "loss")
    assert before["loss"].item() == pytest.approx(total, rel=1e-5)


def test_ifa_reads_every_blocks_class_token(vit: Callable[..., Begun]) -> None:
    """As the author writes it: linear over layers, ReLU, layer norm, linear."""
    network, objective, _, images, truth, known = vit(head="ifa", exclusion_weight=0.01)
    network.eval()
    features = network.features(images)
    assert [each.shape for each in features.layers] == [(6, 32)] * 4
    x = network.trunk.norm_pre(network.trunk._pos_embed(network.trunk.patch_embed(images)))
    stack = []
    for block in network.trunk.blocks:
        x = block(x)
        stack.append(x[:, 0])
    head: Any = network.heads["all"]
    mixed = sum(w * each for w, each in zip(head.mix.weight[0], stack, strict=True)) + head.mix.bias
    wanted = head.out(
        torch.nn.functional.layer_norm(mixed.relu(), (32,), head.norm.weight, head.norm.bias, 1e-12)
    )
    assert torch.allclose(network.outputs(features).parts["all"], wanted, atol=1e-5)
    plain = network.trunk.forward_head(network.trunk.forward_features(images), pre_logits=True)
    assert torch.allclose(features.pooled, plain, atol=1e-5)
    parts = objective(network.outputs(features), truth, known)
    assert parts["exclusion"] < 0
    assert parts["loss"].item() == pytest.approx((parts["all"] + parts["exclusion"]).item())


def test_ifa_is_for_transformers_alone(made: Callable[..., Begun]) -> None:
    with pytest.raises(OptionError, match="vision transformer"):
        made(head="ifa")


def test_ordinal_ratings_are_four_probabilities_in_order(made: Callable[..., Begun]) -> None:
    """The sigmoid of its log-odds are differences of P(rating > k); they sum to 1."""
    network, *_ = made(**HEADS["ordinal"])
    head = network.heads["rating"]
    assert isinstance(head, OrdinalHead)
    raw = head.score(torch.linspace(-400, 400, 33)[:, None].expand(-1, 16) / 16)
    assert (raw.diff(dim=1) < 0).all()
    found = head.log_odds(raw).sigmoid()
    above = np.concatenate(
        [np.ones((33, 1)), raw.double().sigmoid().detach(), np.zeros((33, 1))], 1
    )
    np.testing.assert_allclose(found.detach(), above[:, :-1] - above[:, 1:], atol=2e-6)
    assert torch.allclose(found.sum(1), torch.ones(33), atol=1e-5)
    scalar = head.scalar(head.log_odds(raw))
    np.testing.assert_allclose(
        scalar.detach(), found.detach().numpy() @ np.array(RATING_SCALE), atol=1e-6
    )
    assert scalar.min() >= 0
    assert scalar.max() <= 1 + 1e-6


def test_a_surely_rated_picture_lies_between_the_cuts_of_its_rating() -> None:
    """furry-image-model's: safe < 1/3 <= questionable < 2/3 <= explicit."""
    general, sensitive, questionable, explicit = RATING_SCALE
    assert general < 1 / 3
    assert sensitive < 1 / 3
    assert 1 / 3 <= questionable < 2 / 3 <= explicit


def test_an_exclusive_heads_log_odds_are_its_softmaxs(made: Callable[..., Begun]) -> None:
    network, _, _, images, *_ = made(**HEADS["single"])
    network.eval()
    outputs = network.outputs(network.features(images))
    columns = network.contract().groups[0].columns
    wanted = outputs.parts["who"].softmax(1)
    assert torch.allclose(outputs.logits[:, columns].sigmoid(), wanted, atol=1e-6)
    assert outputs.extras["embedding_who"].shape == (6, 8)
    assert network.as_timm() is None


def test_an_ml_decoder_is_its_definition(made: Callable[..., Begun]) -> None:
    """One query's answer for one label; those past the last group's labels drop out."""
    network, *_ = made(**HEADS["ml_decoder"])
    decoder = network.heads["tags"].out.eval()
    places = torch.randn(2, 5, 16)
    found = decoder(places)
    assert found.shape == (2, 5)
    seen = torch.relu(decoder.project(places))
    label = 3  # 5 labels in 3 groups: two a group
    group, at = divmod(label, 2)
    asked = decoder.first(2 * decoder.queries[group].expand(2, 1, -1))
    asked = decoder.second(asked + decoder.attention(asked, seen, seen)[0])
    asked = decoder.third(asked + decoder.forward_2(torch.relu(decoder.forward_1(asked))))
    wanted = asked[:, 0] @ decoder.weight[group, :, at] + decoder.bias[label]
    assert torch.allclose(found[:, label], wanted, atol=1e-5)


def test_the_first_scores_are_the_priors(made: Callable[..., Begun]) -> None:
    """For sigmoid, hidden, concat and ordinal heads alike, before anything is learned."""
    for settings in ({}, HEADS["hidden"], HEADS["ordinal"], HEADS["single"]):
        network, _, targets, images, *_ = made(**settings)
        rows = targets.dataset.rows("train")
        truth, known = targets.of(rows)
        prior = (truth & known).sum(0) / known.sum(0).clip(1)
        learned = np.isnan(targets.constants)
        if settings is HEADS["single"]:  # a softmax's shares sum to 1 whatever the priors are
            learned[network.contract().groups[0].columns] = False
        network.eval()
        found = network(images).sigmoid().mean(0).detach().numpy()
        np.testing.assert_allclose(found[learned], prior[learned].clip(1e-5, 0.99), atol=0.1)


def test_what_is_never_learned_keeps_its_constant(made: Callable[..., Begun], make_dataset) -> None:
    """Behind a head that is not linear, too."""
    for settings in ({}, HEADS["ordinal"], {"head": "concat"}):
        network, _, targets, images, *_ = made(**settings)
        constant = ~np.isnan(targets.constants)
        network.eval()
        found = network(images).detach().numpy()[:, constant]
        np.testing.assert_allclose(found, np.tile(targets.constants[constant], (6, 1)))


def test_the_number_of_a_rating_that_is_always_given_is_that_ratings(
    make_dataset: MakeDataset,
) -> None:
    """Pictures of one rating teach an ordinal head nothing: its number is not chance's."""
    path = make_dataset(24, ratings="q")
    dataset = Dataset.open(path)
    targets = make_targets(dataset)
    settings = {"architecture": "resnet10t", "model_args": json.dumps(TINY), "pool": 16}
    config = TrainConfig.of(path, path, **settings, **HEADS["ordinal"])
    network, _ = begin(config, targets, dataset.rows("train"))

    outputs = network.eval().outputs(network.features(torch.rand(2, 3, 28, 28)))

    assert outputs.logits[:, :4].sigmoid().round().tolist() == [[0, 0, 1, 0]] * 2
    assert outputs.extras["rating_scalar"].tolist() == pytest.approx([0.5, 0.5], abs=1e-4)


def test_an_unknown_label_gives_no_gradient(made: Callable[..., Begun]) -> None:
    """And a known one of bce gives (sigmoid - target) / pictures."""
    network, objective, _, images, truth, known = made()
    outputs = network.outputs(network.features(images))
    raw = outputs.parts["all"]
    raw.retain_grad()
    objective(outputs, truth, known)["loss"].backward()
    wanted = torch.where(known, raw.sigmoid() - truth.float(), 0) / len(images)
    assert torch.allclose(raw.grad, wanted.detach(), atol=1e-6)


def test_heads_have_losses_and_weights_of_their_own(made: Callable[..., Begun]) -> None:
    """The total is the weighted sum; a picture's weight counts for all of them."""
    heads = {
        "general": {"labels": ["general"], "loss": "asl", "weight": 0.5},
        "character": {"labels": ["character"], "loss": "cross_entropy", "weight": 2},
    }
    network, objective, _, images, truth, known = made(heads=json.dumps(heads))
    outputs = network.outputs(network.features(images))
    parts = objective(outputs, truth, known)
    from tagger.train.losses import asl, bce, cross_entropy

    general, character, other = (group.columns for group in network.contract().groups)
    one = asl(outputs.parts["general"], truth[:, general].float())
    assert float(parts["general"]) == pytest.approx(float((one * known[:, general]).sum() / 6 / 2))
    two = cross_entropy(outputs.parts["character"], truth[:, character].float())
    assert float(parts["character"]) == pytest.approx(float(two.sum() / 6 * 2), rel=1e-5)
    three = bce(outputs.parts["other"], truth[:, other].float()) * known[:, other]
    assert float(parts["other"]) == pytest.approx(float(three.sum() / 6), rel=1e-5)
    nothing = objective(outputs, truth, known, weight=torch.zeros(6))
    assert float(nothing["loss"]) == 0


def test_a_positives_weight_is_of_what_is_true_not_of_what_smoothing_gives(
    made: Callable[..., Begun],
) -> None:
    """A label costs sqrt(negatives / positives) times as much where it is true, else as before."""
    smooth = {"label_smoothing": 0.2, "cache": "off"}
    network, plain, targets, images, truth, known = made(**smooth)
    weighed = made(**smooth, positive_power=0.5)[1]
    rows = targets.dataset.rows("train")
    every, seen = targets.of(rows)
    odds = (seen.sum(0) - every.sum(0)) / np.maximum(every.sum(0), 1)
    weights = torch.from_numpy(np.sqrt(odds.clip(1)).clip(1, 100))
    outputs = network.outputs(network.features(images))
    x, aim = outputs.parts["all"].double(), truth.double() * 0.8 + 0.1
    each = -aim * x.sigmoid().log() - (1 - aim) * (1 - x.sigmoid()).log()
    for objective, factor in ((plain, 1.0), (weighed, torch.where(truth, weights, 1.0))):
        wanted = float((each * factor * known).sum().detach() / len(images))
        assert float(objective(outputs, truth, known)["loss"]) == pytest.approx(wanted, rel=1e-4)
    assert float(weights.max()) > 1.2


def test_a_teacher_takes_its_share_of_the_loss(made: Callable[..., Begun]) -> None:
    """Where it says nothing (NaN), it teaches nothing."""
    network, objective, _, images, truth, known = made(distill_weight=0.25)
    outputs = network.outputs(network.features(images))
    alone = float(objective(outputs, truth, known)["loss"])
    silent = torch.full(outputs.logits.shape, torch.nan)
    found = objective(outputs, truth, known, teacher=silent)
    assert float(found["loss"]) == pytest.approx(alone * 0.75, rel=1e-5)
    assert float(found["teacher"]) == 0
    silent[:, 4] = 0.3
    x = outputs.logits[:, 4].double()
    wanted = -(0.3 * x.sigmoid().log() + 0.7 * (1 - x.sigmoid()).log()).mean() * 0.25
    found = objective(outputs, truth, known, teacher=silent)
    assert float(found["teacher"]) == pytest.approx(float(wanted), rel=1e-4)


def test_the_network_takes_timms_layer_decay(vit: Callable[..., Begun]) -> None:
    """Each weight has the rate and the decay that timm gives it in its own network."""
    from timm.optim import param_groups_layer_decay

    def found(network: Any) -> dict[str, tuple[float, float]]:
        groups = param_groups_layer_decay(
            network, no_weight_decay_list=network.no_weight_decay(), layer_decay=0.5
        )
        own = {id(w): (g["lr_scale"], g["weight_decay"]) for g in groups for w in g["params"]}
        return {name: own[id(weight)] for name, weight in network.named_parameters()}

    network, *_ = vit()
    plain = found(network.as_timm())
    wanted = {k if k.startswith("head") else f"trunk.{k}": v for k, v in plain.items()}
    wanted = {k.replace("head.", "heads.all.out."): v for k, v in wanted.items()}
    assert found(network) == wanted


def test_group_norm_depends_on_no_batch(made: Callable[..., Begun]) -> None:
    """A picture's scores in training are the same, alone or among others."""
    network, _, _, images, *_ = made(norm="group")
    network.train()
    assert not any("BatchNorm" in type(module).__name__ for module in network.modules())
    assert torch.allclose(network(images)[:2], network(images[:2]), atol=1e-5)
    assert network.arguments["norm_layer"] == "groupnorm1"  # 24 channels, no 32 groups


def test_frozen_statistics_stay_and_depend_on_no_batch(made: Callable[..., Begun]) -> None:
    network, _, _, images, *_ = made(norm="frozen")
    network.train()
    before = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    assert torch.allclose(network(images)[:2], network(images[:2]), atol=1e-5)
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in before.items())


def test_features_can_be_mixed_before_the_heads(made: Callable[..., Begun]) -> None:
    """A linear head's scores of a mixture are the mixture of its scores."""
    network, _, _, images, *_ = made()
    network.eval()
    features = network.features(images)
    found = network.outputs(mixed(features, 0.7)).logits
    plain = network.outputs(features).logits
    wanted = 0.7 * plain + 0.3 * plain.roll(1, 0)
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"heads": '{"a": {"labels": ["genral"]}}'}, "expected categories of this DATASET"),
        ({"heads": '{"a": {"lables": ["general"]}}'}, "did you mean 'labels'"),
        ({"heads": '{"a": {"kind": "ordinal", "labels": ["general"]}}'}, "four ratings"),
        ({"heads": '{"a": {}}'}, "expected labels or tags"),
        ({"heads": "[]"}, "expected JSON, settings by head"),
        ({"head_per": "dataset"}, "DATASET that names heads"),
        ({"architecture": "resnet10"}, "did you mean resnet10"),
        ({"model_args": '{"checkpoint_path": "/x"}'}, "settings of the architecture alone"),
        ({"model_args": '{"no_such": 1}'}, "expected settings of resnet10t"),
        ({"train_heads": ("nobody",)}, "train_heads: expected one of all"),
        ({"exclusion_weight": 0.1}, "expected a head of kind ifa"),
        ({"add_tags": True}, "expected --from"),
    ],
)
def test_what_can_not_be_is_said_in_a_sentence(
    made: Callable[..., Begun], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(OptionError, match=sentence):
        made(**settings)


def test_a_summary_counts_weights_and_work(made: Callable[..., Begun]) -> None:
    """As torch counts them on the real thing; the network is left as it was."""
    network, _, _, images, *_ = made(head_per="category", head_hidden=8)
    network.eval().heads["general"].requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = network_summary(network, images.shape[-1])
    weights = list(network.parameters())
    assert found.weights == sum(weight.numel() for weight in weights)
    assert found.trained == sum(weight.numel() for weight in weights if weight.requires_grad)
    shapes = {layer.name: layer.shape for layer in found.layers}
    assert shapes["trunk.layer4"] == tuple(network.features(images).maps.shape[1:])
    head = next(layer for layer in found.layers if layer.name == "heads.general.out")
    assert head.trained == 0
    assert "heads.general" in "\n".join(found.lines())
    convolution: Any = network.trunk.conv1[0]
    one = 14 * 14 * convolution.weight.numel()
    assert found.operations > one
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
