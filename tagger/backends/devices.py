"""What can compute here, and which library reaches it. Opens no model."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Library = Literal["torch", "onnxruntime", "openvino"]

# ONNX Runtime's execution providers for a kind of device, the first one present is used.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider",),
    "rocm": ("MIGraphXExecutionProvider", "ROCMExecutionProvider"),
    "directml": ("DmlExecutionProvider",),
    "openvino": ("OpenVINOExecutionProvider",),
    "coreml": ("CoreMLExecutionProvider",),
    "cpu": ("CPUExecutionProvider",),
}


@dataclass(frozen=True)
class Device:
    """One thing that can compute.

    Attributes:
        name: what `device` takes: "cpu", "cuda:0".
        title: as its maker calls it, or what reaches it.
        memory, free: bytes of its own memory; 0 where not known.
        libraries: those that reach it here.
    """

    name: str
    title: str
    memory: int = 0
    free: int = 0
    libraries: tuple[Library, ...] = ()


def cores() -> int:
    """CPU cores this process may use, at least 1: its affinity, then a container's quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min(count, _quota(Path("/sys/fs/cgroup/cpu.max")) or count))


def _quota(path: Path) -> int | None:
    """Cores of a cgroup v2 quota, rounded up: "150000 100000" is 2; "max 100000" is None."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def lanes(threads: int = 0, streams: int = 0) -> tuple[int, int]:
    """Split a processor: (streams, threads of each); 0 threads are as many as there are cores.

    One-thread streams that share a session beat one wide session by a tenth and more, and leave
    no core waiting for another; so that is what 0 streams are. A picture that comes alone is there
    sooner the fewer streams there are.
    """
    whole = threads or cores()
    count = min(streams or whole, whole)
    return count, whole // count


def devices() -> tuple[Device, ...]:
    """List what is there, the processor last. Imports torch where it may find a card."""
    built = onnx_kinds()
    found: list[Device] = []
    for name in torch_names():
        libraries: tuple[Library, ...] = ("torch",)
        if name.partition(":")[0] in built:
            libraries = ("torch", "onnxruntime")
        found.append(_describe(name, libraries))
    known = {device.name.partition(":")[0] for device in found}
    found += [_describe(kind, ("onnxruntime",)) for kind in built if kind not in known]
    if not found:
        found = [_describe("cpu", ())]
    return tuple(sorted(found, key=lambda device: device.name == "cpu"))


def providers() -> tuple[str, ...]:
    """What the installed ONNX Runtime was built for, its own names; nothing without it."""
    if not importlib.util.find_spec("onnxruntime"):
        return ()
    try:
        import onnxruntime
    except (ImportError, OSError):  # as in torch_names
        return ()
    return tuple(onnxruntime.get_available_providers())


def onnx_kinds(kinds: Iterable[str] = tuple(PROVIDERS)) -> list[str]:
    """The kinds that the installed ONNX Runtime was built for; not yet that one is there."""
    built = set(providers())
    return [kind for kind in kinds if built.intersection(PROVIDERS[kind])]


def torch_names() -> list[str]:
    """Torch's cards and, where torch is there at all, the processor."""
    if not importlib.util.find_spec("torch"):
        return []
    if not _card_likely():
        return ["cpu"]
    try:
        import torch
    except (ImportError, OSError):  # an installation that lacks a library of its own
        return []
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [f"cuda:{index}" for index in range(count)]
    return [*names, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def _card_likely() -> bool:
    """Whether importing torch to look for a card is worth its second or two."""
    if "torch" in sys.modules or sys.platform == "darwin":
        return True
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32"
        return any((system / name).exists() for name in ("nvcuda.dll", "amdhip64.dll"))
    return any(Path("/dev", name).exists() for name in ("nvidiactl", "kfd", "dxg"))


def _describe(name: str, libraries: tuple[Library, ...]) -> Device:
    if name == "cpu":
        return Device(name, f"{cores()} cores", *_memory(), libraries)
    if "torch" in libraries and name.startswith("cuda"):
        import torch

        free, memory = torch.cuda.mem_get_info(name)
        return Device(name, torch.cuda.get_device_name(name), memory, free, libraries)
    title = "Apple GPU" if name == "mps" else f"ONNX Runtime's {name}"
    return Device(name, title, libraries=libraries)


def _memory() -> tuple[int, int]:
    """Bytes of the machine's memory, all and free; zeros where the system does not say."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0, 0
