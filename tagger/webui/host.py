"""What is asked of a WebUI, and what stands in for it where there is none."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..settings import Folder, Settings
from .preferences import Preferences

Credentials = tuple[tuple[str, str], ...]
"""Pairs of user and password; none means that everybody may."""


class Host(Protocol):
    """The program that our page and routes are in. Asked anew each time: people change settings."""

    @property
    def name(self) -> str:
        """For a person: "AUTOMATIC1111 1.10.1", "stand-alone"."""
        ...

    def preferences(self) -> Preferences:
        """What its user set, as it is now."""
        ...

    def inherited(self) -> tuple[Settings, Folder]:
        """What a page begins with that no page was before: as other extensions were set here."""
        ...

    def device(self) -> str:
        """The device it would use, as `Runtime.device` names it; preferences override it."""
        ...

    def model_folders(self) -> tuple[Path, ...]:
        """Its folders that may hold models, each in a sub-folder."""
        ...

    def make_room(self, size: int) -> bool:
        """Free so many bytes on the device, under its lock taken without waiting.

        False: the lock was held, and nothing was touched.
        """
        ...

    def turn(self) -> AbstractContextManager[bool]:
        """Its lock for one batch, asked for without waiting; gives whether it was got."""
        ...

    def generating(self) -> bool:
        """Whether it is making pictures now."""
        ...

    def credentials(self) -> Credentials:
        """Who may use our routes."""
        ...

    def exposed(self) -> bool:
        """Whether it is, or may be, reachable from other machines."""
        ...

    def roots(self) -> tuple[Path, ...] | None:
        """The folders that page and routes may touch; None is all, () is none: uploads only."""
        ...

    def allow_urls(self) -> bool:
        """Whether a route may fetch a picture from an address."""
        ...


@dataclass(frozen=True)
class StandAlone:
    """No host: `tagger serve`.

    Attributes:
        open_folders: folders that may be touched; without one all, unless reachable from outside.
        users: who may use it.
        listening: whether it is reachable from other machines.
        urls: whether a route may fetch a picture from an address.
        preferred: what a WebUI's user would have set.
    """

    open_folders: tuple[Path, ...] = ()
    users: Credentials = field(default=(), repr=False)
    listening: bool = False
    urls: bool = False
    preferred: Preferences = field(default_factory=Preferences)
    name: str = "stand-alone"

    def preferences(self) -> Preferences:
        """As given."""
        return self.preferred

    def inherited(self) -> tuple[Settings, Folder]:
        """The defaults."""
        return Settings(), Folder()

    def device(self) -> str:
        """The best there is."""
        return "auto"

    def model_folders(self) -> tuple[Path, ...]:
        """None: models lie in our own home."""
        return ()

    def make_room(self, size: int) -> bool:
        """Nobody else uses the device."""
        return size >= 0

    def turn(self) -> AbstractContextManager[bool]:
        """Always ours."""
        return nullcontext(True)

    def generating(self) -> bool:
        """Never."""
        return False

    def credentials(self) -> Credentials:
        """As given."""
        return self.users

    def exposed(self) -> bool:
        """As given."""
        return self.listening

    def roots(self) -> tuple[Path, ...] | None:
        """The folders named; without any all, or where others reach it none."""
        if self.open_folders or self.listening:
            return self.open_folders
        return None

    def allow_urls(self) -> bool:
        """As given."""
        return self.urls
