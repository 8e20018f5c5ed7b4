"""Room on the device, made by the host's own memory management; called under the host's lock.

Each host knows what of its own can go and comes back when it is needed. What would stay away is
not touched: better no room than a generation that fails.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

log = logging.getLogger(__name__)

_MANAGERS = ("backend.memory_management", "ldm_patched.modules.model_management")
"""Of Forge, Neo and Classic; of reForge. Both free by size, and load again before a generation."""


def make_room(size: int) -> None:
    """Free about so many bytes; a host that can't is left as it is, with a line in the log."""
    try:
        manager = next((sys.modules[name] for name in _MANAGERS if name in sys.modules), None)
        if manager is not None:
            _by_size(manager, size)
        elif _module("modules.lowvram"):
            _automatic1111(size)
        else:
            _sdnext()
    except (ImportError, AttributeError, TypeError, RuntimeError) as error:
        log.warning("the WebUI made no room for a model of Tagger: %s", error)


def _by_size(manager: Any, size: int) -> None:
    device = manager.get_torch_device()
    if getattr(device, "type", "cpu") not in ("cpu", "mps"):
        manager.free_memory(size + manager.minimum_inference_memory(), device)


def _automatic1111(size: int) -> None:
    """What lies idle in the cache; then what --medvram and --lowvram bring back by themselves.

    The checkpoint in use has no such way back, so it stays; others that are kept loaded beside it
    are moved in again when they are chosen.
    """
    from modules import devices, lowvram, sd_models

    devices.torch_gc()
    if _enough(size):
        return
    if lowvram.module_in_gpu is not None:
        lowvram.send_everything_to_cpu()
    kept = sd_models.model_data
    for model in list(kept.loaded_sd_models):
        if model is not kept.sd_model and not _enough(size):
            sd_models.send_model_to_cpu(model)
    devices.torch_gc()


def _sdnext() -> None:
    """Its own way before an auxiliary model is loaded."""
    from modules import devices, sd_models, shared

    if getattr(shared, "sd_loaded", False):
        shared.sd_model = sd_models.apply_balanced_offload(shared.sd_model)
    devices.torch_gc(force=True, reason="tagger")


def _enough(size: int) -> bool:
    """Whether so much is free, or there is no card to free anything on."""
    import torch

    return not torch.cuda.is_available() or torch.cuda.mem_get_info()[0] >= size


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
