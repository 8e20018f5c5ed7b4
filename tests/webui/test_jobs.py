"""Jobs: what goes on in the background of a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tagger.errors import UsageError
from tagger.webui.jobs import REMEMBERED, WAITING, BusyError, Job, Jobs, Shown


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close(1)


def nothing(job: Job) -> None:
    """Work that is done at once."""


def until_cancelled(job: Job) -> None:
    job.pause(20)
    job.check()


def test_a_job_goes_from_queued_to_done(jobs: Jobs) -> None:
    """Its counts are those that its work told."""

    def work(job: Job) -> None:
        job.tell(done=3, total=4, written=2, failed=1, run=7)

    job = jobs.start("caption", "cats", work)

    assert job.wait(5)
    told = job.snapshot()
    assert (told.state, told.done, told.total, told.written, told.failed, told.run) == (
        "done", 3, 4, 2, 1, 7,
    )  # fmt: skip
    assert jobs.get(job.id) is job
    assert jobs.newest("caption") is job
    assert jobs.newest("download") is None


def test_captioning_waits_for_captioning_and_a_download_does_not(jobs: Jobs) -> None:
    """One queue for what needs the model; a download begins at once."""
    first = jobs.start("caption", "first", until_cancelled)
    second = jobs.start("caption", "second", nothing)
    download = jobs.start("download", "model", nothing)

    assert download.wait(5)
    assert second.snapshot().state == "queued"
    first.cancel()
    assert second.wait(5)
    assert first.snapshot().state == "cancelled"
    assert second.snapshot().state == "done"


def test_a_queued_job_that_is_cancelled_never_begins(jobs: Jobs) -> None:
    """And cancelling it again, or after its end, changes nothing."""
    begun = threading.Event()
    first = jobs.start("caption", "first", until_cancelled)
    second = jobs.start("caption", "second", lambda job: begun.set())

    second.cancel()
    second.cancel()
    first.cancel()
    jobs.start("caption", "third", nothing).wait(5)
    second.cancel()

    assert second.snapshot().state == "cancelled"
    assert not begun.is_set()


def test_a_job_that_is_being_cancelled_says_so_until_its_work_stops(jobs: Jobs) -> None:
    """What is in flight comes to its end first."""
    stop = threading.Event()
    running = threading.Event()

    def work(job: Job) -> None:
        running.set()
        stop.wait(20)

    job = jobs.start("caption", "slow", work)
    assert running.wait(5)
    job.cancel()

    assert job.snapshot().state == "cancelling"
    stop.set()
    assert job.wait(5)
    assert job.snapshot().state == "cancelled"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UsageError("expected X, got Y: do Z"), "expected X, got Y: do Z"),
        (ValueError("odd"), "ValueError: odd: this is a fault of Tagger"),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_one_runs(
    jobs: Jobs, error: Exception, sentence: str
) -> None:
    """Also where the fault is ours."""

    def work(job: Job) -> None:
        raise error

    failed = jobs.start("caption", "bad", work)
    after = jobs.start("caption", "good", nothing)

    assert after.wait(5)
    assert (failed.snapshot().state, failed.snapshot().message) == ("failed", sentence)
    assert after.snapshot().state == "done"


def test_a_hundred_errors_and_the_last_eight_pictures_are_shown(jobs: Jobs) -> None:
    """Of more, the first errors and the latest pictures."""

    def work(job: Job) -> None:
        for number in range(150):
            job.show(Shown(f"{number}.png", None, "truncated file"))

    job = jobs.start("caption", "cats", work)
    job.wait(5)
    told = job.snapshot()

    assert [each.path for each in told.errors] == [f"{n}.png" for n in range(100)]
    assert [each.path for each in told.latest] == [f"{n}.png" for n in range(142, 150)]


def test_rate_and_remaining_time_are_those_of_the_clock() -> None:
    """Ten pictures in five seconds are two a second; thirty more take fifteen."""
    now = [0.0]
    job = Job("caption", "cats", clock=lambda: now[0])
    seen: list[tuple[float, float | None]] = []

    def work(job: Job) -> None:
        job.tell(done=10, total=40)
        now[0] = 5.0
        seen.append((job.snapshot().rate, job.snapshot().eta_s))

    job.perform(work)
    now[0] = 99.0

    assert seen == [(2.0, 15.0)]
    assert (job.snapshot().rate, job.snapshot().eta_s) == (2.0, None)


def test_too_many_jobs_are_refused(jobs: Jobs) -> None:
    """Until some have ended."""
    first = jobs.start("caption", "first", until_cancelled)
    waiting = [jobs.start("caption", "more", nothing) for _ in range(WAITING - 1)]

    with pytest.raises(BusyError, match="at most 32 jobs at once"):
        jobs.start("caption", "one more", nothing)
    first.cancel()
    assert waiting[-1].wait(5)
    assert jobs.start("caption", "again", nothing).wait(5)


def test_ended_jobs_are_forgotten_in_time(jobs: Jobs) -> None:
    """The oldest first; a server that runs for months does not grow."""
    for number in range(REMEMBERED + 20):
        jobs.start("download", str(number), nothing).wait(5)

    assert len(jobs.list()) == REMEMBERED
    assert jobs.list()[-1].title == str(REMEMBERED + 19)


def test_closing_cancels_and_takes_no_more() -> None:
    """As a server does when it ends."""
    jobs = Jobs()
    job = jobs.start("caption", "first", until_cancelled)

    jobs.close(5)

    assert job.snapshot().state == "cancelled"
    with pytest.raises(BusyError, match="one that is ending"):
        jobs.start("caption", "late", nothing)


def test_outcomes_are_numbered_so_that_a_reader_can_go_on(jobs: Jobs) -> None:
    """`outcomes` gives those after a number."""

    def work(job: Job) -> None:
        for name in "abc":
            job.show(Shown(name, "1girl"))

    job = jobs.start("caption", "cats", work)
    job.wait(5)

    assert [(n, shown.path) for n, shown in job.outcomes(0)] == [(1, "a"), (2, "b"), (3, "c")]
    assert [shown.path for _, shown in job.outcomes(2)] == ["c"]
