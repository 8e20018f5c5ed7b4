"""torch with timm: the scores of the same weights in ONNX, and nothing loaded that could run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
safetensors_torch = pytest.importorskip("safetensors.torch")

from tagger.backends import DeviceMemoryError  # noqa: E402
from tagger.backends.onnxrt import open_model as open_onnx  # noqa: E402
from tagger.backends.place import Place  # noqa: E402
from tagger.backends.pytorch import open_model  # noqa: E402
from tagger.errors import BackendError, ModelError  # noqa: E402
from tagger.models.spec import Contract, Model  # noqa: E402
from tagger.preprocess import Preprocess  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

CPU = Place("torch", "cpu")
HALF = (0.5, 0.5, 0.5)
# WD's timm weights: BGR, channels first, -1..1, logits
PIXELS = {"size": (32, 32), "channels": "bgr", "layout": "nchw", "scale": 1 / 255}
TIMM = Contract(
    runtime="timm",
    weights="model.safetensors",
    preprocess=Preprocess(mean=HALF, std=HALF, **PIXELS),
    activation="sigmoid",
)
WD = Contract(preprocess=Preprocess(size=(32, 32), channels="bgr"))
As = Callable[..., Model]


@pytest.fixture(scope="module")
def network() -> Any:
    """A small ResNet of six labels whose every number matters, its scores spread over 0..1."""
    torch.manual_seed(7)
    made = timm.create_model("test_resnet", num_classes=6).eval()
    for name, buffer in made.named_buffers():
        if buffer.is_floating_point():
            low, high = (0.5, 1.5) if name.endswith("var") else (-0.3, 0.3)
            buffer.uniform_(low, high)
    torch.nn.init.normal_(made.fc.weight, std=2.0)
    return made


@pytest.fixture
def universal(folder: Path, network: Any, as_model: As) -> Model:
    """A folder that holds the same weights twice: `model.onnx` and `model.safetensors`."""
    safetensors_torch.save_file(network.state_dict(), folder / "model.safetensors")
    write_config(folder)
    write_onnx(network, folder / "model.onnx", pool=1)
    return as_model(WD, TIMM)


def write_config(folder: Path, **changes: Any) -> None:
    config = {
        "architecture": "test_resnet",
        "num_classes": 6,
        "num_features": 96,
        "pretrained_cfg": {"input_size": [3, 32, 32], "mean": HALF, "std": HALF},
    }
    (folder / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")


class Graph:
    """ONNX nodes and constants, written down one by one."""

    def __init__(self) -> None:
        self.onnx = pytest.importorskip("onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any) -> str:
        array = values.detach().numpy() if hasattr(values, "detach") else np.float32(values)
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def convolve(self, x: str, layer: Any, norm: Any) -> str:
        pads = [*layer.padding, *layer.padding]
        strides = list(layer.stride)
        y = self.node("Conv", x, self.constant(layer.weight), strides=strides, pads=pads)
        rows = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        constants = map(self.constant, rows)
        return self.node("BatchNormalization", y, *constants, epsilon=norm.eps)

    def mean(self, x: str, side: int) -> str:
        return self.node("AveragePool", x, kernel_shape=[side, side], strides=[side, side])

    def block(self, x: str, layer: Any) -> str:
        y = self.convolve(x, layer.conv1, layer.bn1)
        y = self.convolve(self.node("Relu", y), layer.conv2, layer.bn2)
        if hasattr(layer, "conv3"):
            y = self.convolve(self.node("Relu", y), layer.conv3, layer.bn3)
        if layer.downsample is not None:
            x = self.convolve(self.mean(x, 2), layer.downsample[1], layer.downsample[2])
        return self.node("Relu", self.node("Add", x, y))

    def save(self, path: Path, side: int) -> None:
        kind, helper = self.onnx.TensorProto.FLOAT, self.onnx.helper
        tensor = helper.make_tensor_value_info
        inputs, outputs = tensor("input", kind, ["N", side, side, 3]), tensor("p", kind, ["N", 6])
        graph = helper.make_graph(self.nodes, "resnet", [inputs], [outputs], self.constants)
        opset = [helper.make_opsetid("", 17)]
        self.onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def write_onnx(network: Any, path: Path, pool: int) -> None:
    """The network's arithmetic spelled out in ONNX, behind WD's input, before a sigmoid."""
    graph = Graph()
    half = graph.constant(0.5)
    x = graph.node("Div", "input", graph.constant(255))
    x = graph.node("Div", graph.node("Sub", x, half), half)
    x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.mean(x, pool) if pool > 1 else x
    stem = network.conv1
    for convolution, norm in ((stem[0], stem[1]), (stem[3], stem[4]), (stem[6], network.bn1)):
        x = graph.node("Relu", graph.convolve(x, convolution, norm))
    x = graph.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for layer in (*network.layer1, *network.layer2, *network.layer3, *network.layer4):
        x = graph.block(x, layer)
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    weights = graph.constant(network.fc.weight), graph.constant(network.fc.bias)
    x = graph.node("Gemm", x, *weights, transB=1)
    graph.nodes.append(graph.onnx.helper.make_node("Sigmoid", [x], ["p"]))
    graph.save(path, side=32 * pool)


def opened(model: Model, contract: Contract = TIMM, place: Place = CPU, **runtime: Any) -> Any:
    return open_model(model, contract, place, Runtime(**{"threads": 1, **runtime}))


@pytest.mark.parametrize("batch", [1, 7])
def test_both_libraries_give_the_same_scores(
    universal: Model, pictures: np.ndarray, batch: int
) -> None:
    """The same weights, run from both files of a universal folder, agree within 1e-5."""
    pytest.importorskip("onnxruntime")
    by_torch = opened(universal)
    by_onnx = open_onnx(universal, WD, Place("onnxruntime", "cpu"), Runtime())
    for at in range(0, 7, batch):
        some = pictures[at : at + batch]
        scores = by_torch.run(some)
        assert scores.shape == (len(some), 6)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, by_onnx.run(some), rtol=0, atol=1e-5)
    everything = by_torch.run(pictures)
    assert everything.min() < 0.2
    assert everything.max() > 0.8


def test_a_picture_is_pooled_before_the_network(
    folder: Path, network: Any, as_model: As, universal: Model
) -> None:
    """With `pool: 4`, a network of 32 pixels sees pictures of 128, as its graph does."""
    pytest.importorskip("onnxruntime")
    large = {**PIXELS, "size": (128, 128)}
    timm_way = Contract(
        runtime="timm",
        weights="model.safetensors",
        preprocess=Preprocess(mean=HALF, std=HALF, **large),
        activation="sigmoid",
        pool=4,
    )
    wd_way = Contract(preprocess=Preprocess(size=(128, 128), channels="bgr"))
    write_onnx(network, folder / "model.onnx", pool=4)
    model = as_model(wd_way, timm_way)
    rng = np.random.default_rng(11)
    batch = rng.integers(0, 256, (2, 128, 128, 3), np.uint8)
    by_onnx = open_onnx(model, wd_way, Place("onnxruntime", "cpu"), Runtime())
    np.testing.assert_allclose(
        opened(model, timm_way).run(batch), by_onnx.run(batch), rtol=0, atol=1e-5
    )


def test_scores_are_those_of_timm(universal: Model, network: Any, pictures: np.ndarray) -> None:
    """What wdv3-timm's script does by hand: -1..1, channels reversed, sigmoid."""
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        logits = network(((tensor - 0.5) / 0.5)[:, [2, 1, 0]])
    wanted = torch.sigmoid(logits).numpy()
    np.testing.assert_allclose(opened(universal).run(pictures), wanted, rtol=0, atol=1e-5)


def test_half_precision_stays_near(universal: Model, pictures: np.ndarray) -> None:
    """bfloat16 is stated as such, its sigmoid computed in float32: scores are no multiples of
    2^-8."""
    backend = opened(universal, place=Place("torch", "cpu", "bfloat16"))
    assert (backend.dtype, backend.device, backend.takes_uint8) == ("bfloat16", "cpu", True)
    scores = backend.run(pictures)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, opened(universal).run(pictures), rtol=0, atol=0.1)
    rough = torch.from_numpy(scores).bfloat16().float().numpy()
    assert (rough != scores).any()


def test_an_overflow_is_told(universal: Model, folder: Path, network: Any) -> None:
    """A logit beyond float16 never passes for a score of 1."""
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state["fc.bias"].fill_(1e6)
    safetensors_torch.save_file(state, folder / "model.safetensors")
    with pytest.raises(BackendError, match='an overflow of float16: use "bf16"'):
        opened(universal, place=Place("torch", "cpu", "float16"))


def test_a_network_for_another_size_is_refused(
    universal: Model, folder: Path, as_model: As
) -> None:
    """A ViT of 160 pixels behind pictures of 32 can't run: told at opening."""
    made = timm.create_model("test_vit", num_classes=6)
    safetensors_torch.save_file(made.state_dict(), folder / "model.safetensors")
    write_config(folder, architecture="test_vit", model_args={"dynamic_img_size": False})
    with pytest.raises(ModelError, match=r"expected a network for this model's pictures: Input"):
        opened(universal)
    uneven = Contract(**{**vars(TIMM), "pool": 5})
    with pytest.raises(ModelError, match="expected a size that pool 5 divides"):
        opened(as_model(uneven), uneven)


def test_parked_weights_leave_the_device_and_come_back(
    universal: Model, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To main memory, in the numbers they are in; a processor's are there anyway."""
    backend = open_model(universal, TIMM, CPU, Runtime())
    before = backend.run(pictures)
    assert (backend.park(), backend.parked) == (0, False)
    moves: list[str] = []
    network: Any = backend._network  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(network, "to", moves.append)  # a card that this machine need not have
    backend.device = "cuda:0"

    assert backend.park() == backend.memory > 0
    assert backend.parked
    assert backend.park() == 0
    backend.wake()
    backend.wake()

    assert moves == ["cpu", "cuda:0"]
    assert not backend.parked
    backend.device = "cpu"
    np.testing.assert_array_equal(backend.run(pictures), before)


def test_a_full_device_leaves_the_weights_in_main_memory(
    universal: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was moved goes back, and the sentence says whose memory it was."""
    backend = open_model(universal, TIMM, CPU, Runtime())
    moves: list[str] = []

    def move(device: str) -> None:
        moves.append(device)
        if device != "cpu":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(backend._network, "to", move)  # pyright: ignore[reportPrivateUsage]
    backend.device = "cuda:0"
    backend.park()

    with pytest.raises(DeviceMemoryError, match="cuda:0: CUDA out of memory"):
        backend.wake()

    assert moves == ["cpu", "cuda:0", "cpu"]
    assert backend.parked


def test_memory_and_closing(universal: Model, pictures: np.ndarray) -> None:
    """It knows the bytes of its weights, and a closed one says so."""
    backend = opened(universal)
    size = universal.path("model.safetensors").stat().st_size
    assert backend.memory == pytest.approx(size, rel=0.1)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="got a closed one"):
        backend.run(pictures)


@pytest.mark.parametrize(
    "setting",
    [
        {"checkpoint_path": "weights.pth"},
        {"pretrained": True},
        {"pretrained_cfg": {"file": "weights.pth"}},
        {"pretrained_cfg_overlay": {"file": "weights.pth"}},
        {"cache_dir": "/"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_a_config_can_load_nothing(universal: Model, folder: Path, setting: dict[str, Any]) -> None:
    """timm's own arguments, which can read a pickle or the network, are refused."""
    write_config(folder, model_args=setting)
    with pytest.raises(ModelError, match=r"config\.json: expected model_args of the architecture"):
        opened(universal)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("test_resnot", "test_resnet"), ("hf-hub:a/b", ""), ("local-dir:/tmp", ""), (None, "")],
)
def test_an_unknown_architecture_is_named(
    universal: Model, folder: Path, name: str | None, hint: str
) -> None:
    """Only what timm itself defines; the nearest name is offered."""
    write_config(folder, architecture=name)
    with pytest.raises(ModelError, match=rf"expected an architecture of timm.*{hint}"):
        opened(universal)


def test_wrong_arguments_are_one_sentence(universal: Model, folder: Path) -> None:
    """What the architecture itself refuses is told with the file's name."""
    write_config(folder, model_args={"wings": 2})
    with pytest.raises(ModelError, match=r"config\.json: expected num_classes and model_args"):
        opened(universal)


@pytest.mark.parametrize("text", ["", "[]", "{", '"resnet"'])
def test_a_broken_config_is_named(universal: Model, folder: Path, text: str) -> None:
    """No JSON, or no object."""
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json: expected the network's config in JSON"):
        opened(universal)


def test_absent_files_are_named(universal: Model, folder: Path) -> None:
    """Weights without a config, a config without weights."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: expected a file, got none"):
        opened(universal)
    (folder / "config.json").unlink()
    with pytest.raises(
        ModelError, match=r"config\.json: expected the network's config, got no file"
    ):
        opened(universal)


def test_truncated_weights_are_named(universal: Model, folder: Path) -> None:
    """Half a download, an empty file, another kind of file."""
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x02}q\x00." * 9):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.safetensors: expected safetensors, got"):
            opened(universal)


def test_weights_of_another_network_are_refused(universal: Model, folder: Path) -> None:
    """Shapes and names must be those of the architecture: the first that differs is named."""
    other = timm.create_model("test_resnet", num_classes=7).state_dict()
    safetensors_torch.save_file(other, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"expected the \d+ tensors .*'fc.bias' differs"):
        opened(universal)


def test_labels_and_classes_must_agree(universal: Model, folder: Path) -> None:
    """A config of seven classes beside six labels."""
    write_config(folder, num_classes=7)
    with pytest.raises(ModelError, match=r"config\.json: expected an output of \[N, 6\]"):
        opened(universal)
