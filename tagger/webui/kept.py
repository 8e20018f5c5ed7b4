"""What a process keeps on disk: scores, and the runs that changed files."""

from __future__ import annotations

import logging
import threading

from ..errors import TaggerError
from ..folder.journal import Journal
from ..store import Store

log = logging.getLogger(__name__)


class Kept:
    """The store and the journal of our home, opened when first asked for, by any thread."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._lock = threading.Lock()
        self._opened: tuple[Store, Journal] | None = None

    @property
    def store(self) -> Store:
        """The kept scores. Raises StoreError or UsageError where our home can't be written."""
        return self._both()[0]

    @property
    def journal(self) -> Journal:
        """The runs that changed files. Raises StoreError or UsageError likewise."""
        return self._both()[1]

    def store_if_any(self) -> Store | None:
        """The kept scores; None where they can't be opened, which the log then says."""
        try:
            return self.store
        except TaggerError as error:
            log.warning("%s; going on without kept scores", error)
            return None

    def close(self) -> None:
        """Close what was opened."""
        if self._opened:
            for each in self._opened:
                each.close()

    def _both(self) -> tuple[Store, Journal]:
        with self._lock:
            if self._opened is None:
                self._opened = (Store(), Journal())
            return self._opened
