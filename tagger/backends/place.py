"""Where a model runs, and in what numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import BackendError, OptionError
from .devices import PROVIDERS, Library, devices, onnx_kinds, torch_names

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}

_ORDER: tuple[Library, ...] = ("torch", "onnxruntime", "openvino")  # on a card
# TensorRT compiles for minutes, OpenVINO and CoreML may round otherwise: only when named.
_UNASKED = ("cuda", "rocm", "directml")
_TORCH_KINDS = ("cuda", "mps", "cpu")
KINDS = tuple(dict.fromkeys((*PROVIDERS, *_TORCH_KINDS)))


@dataclass(frozen=True)
class Place:
    """Where and how a model will run.

    Attributes:
        library: who runs it.
        device: "cpu", "cuda:0", "directml:0" ...
        dtype: numbers it computes in: "float32", "float16", "bfloat16".
        asked: the device was named, so falling back to another one is an error.
    """

    library: Library
    device: str
    dtype: str = "float32"
    asked: bool = False

    @property
    def kind(self) -> str:
        """The device without its number: "cuda"."""
        return self.device.partition(":")[0]

    @property
    def index(self) -> int:
        """The device's number, 0 where it has none."""
        return int(self.device.partition(":")[2] or 0)


def pick(device: str, precision: str, libraries: Iterable[Library]) -> Place:
    """Decide where a model runs that the given libraries can open, best library first.

    `device` is "auto", a kind ("cuda") or one device ("cuda:1"); `precision` is "auto", "fp32",
    "fp16" or "bf16". On a card torch goes first: half precision and real batches. On the
    processor ONNX Runtime does: it is the faster one there, and starts without torch's import;
    in bf16 OpenVINO does, the fastest of all and nothing that is chosen unasked.

    Raises:
        OptionError: no device or precision has that name.
        BackendError: nothing here can do it so.
    """
    kind = kind_of(device, precision)
    able: list[Library] = sorted(libraries, key=_ORDER.index)
    if precision in ("fp16", "bf16"):
        able = [one for one in able if one == "torch" or (one, precision) == ("openvino", "bf16")]
        if not able:
            raise BackendError(
                f"expected a model with torch weights and torch for {precision}, or OpenVINO for "
                f'bf16, got ONNX Runtime alone: use precision "fp32"'
            )
    where = _on_card(device, kind, able) if kind != "cpu" else None
    if where is None and kind == "openvino" and "openvino" in able:
        where = "openvino", "cpu"
    if where is None and kind not in ("auto", "cpu"):
        raise BackendError(_absent(device))
    library, name = where or (_for_processor(able, precision), "cpu")
    return Place(library, name, _dtype(library, name, precision), asked=kind != "auto")


def _for_processor(able: list[Library], precision: str) -> Library:
    first: Library = "openvino" if precision == "bf16" else "onnxruntime"
    return first if first in able else "torch"


def kind_of(device: str, precision: str = "auto") -> str:
    """The kind of a device, "cuda" of "cuda:1"; `auto` stays.

    Raises OptionError where no device or no precision has that name.
    """
    kind, _, number = device.partition(":")
    if kind not in (*KINDS, "auto") or not (number == "" or number.isdecimal()):
        raise OptionError(
            f"device: expected auto or one of {', '.join(KINDS)}, such as cuda or cuda:1, got "
            f"{device!r}"
        )
    if precision not in ("auto", *DTYPES):
        raise OptionError(f"precision: expected auto, {', '.join(DTYPES)}, got {precision!r}")
    return kind


def _on_card(device: str, kind: str, able: list[Library]) -> tuple[Library, str] | None:
    if "torch" in able and kind in ("auto", *_TORCH_KINDS):
        name = _match(device, torch_names())
        if name:
            return "torch", name
    if "onnxruntime" in able:
        name = _match(device, onnx_kinds(_UNASKED if kind == "auto" else (kind,)))
        if name:
            return "onnxruntime", name
    return None


def _match(device: str, names: Iterable[str]) -> str | None:
    """The first name that `device` means; ONNX Runtime's "directml" stands for all its numbers."""
    for name in names:
        if name == "cpu":
            continue
        if device in ("auto", name) or name.partition(":")[0] == device:
            return name
        if ":" not in name and device.startswith(f"{name}:"):
            return device
    return None


def _absent(device: str) -> str:
    there = ", ".join(found.name for found in devices())
    return (
        f"expected a device {device} that a library here can reach with this model, got {there}: "
        f"name one of these, or install a build of torch or ONNX Runtime for it"
    )


def _dtype(library: Library, device: str, precision: str) -> str:
    if precision != "auto":
        return DTYPES[precision]
    if library == "torch" and device.startswith("cuda") and _fast_half(device):
        # 11 bits of mantissa against bfloat16's 8: scores stay eight times nearer to fp32
        return "float16"
    return "float32"


def _fast_half(device: str) -> bool:
    import torch

    return torch.cuda.get_device_capability(device) >= (7, 0)
