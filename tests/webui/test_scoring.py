"""Scoring: pictures to scores through the one queue, kept ones first."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.errors import BackendError, ImageError
from tagger.images import open_image
from tagger.webui import scoring
from tagger.webui.host import StandAlone
from tagger.webui.jobs import BusyError

from .conftest import PREFERENCES, Bench, encoded


def test_a_picture_is_scored_as_its_model_scores_it(bench: Bench) -> None:
    """Bytes, a path and an opened image give the same scores."""
    app = bench.app()
    data = encoded("red")

    by_bytes = app.submit("demo", data, every=True).result(20)

    (backend,) = bench.opened
    expected = backend.score(app.scoring.taggers.get("demo").fit(open_image(data)))
    np.testing.assert_allclose(by_bytes.values, expected, atol=1e-6)


def test_kept_scores_need_no_model(bench: Bench, tmp_path: Path) -> None:
    """The second time nothing is run, not even loaded, whatever the picture comes as."""
    path = tmp_path / "red.png"
    path.write_bytes(encoded("red"))
    first = bench.app()
    scores = first.submit("demo", encoded("red")).result(20)
    first.close()

    second = bench.app()
    again = [second.submit("demo", each).result(20) for each in (encoded("red"), path)]

    assert len(bench.opened) == 1
    for each in again:
        kept = scores.values >= 0.01
        np.testing.assert_allclose(each.values[kept], scores.values[kept], atol=1e-6)


def test_who_wants_every_score_is_not_given_kept_ones(bench: Bench) -> None:
    """Kept scores lack those under 0.01."""
    app = bench.app()
    app.submit("demo", encoded()).result(20)
    app.scoring.settle()

    sparse = app.submit("demo", encoded()).result(20)
    whole = app.submit("demo", encoded(), every=True).result(20)

    assert sparse.floor > 0
    assert whole.floor == 0
    assert sum(bench.opened[0].batches) == 2


def test_what_waits_when_its_model_is_unloaded_is_scored_all_the_same(bench: Bench) -> None:
    """Somebody pressed Unload: the model is loaded again for those who wait."""
    app = bench.app()
    pictures = [encoded(f"#0000{n:02x}") for n in range(20)]
    bench.gate.clear()
    futures = [app.submit("demo", each) for each in pictures]
    unloading = threading.Thread(target=app.unload)
    unloading.start()
    bench.gate.set()
    unloading.join(20)

    assert not wait(futures, 20).not_done
    assert all(future.exception() is None for future in futures)
    assert len(bench.opened) >= 2


def test_unloading_says_how_many_bytes_it_freed(bench: Bench) -> None:
    """And nothing the second time."""
    app = bench.app()
    app.submit("demo", encoded()).result(20)

    assert app.status("demo").state == "loaded"
    assert [app.unload("demo"), app.unload("demo"), app.unload()] == [1_000_000, 0, 0]
    assert app.status("demo").state == "on disk"


def test_no_picture_is_an_error_of_that_picture(bench: Bench) -> None:
    """The others are scored."""
    app = bench.app()

    with pytest.raises(ImageError, match="not a picture"):
        app.submit("demo", b"nothing").result(20)
    assert app.submit("demo", encoded()).result(20).model == "demo"


def test_a_device_that_fails_is_told_and_not_tried_for_ever(bench: Bench) -> None:
    """A model that is loaded and refuses is no unloaded model."""

    def fail(batch: Any) -> None:
        raise BackendError("the device is gone")

    app = bench.app()
    app.load("demo").wait(20)
    bench.opened[0]._on_run = fail

    with pytest.raises(BackendError, match="the device is gone"):
        app.submit("demo", encoded()).result(20)
    assert len(bench.opened) == 1


def test_more_pictures_than_may_wait_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until some are done."""
    monkeypatch.setattr(scoring, "QUEUE", 3)
    app = bench.app()
    bench.gate.clear()
    futures = [app.submit("demo", encoded(f"#0000{n:02x}")) for n in range(3)]

    with pytest.raises(BusyError, match="at most 3 pictures to wait"):
        app.submit("demo", encoded("#00ff00"))
    bench.gate.set()
    wait(futures, 20)
    assert app.submit("demo", encoded("#00ff00")).result(20)
    assert app.scoring.waiting == 0


def test_a_picture_nobody_wants_any_more_is_not_run(bench: Bench) -> None:
    """Its future was cancelled while it waited."""
    app = bench.app()
    bench.gate.clear()
    futures = [app.submit("demo", encoded(f"#0000{n:02x}")) for n in range(8)]

    assert futures[-1].cancel()
    bench.gate.set()
    wait(futures[:-1], 20)
    assert sum(bench.opened[0].batches) < 8
    assert app.scoring.waiting == 0


def test_other_preferences_load_models_anew(bench: Bench) -> None:
    """A changed device holds from the next picture on; what was loaded is freed."""
    host = _Changing()
    app = bench.app(host)
    app.submit("demo", encoded(), every=True).result(20)

    host.now = replace(PREFERENCES, device="cuda:1")
    app.submit("demo", encoded(), every=True).result(20)

    first, second = bench.opened
    assert first.closed
    assert not second.closed


class _Changing:
    """A host whose user changes the preferences."""

    def __init__(self) -> None:
        self.now = PREFERENCES
        self._rest = StandAlone()

    def preferences(self) -> Any:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest, name)
