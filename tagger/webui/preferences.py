"""What a WebUI's user sets once, and what the predecessors' users had set. Knows no host.

Each field is a setting of the host, called `sd_tagger_` and its name. Thresholds and what a
caption looks like are not here: they stand in the tab, and its last values are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..caption import CaptionFormat
from ..dialects import Dialect
from ..errors import OptionError
from ..models.default import DEFAULT
from ..options import check, describe, option
from ..paths import expanded
from ..settings import Folder, Precision, Runtime, Settings

PREFIX = "sd_tagger_"


@dataclass(frozen=True)
class Preferences:
    """How Tagger behaves beside the WebUI; the same page asks for these in any host."""

    default_model: str = option(
        DEFAULT, help="The model of a fresh tab, and of a request that names none."
    )
    device: str = option(
        "auto", help="auto: what the WebUI would use; else cpu, cuda, or one such as cuda:1."
    )
    precision: Precision = option(
        "auto", help="Of the numbers inside a model; auto: what the device is good at."
    )
    keep: Literal["device", "ram", "none"] = option(
        "ram", help="Where a model waits after use: on the device, in main memory, or nowhere."
    )
    idle_minutes: float = option(
        10.0, help="Minutes without use after which a model is unloaded; 0: never.", ge=0
    )
    while_generating: Literal["pause", "share"] = option(
        "pause", help="What a long run does while the WebUI makes pictures: wait, or go on beside."
    )
    download_when_asked: bool = option(
        True, help="Fetch a listed model that is not on disk when a request asks for it."
    )
    dialect: Dialect = option(
        "nested",
        help="Answer of `interrogate` where the model's name does not tell which the caller "
        "expects; nested: as picobyte's, flat: as toriato's.",
    )
    hub_mirror: str = option(
        "", help="Address of a mirror of huggingface.co to download from; empty: none."
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def runtime(self) -> Runtime:
        """The part that runs a model; on a processor with four threads for each picture.

        Somebody waits for the one in the tab, and long runs lose little by it.
        """
        from ..backends.devices import cores  # the room is large, and no start waits for it

        streams = max(1, cores() // 4)
        return Runtime(self.device, self.precision, streams=streams, keep=self.keep)

    @property
    def idle_s(self) -> float | None:
        """Seconds without use after which a model is unloaded; None: never."""
        return self.idle_minutes * 60 or None


def read_preferences(
    stored: Callable[[str], Any], warn: Callable[[str], object] = lambda sentence: None
) -> Preferences:
    """Preferences from the host's settings, each asked for by its full name; None: not set.

    A value that can't be is told to `warn` in one sentence and keeps its default: a wrong setting
    must not take the tab away.
    """
    kept = Preferences()
    for field in describe(Preferences):
        value = stored(PREFIX + field.name)
        if value is None:
            continue
        try:
            kept = replace(kept, **{field.name: value})
        except OptionError as error:
            warn(f"{PREFIX}{error}: the default is taken")
    return kept


def inherited_settings(stored: Mapping[str, Any]) -> tuple[Settings, Folder]:
    """The tab's first values: what the host still holds of picobyte's extension and its forks.

    `stored` is the host's settings by name. Only what means the same here is taken: spaces,
    brackets, weights, file names and sub-folders; a value that can't be is left out.
    """
    format_ = _taken(
        CaptionFormat(),
        spaces=stored.get("tagger_repl_us"),
        escape=stored.get("tagger_escape"),
        weights=stored.get("tagger_weighted_tags_files"),
    )
    name = stored.get("tagger_out_filename_fmt")
    folder = _taken(
        Folder(),
        recursive=stored.get("tagger_batch_recursive"),
        name=None if name == "[name].[output_extension]" else name,
    )
    return Settings(format=format_), folder


def inherited_models(stored: Mapping[str, Any]) -> tuple[Path, ...]:
    """Folders in which the predecessors kept models, as far as the host's settings name them."""
    named = stored.get("tagger_hf_cache_dir")
    return (expanded(named),) if isinstance(named, str) and named.strip() else ()


def _taken(settings: Any, **values: Any) -> Any:
    """The settings with those values that are set and can be."""
    for name, value in values.items():
        if value is not None:
            try:
                settings = replace(settings, **{name: value})
            except OptionError:  # what another extension wrote is no reason to complain to the user
                continue
    return settings
