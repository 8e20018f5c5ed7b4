"""The weights that timm publishes of an architecture, from the hub or its cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import timm

from ..errors import DownloadError, OptionError
from ..models import hub, web


def open_published(architecture: str) -> Any:
    """The architecture as timm publishes it.

    Raises OptionError, one sentence, where it can't be had.
    """
    try:
        with _unreached(architecture):
            return timm.create_model(architecture, pretrained=True)
    except OptionError:
        raise
    except Exception as error:  # of the hub's many, and RuntimeError without weights
        raise OptionError(
            f"from: expected weights that timm publishes of {architecture}, got "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        ) from error


@contextmanager
def _unreached(architecture: str) -> Iterator[None]:
    """Within it timm looks into the cache alone where the hub can't be reached.

    Left to itself huggingface_hub asks for each file six times, with a warning each, for over a
    minute. Raises OptionError where the cache lacks the weights as well.
    """
    described = timm.get_pretrained_cfg(architecture)
    repo = (described.hf_hub_id if described else None) or ""
    cause = _cause(repo) if repo and not hub.offline() else ""
    if not cause:
        yield
        return
    if not any(hub.snapshots(repo)):
        raise OptionError(
            f"from: expected weights that timm publishes of {architecture}, got none here: {cause}"
        )
    from huggingface_hub import constants

    kept, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = kept


def _cause(repo: str) -> str:
    """Why the hub can't be reached; empty where it can, whatever it answers."""
    try:
        web.open_url(f"{hub.endpoint()}/{repo}/resolve/main/config.json", "HEAD").close()
    except web.PassingError as error:
        return str(error)
    except DownloadError:
        pass
    return ""
