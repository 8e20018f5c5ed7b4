"""A run's curves, and the loss around what it found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")
pytest.importorskip("accelerate")
pytest.importorskip("matplotlib")

from PIL import Image  # noqa: E402

from tagger.errors import UsageError  # noqa: E402
from tagger.report.curves import loss_levels, plot_landscape, smooth  # noqa: E402
from tagger.train import curves  # noqa: E402
from tagger.train.curves import plot_curves  # noqa: E402
from tagger.train.landscape import landscape, mean_loss  # noqa: E402
from tagger.train.loader import Batch  # noqa: E402


def test_curves_are_drawn_of_what_is_there(tmp_path: Path) -> None:
    """Also of a run whose last line broke off; of none there is a sentence."""
    with pytest.raises(UsageError, match=r"expected the folder of a training with progress\.jsonl"):
        plot_curves(tmp_path, tmp_path / "curves.png")
    steps = [
        {"kind": "step", "step": n, "epoch": n / 10, "loss": 9 / n, "lr": 0.1, "ifa": 1.0}
        for n in range(1, 30)
    ]
    epochs = [{"kind": "epoch", "epoch": 1, "step": 10, "calibration_map": 0.5, "loss": 2.0}]
    lines = [json.dumps(each) for each in [*steps, *epochs]]
    (tmp_path / "progress.jsonl").write_text(
        "\n".join(lines) + '\n5\n{"kind": "step"}\n{"kind": "st'
    )
    with Image.open(plot_curves(tmp_path, tmp_path / "curves.png")) as image:
        assert image.height > 800


@pytest.mark.parametrize(("ours", "drawn"), [(1.0, False), (0.5, True), (0.0, False)])
def test_the_loss_of_the_only_head_is_not_drawn_twice(
    ours: float, drawn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has a weight differs from the loss, and is drawn; what costs nothing is not."""
    seen: list[str] = []
    monkeypatch.setattr(
        curves, "plot_panels", lambda _, panels, __: seen.extend(each.title for each in panels)
    )
    steps = [{"kind": "step", "step": n, "loss": 9 / n, "all": ours * 9 / n} for n in (1, 2, 3)]
    (tmp_path / "progress.jsonl").write_text("\n".join(json.dumps(each) for each in steps))
    plot_curves(tmp_path, tmp_path / "curves.png")
    assert ("loss: all" in seen) is drawn


def test_smoothing_has_no_memory_of_nothing() -> None:
    """A constant stays one from its first value on."""
    assert smooth([3.0] * 5) == pytest.approx([3.0] * 5)
    assert smooth([1.0, 3.0], 0.5) == pytest.approx([1.0, (0.25 * 1 + 0.5 * 3) / 0.75])


class Bowl(torch.nn.Module):
    """Its loss is the squared length of its weights: known around any point."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
        self.vector = torch.nn.Parameter(torch.ones(2))

    def forward(self, images, truth, known):
        return {"loss": (self.matrix**2).sum() + (self.vector**2).sum()}


def batch() -> Batch:
    empty = torch.zeros(1, 1, dtype=torch.bool)
    pixels = torch.zeros(1, 4, 4, 3, dtype=torch.uint8)
    return Batch(np.zeros(1, np.intp), pixels, torch.zeros(1, 16), empty, empty)


def test_a_direction_is_as_long_as_each_filter() -> None:
    """Of w + t d with |d| = |w| in each row, the squares at t and -t sum to 2 (1 + t^2) |w|^2."""
    bowl, steps = Bowl(), np.linspace(-1, 1, 5)
    losses = landscape(bowl, [batch()], steps, 1)
    matrix, vector = 9 + 16 + 4, 2
    np.testing.assert_allclose(losses[2], matrix + vector, rtol=1e-6)
    for place, step in enumerate(steps):
        both = losses[place] + losses[-1 - place]
        np.testing.assert_allclose(both, 2 * ((1 + step**2) * matrix + vector), rtol=1e-5)
    assert mean_loss(bowl, [batch()]) == pytest.approx(matrix + vector)  # the weights are back
    plane = landscape(bowl, [batch()], steps, 2)
    np.testing.assert_allclose(plane[2], losses, rtol=1e-6)  # the first direction lies across


@pytest.mark.parametrize("kind", ["line", "plane", "surface"])
@pytest.mark.parametrize("bowl", ["whole", "flat", "with a hole", "of nothing"])
def test_landscapes_are_drawn(kind: str, bowl: str, tmp_path: Path) -> None:
    """One direction as a line, two as a map or a relief; also of what is no number in places."""
    steps = np.linspace(-1, 1, 5)
    losses = steps**2 if kind == "line" else steps[:, None] ** 2 + steps[None] ** 2
    if bowl == "flat":
        losses[:] = 3.0
    elif bowl == "with a hole":
        losses[0] = np.inf
    elif bowl == "of nothing":
        losses[:] = np.nan
    plot_landscape(tmp_path / "a.png", steps, losses, kind, "a bowl")  # type: ignore[arg-type]
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 500


def test_levels_are_closest_where_the_loss_is_least() -> None:
    """Half of them in the lowest eighth of the losses, however high one corner is."""
    losses = np.array([[40.0, 41.0], [42.0, 440.0]])
    levels = loss_levels(losses)
    assert (levels[0], levels[-1]) == (40.0, 440.0)
    assert (np.diff(levels) > 0).all()
    assert (levels <= 40 + 400 / 8 + 1e-9).mean() > 0.5
