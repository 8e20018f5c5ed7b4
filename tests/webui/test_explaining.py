"""Why a tag, on the page: asked, watched, answered; never for another picture or model."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.backends import FakeBackend
from tagger.engine import Tagger
from tagger.engine.explaining import why
from tagger.models.spec import Contract
from tagger.webui.compat import Original
from tagger.webui.host import StandAlone
from tagger.webui.inturn import InTurn
from tagger.webui.reasons import Reason
from tagger.webui.scoring import Scoring
from tagger.webui.tab.acts.why import Acts
from tagger.webui.tab.view import Picture

from .conftest import Bench, encoded

PICTURE = encoded("red", (64, 48))


def post(*letters: dict[str, str]) -> str:
    return json.dumps({"n": 1, "all": letters})


def tagged(app: Any) -> Picture:
    """A picture that the page shows, tagged by `demo`."""
    scores = app.submit("demo", PICTURE, every=True).result(20)
    return Picture(Original(PICTURE, "red.png"), "demo", scores)


def ask(acts: Acts, picture: Picture, tag: str = "balloon") -> str:
    """Press `?`; the question's name."""
    cleared, asked, shown = acts.hear(post({"do": "why", "tag": tag}), "", picture, "demo")
    assert cleared == ""
    assert 'data-looking="1"' in shown
    assert f"<strong>{tag}</strong>" in shown
    return asked


def waiting_for(bench: Bench) -> tuple[Acts, Picture, str, Reason]:
    """A question that is not answered before the gate is opened."""
    app = bench.app()
    acts, picture = Acts(bench.shared(app)), tagged(app)
    bench.gate.clear()
    asked = ask(acts, picture)
    return acts, picture, asked, acts._asked[asked]


def look(acts: Acts, asked: str, picture: Picture, model: str | None = "demo") -> str:
    """Look until there is an answer."""
    for _ in range(40):
        _, _, shown = acts.hear(post({"do": "look"}), asked, picture, model)
        if "data-looking" not in shown:
            return shown
    raise AssertionError("expected an answer")


def test_a_question_is_answered_by_an_overlay(bench: Bench) -> None:
    """With the tag, its score and what was done; no host's default model has to be named."""
    app = bench.app()
    acts, picture = Acts(bench.shared(app)), tagged(app)
    shown = look(acts, ask(acts, picture), picture, None)
    assert 'src="data:image/webp;base64,' in shown
    assert "Where covering it lowers the score" in shown
    assert picture.scores is not None
    score = picture.scores.values[picture.scores.labels.names.index("balloon")]
    assert f"{score:.3f}" in shown


def test_how_far_it_is_is_shown_and_it_can_be_stopped(bench: Bench) -> None:
    acts, picture, asked, reason = waiting_for(bench)
    assert "Waiting for the model" in acts.hear(post({"do": "look"}), asked, picture, "demo")[2]
    reason.job.tell(done=12, total=101)
    assert "12 of 101 looks" in acts.hear(post({"do": "look"}), asked, picture, "demo")[2]
    assert acts.hear(post({"do": "close"}), asked, picture, "demo") == ["", "", ""]
    bench.gate.set()
    assert reason.job.wait(20)
    assert reason.job.state == "cancelled"
    assert sum(bench.opened[0].batches) < 50, "most of the picture was never covered"


def test_a_look_that_waits_while_the_question_is_closed_shows_nothing(bench: Bench) -> None:
    """Its answer reaches the page last: that the question was cancelled would stay there."""
    acts, picture, asked, reason = waiting_for(bench)
    waiting = reason.job.wait

    def wait(seconds: float) -> bool:
        acts.close(asked)
        bench.gate.set()
        return waiting(20)

    reason.job.wait = wait  # type: ignore[method-assign]
    assert acts.hear(post({"do": "look"}), asked, picture, "demo")[2] == ""


@pytest.mark.parametrize("other", ["picture", "model", "none"])
def test_what_the_page_does_not_show_any_more_is_not_answered(bench: Bench, other: str) -> None:
    """The question is closed, and no longer looked for."""
    acts, picture, asked, reason = waiting_for(bench)
    now = {
        "picture": (replace(picture, original=Original(encoded("blue"))), "demo"),
        "model": (picture, "wd-vit-tagger-v3"),
        "none": (Picture(), "demo"),
    }[other]
    assert acts.hear(post({"do": "look"}), asked, *now)[2] == ""
    assert reason.job.stopping
    bench.gate.set()


def test_the_newer_question_stops_the_older(bench: Bench) -> None:
    acts, picture, older, reason = waiting_for(bench)
    both = post({"do": "look"}, {"do": "why", "tag": "hat"})
    _, newer, shown = acts.hear(both, older, picture, "demo")
    bench.gate.set()
    assert reason.job.stopping
    assert "<strong>hat</strong>" in shown
    assert "hat" in look(acts, newer, picture)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (Picture(), "expected a picture, got none"),
        (Picture(Original(PICTURE)), "expected the tags of demo"),
    ],
)
def test_what_cannot_be_asked_is_told(bench: Bench, picture: Picture, said: str) -> None:
    shown = Acts(bench.shared()).hear(post({"do": "why", "tag": "hat"}), "", picture, "demo")[2]
    assert said in shown


def test_a_tag_that_the_model_does_not_know_is_told_and_stays_text(bench: Bench) -> None:
    app = bench.app()
    acts, picture = Acts(bench.shared(app)), tagged(app)
    _, asked, shown = acts.hear(post({"do": "why", "tag": "<b>hat</b>"}), "", picture, "demo")
    told = look(acts, asked, picture)
    assert "expected a tag that demo knows" in told
    assert "<b>" not in shown + told


def test_a_score_that_hangs_on_no_part_says_so(bench: Bench, monkeypatch: Any) -> None:
    """Rather than a grey picture."""
    monkeypatch.setattr(FakeBackend, "score", lambda self, _: np.full(self.outputs, 0.5, "f4"))
    app = bench.app()
    acts, picture = Acts(bench.shared(app)), tagged(app)
    shown = look(acts, ask(acts, picture), picture)
    assert "Nothing in the picture speaks for it" in shown
    assert "<img" not in shown


def test_others_have_their_turn_while_a_picture_is_covered(bench: Bench) -> None:
    """A hundred runs of a slow model must not keep the page waiting."""
    app = bench.app()
    tagger = app.scoring.taggers.get("demo")
    image = Image.new("RGB", (32, 32), "red")
    ended: list[bool] = []

    def between(done: int, total: int) -> None:
        assert done < total == 101
        if len(ended) < 2:
            other = threading.Thread(target=tagger.scores, args=([image],))
            other.start()
            other.join(20)
            ended.append(not other.is_alive())

    why(tagger, image, ["hat"], progress=between)
    assert ended == [True, True]


def test_gradients_are_asked_for_in_the_hosts_turn() -> None:
    """And a backend without any says so, whichever Python looks for them."""
    turns: list[str] = []

    class Host(StandAlone):
        def turn(self) -> Any:
            turns.append("turn")
            return super().turn()

    class Asked(FakeBackend):
        def attribute(self, batch: Any, columns: Any, plain: bool) -> Any:
            turns.append("asked")
            heat = np.zeros((2, 2), np.float32)
            heat[0, 0] = 1
            return [heat for _ in columns], "Grad-CAM"

    model = Bench().app().find("demo")
    for kind, method in ((Asked, "Grad-CAM"), (FakeBackend, "occlusion")):
        backend: Any = InTurn(kind(len(model.labels), contract=Contract()), Host())
        (found,) = why(Tagger(model, backend), Image.new("RGB", (64, 64)), ["hat"])
        assert found.method == method
    assert turns[:3] == ["turn", "asked", "turn"]


def test_a_model_that_has_gradients_elsewhere_is_opened_there_for_it(bench: Bench) -> None:
    """ONNX Runtime tags; torch, where it has the weights for it, is asked; Unload frees both."""
    for name in ("torch", "timm", "safetensors"):
        pytest.importorskip(name, reason=f"{name} is not installed: nothing has gradients")
    app = bench.app()
    demo = app.find("demo")
    both = (Contract(preprocess=demo.contract.preprocess), Contract(runtime="timm"))
    model = replace(demo, contracts=both)

    class Models:
        def find(self, name: str) -> Any:
            return model

    made: Any = Models()
    scoring = Scoring(made, lambda: None, app._way, open=bench._open)
    with scoring.taggers.use("demo") as tagging, scoring.use(model) as asked:
        assert tagging.backend.contract.runtime == "onnx"
        assert asked.backend.contract.runtime == "timm"
    with scoring.use(replace(model, contracts=both[:1])) as asked:
        assert asked is tagging, "no second one where there is no other way"
    assert scoring.unload("demo") == 2_000_000
    scoring.close()
