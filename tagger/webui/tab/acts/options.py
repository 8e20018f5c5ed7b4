"""What the listeners of the presets do: save, load, delete, take over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....errors import TaggerError, UsageError
from ...app import App
from ...compat import update, uploads
from .. import destination, form, presets
from ..controls import CONTROLS
from ..fragments import common
from ..presets import Preset
from ..shared import Shared


class Acts:
    """What the presets' listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._app: App = shared.app

    def save(self, name: str | None, *given: Any) -> list[Any]:
        """Keep what the page shows under a name."""
        try:
            folder = destination.read(given[: len(destination.FIELDS)])
            asked = self._shared.ask(*given[len(destination.FIELDS) :])
            presets.save(name or "", Preset(asked.model, asked.settings, folder))
        except TaggerError as error:
            return [update(), common.note(str(error), "bad")]
        return [_listed(name), common.note(f"Saved as {name}.", "good")]

    def delete(self, name: str | None) -> list[Any]:
        """Remove a preset."""
        try:
            presets.delete(name or "")
        except TaggerError as error:
            return [update(), common.note(str(error), "bad")]
        return [_listed(None), common.note(f"{name} is deleted.", "good")]

    def load(self, name: str | None) -> list[Any]:
        """Show a preset."""
        try:
            preset = presets.load(name or "")
        except TaggerError as error:
            return [common.note(str(error), "bad"), *([update()] * self._width)]
        return [common.note(f"{name} is loaded.", "good"), *self.shown(preset)]

    def bring(self, value: Any) -> list[Any]:
        """Take over a preset file, ours or a predecessor's, under its own name."""
        try:
            path, given_name = uploads(value)[0]
            name = Path(given_name).stem
            if path.stat().st_size > presets.MOST_BYTES:
                raise UsageError(f"{given_name}: expected a preset, got a large file")
            text = path.read_text(encoding="utf-8", errors="replace")
            preset = presets.read_foreign(text, given_name)
            presets.save(name, preset)
        except (TaggerError, IndexError) as error:
            said = common.note(str(error), "bad")
            return [update(), said, *([update()] * self._width)]
        said = common.note(f"Imported as {name}, and loaded.", "good")
        return [_listed(name), said, *self.shown(preset)]

    def shown(self, preset: Preset) -> list[Any]:
        """What model, base, controls and destination show of a preset."""
        model = preset.model or self._app.default_model
        controls = form.show(preset.settings)
        return [model, preset.settings, *controls, *destination.show(preset.folder)]

    @property
    def _width(self) -> int:
        return 2 + len(CONTROLS) + len(destination.FIELDS)


def _listed(chosen: str | None) -> Any:
    return update(choices=presets.names(), value=chosen)
