"""Beginning with former weights: a published tagger gains tags, parts are loaded, layers freeze."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
save_file = pytest.importorskip("safetensors.torch").save_file
pytest.importorskip("pyarrow")

from tagger.errors import ModelError, OptionError  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category, write_selected_tags  # noqa: E402
from tagger.preprocess import Preprocess  # noqa: E402
from tagger.train import landscape, loop  # noqa: E402
from tagger.train.begin import begin  # noqa: E402
from tagger.train.config import PARTS, NetworkOptions, TrainConfig  # noqa: E402
from tagger.train.former import Former, open_former, settled  # noqa: E402
from tagger.train.freezing import frozen_layers, set_frozen  # noqa: E402
from tagger.train.model import TaggerNetwork  # noqa: E402
from tagger.train.plan import make_plan  # noqa: E402
from tagger.train.published import open_published  # noqa: E402
from tagger.train.targets import Targets, make_targets  # noqa: E402
from tagger.train.transfer import adapt_input  # noqa: E402

MakeDataset = Callable[..., Path]
VIT = {"embed_dim": 24, "depth": 3, "num_heads": 2, "patch_size": 64}
OLD = ("1girl", "red_square", "solo")
RATINGS = ("general", "sensitive", "questionable", "explicit")


def wd_like(folder: Path, **arguments: Any) -> Path:
    """A tagger in the files of WD's v3 ViT, with small random weights: 448 pixels, BGR."""
    folder.mkdir(parents=True)
    torch.manual_seed(5)
    own = {**VIT, "img_size": 448, **arguments}
    labels = [Label(name, category(DANBOORU, 9), 9, 9999999 - n) for n, name in enumerate(RATINGS)]
    labels += [Label(name, category(DANBOORU, 0), 900 - n) for n, name in enumerate(OLD)]
    labels += [Label("miku", category(DANBOORU, 4), 50)]
    network = timm.create_model("vit_tiny_patch16_224", num_classes=len(labels), **own)
    save_file(network.state_dict(), folder / "model.safetensors")
    about = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": len(labels),
        "model_args": own,
        "pretrained_cfg": {"input_size": [3, 448, 448], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    (folder / "config.json").write_text(json.dumps(about), "utf-8")
    write_selected_tags(LabelSet(tuple(labels)), folder / "selected_tags.csv")
    return folder


def begun(
    dataset: Path, **settings: Any
) -> tuple[TaggerNetwork, Any, Targets, TrainConfig, Former | None]:
    """What a training would begin with."""
    plan = make_plan(TrainConfig.of(dataset, dataset, **settings))
    torch.manual_seed(0)
    rows = plan.dataset.rows("train")
    network, objective = begin(plan.config, plan.targets, rows, plan.former)
    return network, objective, plan.targets, plan.config, plan.former


def images(count: int = 3, side: int = 448) -> Any:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def moved(network: TaggerNetwork, objective: Any, targets: Targets, steps: int = 3) -> set[str]:
    """Names of the weights and statistics that some steps change."""
    before = {k: v.clone() for k, v in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2, weight_decay=0.1)
    network.train()
    truth, known = (torch.from_numpy(each) for each in targets.of(np.arange(3)))
    side = 448 if "img_size" in network.arguments else 28
    for _ in range(steps):
        optimizer.zero_grad()
        outputs = network.outputs(network.features(images(side=side)))
        objective(outputs, truth, known)["loss"].backward()
        optimizer.step()
    return {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}


def test_a_published_tagger_gains_tags_and_keeps_its_scores(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Bit for bit, after steps that teach the new ones; the old ones are all still there."""
    folder = wd_like(tmp_path / "wd")
    own = json.loads((folder / "config.json").read_text("utf-8"))["model_args"]
    old = timm.create_model("vit_tiny_patch16_224", num_classes=8, **own).eval()
    from safetensors.torch import load_file

    old.load_state_dict(load_file(folder / "model.safetensors"))
    network, objective, targets, config, _ = begun(
        make_dataset(6), from_=str(folder), add_tags=True
    )
    assert (config.network.pool, config.network.architecture) == (1, "vit_tiny_patch16_224")
    set_frozen(network, config.network, 0.0)
    changed = moved(network, objective, targets)
    assert changed == {"heads.added.out.weight", "heads.added.out.bias"}
    names = targets.rows.labels.names
    places = [names.index(name) for name in (*RATINGS, *OLD, "miku")]
    network.eval()
    plain = network.as_timm().eval()
    with torch.no_grad():
        wanted = old(images())
        assert torch.equal(network(images())[:, places], wanted)
        assert torch.allclose(plain(images())[:, places], wanted, atol=1e-6)
    assert {"green_square", "anna_(squares)", "squares"} <= set(names)
    assert names.count("red_square") == 1


def test_another_network_than_the_taggers_is_refused(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Even the one that is built where nothing is said; fewer pixels only where old tags stay."""
    folder, dataset = str(wd_like(tmp_path / "wd")), make_dataset(3)
    for own, said in (
        ({"architecture": "resnet18"}, "architecture: expected vit_tiny_patch16_224, that of"),
        ({"pool": 4, "add_tags": True}, "pool: expected 1, that of"),
    ):
        config = TrainConfig.of(dataset, dataset, from_=folder, **own)
        with pytest.raises(OptionError, match=said):
            settled(config, open_former(config))
    config = TrainConfig.of(dataset, dataset, from_=folder, pool=4)
    assert settled(config, open_former(config)).network.pool == 4
    same = TrainConfig.of(
        dataset, dataset, from_=folder, add_tags=True, pool=1, architecture="vit_tiny_patch16_224"
    )
    assert settled(same, open_former(same)).network.side == 448


def test_new_tags_begin_with_their_share(make_dataset: MakeDataset, tmp_path: Path) -> None:
    network, _, targets, _, _ = begun(
        make_dataset(12), from_=str(wd_like(tmp_path / "wd")), add_tags=True
    )
    column = targets.rows.labels.find("squares")
    truth, _ = targets.of(targets.dataset.rows("train"))
    network.eval()
    found = network(images()).sigmoid().mean(0)[column].item()
    assert found == pytest.approx(truth[:, column].mean(), abs=0.15)


def test_a_tagger_is_trained_on_for_the_datasets_tags_alone(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Without --add-tags: the rows of tags that both know are copied, the others are new."""
    folder = wd_like(tmp_path / "wd")
    network, objective, targets, config, former = begun(make_dataset(6), from_=str(folder))
    names = targets.rows.labels.names
    assert "1girl" not in names
    assert former is not None
    row = former.labels.find("red_square") if former.labels else None
    out: Any = network.heads["all"].out
    assert torch.equal(out.weight[names.index("red_square")], former.trunk["head.weight"][row])
    set_frozen(network, config.network, 0.0)
    changed = moved(network, objective, targets)
    assert "trunk.blocks.0.attn.qkv.weight" in changed


def test_fewer_pixels_interpolate_positions(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """From a grid of 7 x 7 to 2 x 2 patches, as timm resamples them."""
    from timm.layers import resample_abs_pos_embed

    folder = wd_like(tmp_path / "wd", patch_size=32)
    network, _, _, config, former = begun(make_dataset(6), from_=str(folder), pool=7)
    assert config.network.side == 64
    assert former is not None
    wanted = resample_abs_pos_embed(former.trunk["pos_embed"], [2, 2], num_prefix_tokens=1)
    assert torch.allclose(network.trunk.pos_embed, wanted)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_animesions_partial_loads(make_dataset: MakeDataset, tmp_path: Path, part: str) -> None:
    """The first tensors that the name says, and no other."""
    folder = wd_like(tmp_path / "wd")
    network, _, _, _, former = begun(make_dataset(6), from_=str(folder), transfer=part)
    assert former is not None
    own = network.trunk.state_dict()
    same = {name for name, value in own.items() if torch.equal(value, former.trunk[name])}
    wanted = {
        "patches": {"patch_embed.proj.weight", "patch_embed.proj.bias"},
        "positions": {"pos_embed"},
        "class": {"cls_token"},
    }
    loaded = set().union(*(wanted[each] for each in PARTS[part]))
    begins_alike = {k for k, v in own.items() if v.ndim == 1} | {"patch_embed.proj.bias"}
    assert loaded <= same
    assert same - loaded <= begins_alike


def test_backbone_leaves_the_heads_new(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = wd_like(tmp_path / "wd")
    network, _, targets, _, former = begun(make_dataset(6), from_=str(folder), transfer="backbone")
    assert former is not None
    assert torch.equal(network.trunk.pos_embed, former.trunk["pos_embed"])
    at = targets.rows.labels.find("red_square")
    out: Any = network.heads["all"].out
    assert not any(torch.equal(out.weight[at], row) for row in former.trunk["head.weight"])


def test_a_checkpoint_and_a_bare_file_begin_a_training(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Of a run's checkpoint the averaged weights count, heads included."""
    tiny = {"architecture": "resnet10t", "pool": 16}
    tiny["model_args"] = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8})
    dataset = make_dataset(6)
    network, *_ = begun(dataset, **tiny)
    state = network.state_dict()
    moved_on = {k: v + 1 if v.is_floating_point() else v.clone() for k, v in state.items()}
    both = {f"network.{k}": v for k, v in state.items()}
    both |= {f"average.{k}": v for k, v in moved_on.items()}
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    save_file(both, folder / "last.safetensors")
    for start in (tmp_path / "run", folder / "last.safetensors"):
        again, *_ = begun(dataset, from_=str(start), **tiny)
        assert all(torch.equal(v, moved_on[k]) for k, v in again.state_dict().items())
    save_file(network.as_timm().state_dict(), tmp_path / "bare.safetensors")
    again, *_ = begun(dataset, from_=str(tmp_path / "bare.safetensors"), **tiny)
    assert torch.equal(again.trunk.conv1[0].weight, network.trunk.conv1[0].weight)


def test_heads_are_trained_one_at_a_time(make_dataset: MakeDataset) -> None:
    """With the rest unmoved: other heads, the trunk, its statistics."""
    settings = {"architecture": "resnet10t", "pool": 16, "head_per": "category", "head_hidden": 6}
    tiny = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8})
    network, objective, targets, config, _ = begun(
        make_dataset(6), train_heads=("character",), model_args=tiny, **settings
    )
    set_frozen(network, config.network, 0.0)
    changed = moved(network, objective, targets)
    assert changed
    assert all(name.startswith("heads.character.") for name in changed)


def test_layers_are_released_by_schedule(make_dataset: MakeDataset) -> None:
    """Frozen layers do not move, statistics included; those near the head go first."""
    options = NetworkOptions(freeze=0.5, release_from=0.25, release_until=0.75)
    counts = [frozen_layers(options, 8, done / 100) for done in range(0, 101, 5)]
    assert counts[:5] == [4] * 5
    assert counts[5] == 3
    assert counts == sorted(counts, reverse=True)
    assert counts[15:] == [0] * 6
    assert set(counts) == {0, 1, 2, 3, 4}
    tiny = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8})
    network, objective, targets, config, _ = begun(
        make_dataset(6),
        architecture="resnet10t",
        pool=16,
        model_args=tiny,
        freeze=0.5,
        release_from=0.5,
        release_until=0.9,
    )
    assert set_frozen(network, config.network, 0.0)
    assert not set_frozen(network, config.network, 0.4)
    changed = moved(network, objective, targets)
    assert not any(name.startswith("trunk.conv1") for name in changed)
    assert any(name.startswith("trunk.layer4") for name in changed)
    assert set_frozen(network, config.network, 0.95)
    changed = moved(network, objective, targets)
    assert any(name.startswith("trunk.conv1") for name in changed)
    assert any("running_mean" in name for name in changed)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_weights_that_were_fed_otherwise_are_fed_as_ours(channels: Any) -> None:
    """A first layer without padding gives what it gave on its own colours, mean and deviation."""
    feed = Preprocess(
        channels=channels,
        layout="nchw",
        scale=1 / 255,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )
    trunk: Any = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64, **VIT).eval()
    rgb = torch.randint(0, 256, (2, 3, 64, 64)).float()
    theirs = (rgb / 255 - torch.tensor(feed.mean).reshape(3, 1, 1)) / torch.tensor(
        feed.std
    ).reshape(3, 1, 1)
    if channels == "bgr":
        bgr = rgb.flip(1) / 255
        theirs = (bgr - torch.tensor(feed.mean).reshape(3, 1, 1)) / torch.tensor(feed.std).reshape(
            3, 1, 1
        )
    with torch.no_grad():
        wanted = trunk(theirs)
        assert adapt_input(trunk, feed)
        assert torch.allclose(trunk(rgb.flip(1) / 127.5 - 1), wanted, atol=1e-4)


def test_naflex_patches_are_fed_as_ours_too() -> None:
    """Its first layer is linear over patches, colours last."""
    feed = Preprocess(layout="nchw", scale=1 / 255, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    trunk: Any = timm.create_model(
        "naflexvit_base_patch16_gap", num_classes=0, img_size=32, embed_dim=24, depth=1, num_heads=2
    ).eval()
    rgb = torch.randint(0, 256, (2, 3, 32, 32)).float()
    mean, std = (torch.tensor(each).reshape(3, 1, 1) for each in (feed.mean, feed.std))
    with torch.no_grad():
        wanted = trunk((rgb / 255 - mean) / std)
        assert adapt_input(trunk, feed)
        assert torch.allclose(trunk(rgb.flip(1) / 127.5 - 1), wanted, atol=1e-4)


def test_what_can_not_be_begun_with_is_said(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset, folder = make_dataset(6), wd_like(tmp_path / "wd")
    with pytest.raises(ModelError, match="did you mean wd-vit-tagger-v3"):
        begun(dataset, from_="wd-vit-taggr-v3")
    with pytest.raises(ModelError, match="expected wd-vit-tagger-v3 on disk"):
        begun(dataset, from_="wd-vit-tagger-v3", add_tags=True)
    with pytest.raises(OptionError, match="leave it out"):
        begun(dataset, from_=str(folder), architecture="resnet50")
    with pytest.raises(OptionError, match="tagger with its labels"):
        begun(dataset, from_=str(folder / "model.safetensors"), add_tags=True)
    with pytest.raises(ModelError, match="expected the tensors of this architecture"):
        begun(dataset, from_=str(folder / "model.safetensors"))
    tiny = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8})
    state = timm.create_model("resnet10t", num_classes=0, channels=[8] * 4, stem_width=8)
    save_file(state.state_dict(), tmp_path / "cnn.safetensors")
    with pytest.raises(OptionError, match="expected a transformer"):
        begun(
            dataset,
            from_=str(tmp_path / "cnn.safetensors"),
            architecture="resnet10t",
            model_args=tiny,
            transfer="clstoken",
        )


@pytest.mark.parametrize("cached", [True, False])
def test_of_a_hub_that_is_not_reached_the_cache_alone_is_asked(
    cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: huggingface_hub itself would ask and warn for over a minute."""
    constants = pytest.importorskip("huggingface_hub").constants
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    make, asked = timm.create_model, []

    def create_model(name: str, pretrained: bool) -> Any:
        asked.append(constants.HF_HUB_OFFLINE)
        return make(name)

    monkeypatch.setattr(timm, "create_model", create_model)
    if cached:
        (tmp_path / "models--timm--resnet10t.c3_in1k" / "snapshots" / "0a").mkdir(parents=True)
        assert "conv1.0.weight" in open_published("resnet10t").state_dict()
    else:
        with pytest.raises(OptionError, match=r"resnet10t, got none here: 127.* can't be reached"):
            open_published("resnet10t")
    assert asked == [True] * cached
    assert constants.HF_HUB_OFFLINE is False


def test_a_folder_with_heads_of_its_own_is_begun_with(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """Trained, written, opened again: its heads are as they were, and another is added."""
    from dataclasses import replace

    dataset = make_dataset(6, ratings="gsqe")
    heads = {
        "rating": {"kind": "ordinal", "labels": ["rating"]},
        "who": {"labels": ["character"], "hidden": 5, "loss": "cross_entropy"},
    }
    settings: dict[str, Any] = {"architecture": "resnet10t", "pool": 16}
    settings["model_args"] = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8})
    network, _, targets, config, _ = begun(dataset, heads=json.dumps(heads), **settings)
    labels = targets.rows.labels
    described = network.describe(labels)
    less = LabelSet(
        tuple(replace(x, name=f"old {x.name}") if x.name == "framed" else x for x in labels)
    )
    described = json.loads(json.dumps(network.describe(less)))
    former = Former(
        "a folder",
        {k[6:]: v for k, v in network.state_dict().items() if k.startswith("trunk.")},
        {k: v for k, v in network.state_dict().items() if k.startswith("heads.")},
        architecture="resnet10t",
        arguments=described["model_args"],
        pool=16,
        labels=less,
        described=tuple(described["heads"]),
    )
    config = settled(config.but(from_="a folder", add_tags=True, heads="{}"), former)
    opened = targets.dataset
    grown = make_targets(opened, less)
    again, _ = begin(config, grown, opened.rows("train"), former)
    assert list(again.heads) == ["rating", "who", "other", "added"]
    places = [grown.rows.labels.names.index(name) for name in less.names]
    network.eval()
    again.eval()
    x = images(side=28)
    assert torch.allclose(again(x)[:, places], network(x), atol=1e-6)
    assert len(grown.rows.labels) == len(labels) + 1


def test_the_loss_around_a_run_that_added_tags_is_that_of_its_best_epoch(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its network has the other tagger's rows too; in the middle lies what was found."""
    monkeypatch.setattr(loop, "finish", lambda material, *_: material.config.out)
    drawn: list[Any] = []
    monkeypatch.setattr(
        landscape, "plot_landscape", lambda _, __, losses, *___: drawn.append(losses)
    )
    out = tmp_path / "run"
    words = {"epochs": 1, "threads": 1, "track": ("none",), "samples": 0}
    former = {"from_": str(wd_like(tmp_path / "wd")), "add_tags": True}
    loop.train(TrainConfig.of(make_dataset(6), out, **words, **former), io.StringIO())
    landscape.draw_landscape(out, tmp_path / "a.png", "line", 3, lambda *_: None)
    head, row = (line.split(",") for line in (out / "metrics.csv").read_text().splitlines())
    assert drawn[0][1] == pytest.approx(float(row[head.index("calibration_loss")]), rel=1e-5)
