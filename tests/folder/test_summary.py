"""What a run says at its end: counts of everything, reasons of as much as anybody reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.errors import CaptionError
from tagger.folder.noted import REMEMBERED, Noted
from tagger.folder.summary import Summary, write_report

MANY = 3 * REMEMBERED


def failing(summary: Summary, count: int) -> Summary:
    for number in range(count):
        summary.failures.add(Path(f"/pictures/{number} \udcff.png"), f"reason {number} é")
    return summary


def test_all_failures_are_counted_and_the_first_remembered() -> None:
    """A disk that fails under a million pictures fills no memory."""
    summary = failing(Summary(), MANY)
    assert summary.failed == MANY
    assert [reason for _, reason in summary.failures] == [
        f"reason {n} é" for n in range(REMEMBERED)
    ]


def test_for_a_report_all_are_remembered(tmp_path: Path) -> None:
    """With what is no text in a name replaced; the rest of the report is as it was."""
    summary = failing(Summary.whole(), MANY)
    summary.pictures, summary.written = MANY + 1, 1
    summary.left.add(Path("a.png"), "several lines")
    summary.unreadable.append((Path("closed"), "permission denied"))
    write_report(summary, tmp_path / "new" / "report.json")
    said = json.loads((tmp_path / "new" / "report.json").read_text("utf-8"))
    assert (said["pictures"], said["written"], said["failed"]) == (MANY + 1, 1, MANY)
    assert [each["reason"] for each in said["failures"]] == [f"reason {n} é" for n in range(MANY)]
    assert said["failures"][-1]["path"] == f"/pictures/{MANY - 1} ?.png"
    assert said["left"] == [{"path": "a.png", "reason": "several lines"}]
    assert said["unreadable"] == [{"path": "closed", "reason": "permission denied"}]


def test_an_empty_report_is_json_too(tmp_path: Path) -> None:
    """Lists of nothing."""
    write_report(Summary(), tmp_path / "report.json")
    said = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert said["failures"] == said["left"] == said["unreadable"] == []


def test_a_report_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """A folder has its name."""
    with pytest.raises(CaptionError, match="can't be written"):
        write_report(Summary(), tmp_path)


def test_looking_at_what_is_noted_does_not_disturb_it() -> None:
    """More can be noted after, and all is there."""
    noted = Noted(whole=True)
    for number in range(MANY):
        noted.add(Path("a"), str(number))
        if number in (REMEMBERED + 3, 2 * REMEMBERED):
            assert len(list(noted)) == number + 1
    assert [reason for _, reason in noted] == [str(n) for n in range(MANY)]
