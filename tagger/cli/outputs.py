"""The one file that `tagger caption --output` gathers a folder's captions or scores in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..folder.gather import gather
from ..folder.job import FolderJob
from ..folder.metadata import check_name
from ..folder.recall import Recall
from ..folder.run import Run
from ..folder.scoregather import Wanted, gather_scores
from ..folder.scoretable import ENDING, Head, check_table
from ..models.spec import Model
from .screen import progress, say


@dataclass(frozen=True)
class Output:
    """A file that is wanted, or none."""

    file: Path | None = None
    full_paths: bool = False

    @property
    def asks_scores(self) -> bool:
        """Whether it is a table of scores, for which every score is kept."""
        return self.file is not None and self.file.suffix.lower() == ENDING

    def check(self, models: Sequence[Model]) -> None:
        """Refuse what can't be written, before anything is inferred.

        Raises:
            UsageError: an unknown ending, a file of another kind, several models' scores.
            ModuleNotFoundError: what writes it is not installed.
        """
        if self.file is None:
            return
        if not self.asks_scores:
            check_name(self.file)
        elif len(models) > 1:
            raise UsageError(
                f"--output {self.file}: expected the scores of one model, got {len(models)}: make "
                f"a table of each"
            )
        else:
            check_table(self.file, head_of(models[0]))

    def write(self, job: FolderJob, running: Run, recall: Recall, model: Model) -> None:
        """Write it, and say what it holds; `running` has come to its end."""
        if self.file is None:
            return
        if self.asks_scores:
            self._write_scores(job, running, recall, model)
            return
        count = gather(job, self.file, running.recorder, full_paths=self.full_paths)
        say(f"{count:,} captions in {self.file}")

    def _write_scores(self, job: FolderJob, running: Run, recall: Recall, model: Model) -> None:
        assert self.file is not None
        if running.summary.interrupted or running.summary.stopped:
            say(f"{self.file}: not written, since the run was stopped")
            return
        wanted = Wanted(self.file, head_of(model), self.full_paths)
        with progress("Gathering scores", "pictures") as tell:
            total = running.summary.pictures
            found = gather_scores(
                job,
                recall,
                recall.memory.content,
                wanted,
                lambda done: tell(done, total),
                running.recorder,
            )
        lacking = f", {len(found.failures):,} could not be read" if found.failures else ""
        say(f"scores of {found.pictures:,} pictures in {self.file}{lacking}")


def head_of(model: Model) -> Head:
    """What a model's scores are of."""
    return Head(model.name, model.labels, model.thresholds)
