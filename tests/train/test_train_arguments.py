"""The command line of the training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tagger.errors import OptionError
from tagger.labels import E621, Label, LabelSet, category
from tagger.recipes import read_recipe, recipes
from tagger.train.__main__ import run
from tagger.train.arguments import as_yaml, read_arguments
from tagger.train.config import TrainConfig
from tagger.train.headplan import plan_heads


def read(*argv: str) -> TrainConfig:
    return read_arguments(argv, "tagger train")


def test_settings_come_from_the_line_over_the_file_over_their_defaults(tmp_path: Path) -> None:
    """And what neither names keeps its default."""
    pytest.importorskip("yaml")
    file = tmp_path / "mine.yaml"
    file.write_text(
        "train:\n  epochs: 3\n  lr: 0.01\n"
        "  model_args: {stem_width: 8, channels: [8, 16, 32, 64]}\n"
        "  credits: [somebody]\n"
    )
    config = read("data", "--out", "run", "--config", str(file), "--lr", "0.5")
    assert (config.dataset, config.out) == (Path("data"), Path("run"))
    assert (config.optim.epochs, config.optim.lr, config.optim.batch_size) == (3, 0.5, 64)
    assert config.network.model_args == '{"stem_width": 8, "channels": [8, 16, 32, 64]}'
    assert config.card.credits == ("somebody",)


def test_an_unknown_setting_in_a_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """A typing error must not be a training with other settings."""
    pytest.importorskip("yaml")
    file = tmp_path / "mine.yaml"
    file.write_text("train:\n  epoch: 3\n")
    with pytest.raises(OptionError, match="did you mean 'epochs'"):
        read("data", "--out", "run", "--config", str(file))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--pool", "5"], "pool"),
        (["--epochs", "0"], "epochs: expected a whole number of at least 1, got 0"),
        (["--model-args", "[1]"], "--model-args: expected JSON such as"),
        (["--recipe", "nothing"], "expected the name or file of a recipe"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words: list[str], sentence: str) -> None:
    """Before torch is loaded."""
    with pytest.raises(OptionError, match=sentence):
        read("data", "--out", "run", *words)


def test_help_loads_no_torch() -> None:
    """A page of help is no reason to wait for it."""
    code = (
        "import sys\nfrom tagger.train.__main__ import run\n"
        "try:\n    run(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--architecture" in told.stdout


def test_printed_settings_are_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--print-config names every setting but the run's own, and needs no dataset."""
    yaml = pytest.importorskip("yaml")
    assert run(["--print-config", "--recipe", "demo", "--lr", "0.5", "--notes", "mine"]) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed)["train"]["model_args"]["global_pool"] == "catavgmax"
    file = tmp_path / "mine.yaml"
    file.write_text(printed)
    first = read("data", "--out", "run", "--recipe", "demo", "--lr", "0.5", "--notes", "mine")
    second = read("data", "--out", "run", "--config", str(file))
    assert as_yaml(first) == printed == as_yaml(second)
    assert first.optim == second.optim


def test_help_shows_what_most_people_change_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Then each group under a sentence of its own."""
    with pytest.raises(SystemExit):
        read("--help")
    shown = capsys.readouterr().out
    places = [shown.index(f"{word} ") for word in ("--out", "--epochs", "--warmup", "--threads")]
    assert places == sorted(places)
    assert "How the weights move." in shown


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_of_ours_can_train(name: str) -> None:
    """Its settings are settings, its network is one of timm's, and it writes itself out again."""
    timm = pytest.importorskip("timm")
    config = read("data", "--out", "run", "--recipe", name)
    assert timm.is_model(config.network.built)
    if config.network.from_ == "timm":
        assert timm.list_pretrained(f"{config.network.built}.*")
    assert f"architecture: {config.network.architecture}" in as_yaml(config)
    assert config.plain() != read("data", "--out", "run").plain()


def test_furrys_heads_are_those_that_its_dataset_names() -> None:
    """Written once; beside them the rating, each behind a hidden layer of 128."""
    pytest.importorskip("yaml")
    pytest.importorskip("timm")
    named = read_recipe("furry")["dataset"]["heads"]
    general, rating = (category(E621, name) for name in ("general", "rating"))
    labels = LabelSet(
        [Label(tag, general) for tags in named.values() for tag in tags]
        + [Label(word, rating) for word in ("safe", "questionable", "explicit")]
    )
    config = read("data", "--out", "run", "--recipe", "furry")
    plans = {plan.name: plan for plan in plan_heads(config.network, labels, named)}
    counts = {name: len(plan.columns) for name, plan in plans.items()}
    assert counts == {"rating": 3} | {name: len(tags) for name, tags in named.items()}
    assert {plan.options.hidden for plan in plans.values()} == {128}
    assert plans["rating"].options.kind == "ordinal"
