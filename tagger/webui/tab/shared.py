"""What all pages share: the App, the chosen model, the caption options; and how they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import ModelError
from ...settings import Settings
from . import form
from .presets import Preset

if TYPE_CHECKING:
    from ..app import App


class Prompts(Protocol):
    """The host's components that a caption is sent to; None where a host lacks one."""

    @property
    def txt2img(self) -> Any: ...
    @property
    def img2img(self) -> Any: ...
    @property
    def img2img_image(self) -> Any: ...


@dataclass(frozen=True)
class Asked:
    """The model and the settings as the page shows them now."""

    model: str
    settings: Settings


@dataclass(frozen=True)
class Shared:
    """The components that every listener reads, and what it reads them with.

    opener: gives the App, which no start waits for.
    """

    opener: Callable[[], App]
    prompts: Prompts | None
    model: Any
    base: Any
    controls: Sequence[Any]

    @property
    def app(self) -> App:
        """What all pages know of Tagger."""
        return self.opener()

    def first(self) -> Preset:
        """What a page begins with that no page was before."""
        settings, folder = self.app.host.inherited()
        return Preset("", settings, folder)

    @property
    def inputs(self) -> list[Any]:
        """What `ask` takes, as components."""
        return [self.model, self.base, *self.controls]

    def ask(self, model: str | None, base: Settings | None, *values: Any) -> Asked:
        """Read the caption options.

        Raises:
            OptionError: what was typed is no setting.
        """
        name = model or self.app.default_model
        settings = form.read(base or Settings(), values)
        with contextlib.suppress(ModelError):  # not here yet: nothing is captioned before it is
            settings = form.fitting(settings, self.app.labels(name))
        return Asked(name, settings)
