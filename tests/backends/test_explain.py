"""Where a model sees a tag: networks whose answer is known, and roll-outs restated slowly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tagger.backends import FakeBackend
from tagger.backends.explain import occlude
from tagger.errors import BackendError
from tagger.models.spec import Contract
from tagger.preprocess import Batch, Preprocess

from .conftest import explain

SIDE = 32
COLOURS = Contract(preprocess=Preprocess(size=(SIDE, SIDE), fill="black"))


class Corner(FakeBackend):
    """Output 0 is how red the top left quarter is, output 1 how red the bottom right one."""

    def run(self, batch: Batch) -> np.ndarray:
        assert isinstance(batch, np.ndarray)
        half, red = SIDE // 2, batch[..., 0].astype(np.float64) / 255
        quarters = red[:, :half, :half], red[:, half:, half:]
        logits = np.stack([8 * each.mean((1, 2)) - 4 for each in quarters], 1)
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def red(high: int = SIDE, wide: int = SIDE) -> np.ndarray:
    return np.full((high, wide, 3), (255, 0, 0), np.uint8)


def share(heat: np.ndarray, place: tuple[slice, slice]) -> float:
    return float(heat[place].sum() / heat.sum())


def quarter(heat: np.ndarray, at: int) -> tuple[slice, slice]:
    half = tuple((side + 1) // 2 for side in heat.shape)
    return (slice(half[0]), slice(half[1])) if at == 0 else (slice(half[0], None),) * 2


def test_covering_finds_the_corner_that_a_score_hangs_on() -> None:
    """Each of two outputs has its own; the score is that of the whole picture."""
    first, second = occlude(Corner(2, contract=COLOURS), red(), [0, 1])
    assert share(first.values, (slice(6), slice(6))) > 0.9
    assert share(second.values, (slice(5, None), slice(5, None))) > 0.9
    assert first.values.max() == 1
    assert first.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-5)


def test_what_speaks_against_a_tag_is_cold() -> None:
    """Red that is missing can only be gained by covering it: nothing speaks for the tag."""
    backend = Corner(
        2, contract=Contract(preprocess=Preprocess(size=(SIDE, SIDE), fill=(255, 0, 0)))
    )
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    (heat,) = occlude(backend, black, [0])
    assert not heat.values.any()


@pytest.mark.parametrize("side", [1, 2, 3, 7, 450])
def test_pictures_of_any_size_are_covered(side: int) -> None:
    """Down to one pixel: every cell is covered at least once."""
    backend = FakeBackend(3, contract=COLOURS, best_batch=16)
    (heat,) = occlude(backend, red(side, 40), [2])
    assert np.isfinite(heat.values).all()


def test_a_model_without_gradients_is_covered_unless_gradients_are_asked_for() -> None:
    """And the sentence names the way that works."""
    backend = Corner(2, contract=COLOURS)
    assert explain(backend, red(), [0])[0].method == "occlusion"
    for method in ("gradient", "rollout"):
        with pytest.raises(BackendError, match='use "occlusion"'):
            explain(backend, red(), [0], method)


class TestTorch:
    """By gradients."""

    torch: Any = pytest.importorskip("torch")
    timm: Any = pytest.importorskip("timm")

    def ask(self, network: Any, pixels: Any, column: int, plain: bool = False) -> Any:
        from tagger.backends.attention import attribute

        found = attribute(network.eval(), [pixels], lambda out, at: out[0, at], [column], plain)
        assert found is not None
        return found[0][0], found[1]

    def corner_network(self) -> Any:
        """Map 0 is how red a place is, map 1 how green; label 0 reads one, label 1 the other."""
        torch = self.torch

        class Net(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head = torch.nn.Linear(2, 2, bias=False)
                self.head.weight.data = torch.eye(2)

            def forward_features(self, x: Any) -> Any:
                return torch.nn.functional.avg_pool2d(x, 4)[:, :2]

            def forward_head(self, maps: Any) -> Any:
                return self.head(maps.mean((2, 3)))

        return Net()

    def test_grad_cam_is_hot_where_the_label_s_map_is(self) -> None:
        """Exactly that map, where the classifier reads one each."""
        pixels = self.torch.zeros(1, 3, 32, 32)
        pixels[0, 0, :8, :8] = 1
        pixels[0, 1, 24:, 16:] = 1
        for column, place in ((0, (slice(2), slice(2))), (1, (slice(6, 8), slice(4, 8)))):
            heat, said = self.ask(self.corner_network(), pixels, column)
            assert said == "Grad-CAM"
            assert share(heat, place) == pytest.approx(1)

    @pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet"])
    def test_grad_cam_is_what_its_paper_says(self, name: str) -> None:
        """ReLU(sum of maps by their mean gradients), from finite differences of the head."""
        torch = self.torch
        torch.manual_seed(0)
        network = self.timm.create_model(name, num_classes=5).eval()
        torch.nn.init.normal_(network.get_classifier().weight, std=1.0)
        pixels = torch.randn(1, 3, 96, 96)
        column = int(network(pixels)[0].argmax())
        heat, _ = self.ask(network, pixels, column)
        with torch.no_grad():
            maps = network.double().forward_features(pixels.double())
            slopes = torch.zeros(maps.shape[1], dtype=torch.float64)
            for channel in range(maps.shape[1]):
                step = torch.zeros_like(maps)
                step[:, channel] = 1e-5  # the channel everywhere: its mean gradient by its places
                up, down = (network.forward_head(maps + sign * step)[0, column] for sign in (1, -1))
                slopes[channel] = (up - down) / 2e-5
            wanted = (maps[0] * slopes[:, None, None]).sum(0).clamp(min=0).numpy()
        assert wanted.max() > 0
        np.testing.assert_allclose(
            heat * heat.size / wanted.max(), wanted / wanted.max(), atol=1e-3
        )

    def attention_of(self, network: Any, pixels: Any) -> list[np.ndarray]:
        """Every block's attention, computed from its own queries and keys: [heads, T, T]."""
        torch = self.torch
        seen: list[np.ndarray] = []

        def keep(module: Any, inputs: Any, _output: Any) -> None:
            x = inputs[0]
            n, places, width = x.shape
            queries, keys, _ = (
                module.qkv(x)
                .reshape(n, places, 3, module.num_heads, width // module.num_heads)
                .permute(2, 0, 3, 1, 4)
            )
            scores = queries @ keys.transpose(-1, -2) * module.scale
            seen.append(scores.softmax(-1)[0].numpy())

        hooks = [block.attn.register_forward_hook(keep) for block in network.blocks]
        with torch.no_grad():
            network(pixels)
        for hook in hooks:
            hook.remove()
        return seen

    @pytest.mark.parametrize("pool", ["token", "avg"])
    def test_the_plain_roll_out_is_its_authors(self, pool: str) -> None:
        """Loops in numpy: mean over heads, + I, rows to 1, layers multiplied; the class row."""
        self.torch.manual_seed(1)
        token = pool == "token"
        network = self.timm.create_model(
            "test_vit", num_classes=4, img_size=64, global_pool=pool, class_token=token
        ).eval()
        pixels = self.torch.randn(1, 3, 64, 64)
        joined = np.eye(16 + token)
        for layer in self.attention_of(network, pixels):
            mixed = layer.mean(0) + np.eye(16 + token)
            for row in mixed:
                row /= row.sum()
            joined = mixed @ joined
        wanted = joined[0, 1:] if token else joined.mean(0)
        heat, said = self.ask(network, pixels, 2, plain=True)
        assert said == "attention roll-out"
        np.testing.assert_allclose(heat, wanted.reshape(4, 4), rtol=1e-4)
        assert network.blocks[0].attn.fused_attn == self.fused(), "left as it was"

    def fused(self) -> bool:
        return self.timm.create_model("test_vit", num_classes=4).blocks[0].attn.fused_attn

    def test_the_weighted_roll_out_follows_its_paper(self) -> None:
        """R = I; R += mean over heads of (A * dA)+ times R, loops in numpy."""
        from tagger.backends.attention import weighted

        torch, rng = self.torch, np.random.default_rng(2)
        layers = rng.random((3, 2, 5, 5)).astype(np.float32)
        slopes = rng.normal(size=(3, 2, 5, 5)).astype(np.float32)
        start = np.array([1, 0, 0, 0, 0], np.float32)
        wanted = np.eye(5)
        for layer, slope in zip(layers, slopes, strict=True):
            mixed = np.zeros((5, 5))
            for head in range(2):
                for i in range(5):
                    for j in range(5):
                        mixed[i, j] += max(0, layer[head, i, j] * slope[head, i, j]) / 2
            wanted = wanted + mixed @ wanted
        found = weighted(
            [torch.tensor(each)[None] for each in layers],
            [torch.tensor(each)[None] for each in slopes],
            torch.tensor(start),
        )
        np.testing.assert_allclose(found.numpy(), wanted[0], rtol=1e-5)

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("test_vit", "gradient-weighted roll-out"),
            ("eva02_tiny_patch14_224", "gradient-weighted roll-out"),
            ("test_resnet", "Grad-CAM"),
            ("swin_tiny_patch4_window7_224", "Grad-CAM"),
        ],
    )
    def test_every_kind_of_network_has_its_way(self, name: str, said: str) -> None:
        """Windows of attention can't be rolled out; class vectors are no places."""
        small = {"embed_dim": 24, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1)}
        eva = {"depth": 2, "img_size": 56}
        arguments = {"swin": small, "eva0": eva}.get(name[:4], {})
        side = {"swin": 224, "eva0": 56}.get(name[:4], 160)
        network = self.timm.create_model(name, num_classes=3, **arguments)
        heat, way = self.ask(network, self.torch.randn(1, 3, side, side), 1)
        assert way == said
        assert heat.ndim == 2
        assert np.isfinite(heat).all()

    def test_a_transformer_lights_the_place_that_its_label_reads(self) -> None:
        """Sixty steps on noise: label 0 is a bright patch top left, label 1 one bottom right."""
        torch = self.torch
        torch.manual_seed(3)
        network = self.timm.create_model(
            "test_vit", num_classes=2, img_size=64, class_token=False, global_pool="avg"
        )
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
        for _ in range(60):
            truth = torch.randint(0, 2, (16, 2)).float()
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                network(self.corners(truth)), truth
            )
            loss.backward()
            optimizer.step()
        assert loss < 0.2, "it learned the corners"
        pixels = self.corners(torch.ones(1, 2))
        for column, place in ((0, (slice(1), slice(1))), (1, (slice(3, 4), slice(3, 4)))):
            heat, _ = self.ask(network, pixels, column)
            assert share(heat, place) > 2 / 16, "more than a sixteenth, which chance gives, doubled"
            assert heat[place].max() == heat.max()

    def corners(self, truth: Any) -> Any:
        """Noise, with the top left patch bright where label 0, the bottom right where label 1."""
        pixels = 0.2 * self.torch.randn(len(truth), 3, 64, 64)
        pixels[:, 0, :16, :16] += 2 * truth[:, 0, None, None]
        pixels[:, 1, 48:, 48:] += 2 * truth[:, 1, None, None]
        return pixels
