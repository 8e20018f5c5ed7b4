"""The predecessors' routes, as their clients read them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tagger.dialects import FLAT_MODELS, NESTED_MODELS
from tagger.models.registry import Registry

from .conftest import PREFERENCES, PREFIX, Bench, encoded

RATINGS = ["general", "sensitive", "questionable", "explicit"]
Make = Callable[..., Any]


@pytest.fixture
def client(bench: Bench, client_of: Make) -> Any:
    return client_of(bench.app())


@pytest.fixture
def ask(client: Any, red: str) -> Make:
    """Post to `interrogate`; the picture is red unless one is given."""

    def post(**body: Any) -> Any:
        return client.post(f"{PREFIX}interrogate", json={"image": red, **body})

    return post


def test_a_flat_answer_reads_as_the_chat_bots_read_it(ask: Make) -> None:
    """Ratings first and whatever their score, then tags from the threshold on, the highest first;
    nothing but numbers, which a format for percents takes."""
    caption = ask(format="flat", threshold=0.6).json()["caption"]

    ratings = {name: caption.pop(name) for name in RATINGS}
    assert list(ratings) == RATINGS
    assert all(f"{value:.2%}" for value in caption.values())
    assert caption
    assert min(caption.values()) >= 0.6
    assert list(caption.values()) == sorted(caption.values(), reverse=True)
    assert all(" " not in name for name in caption)


def test_a_nested_answer_fits_the_types_of_a_go_client(ask: Make) -> None:
    """`map[string]map[string]float64`: no number stands beside the two objects."""
    caption = ask(threshold=0.6).json()["caption"]

    assert list(caption) == ["tag", "rating"]
    assert all(type(v) is float for part in caption.values() for v in part.values())
    assert list(caption["rating"]) == RATINGS
    assert min(caption["tag"].values()) > 0.6


def test_what_is_missing_is_as_each_dialect_had_it(ask: Make, bench: Bench) -> None:
    """No threshold: 0.35 flat, 0 nested, where every tag is given; no model: the default."""
    flat, nested = ask(format="flat").json()["caption"], ask().json()["caption"]

    tags = {k: v for k, v in flat.items() if k not in RATINGS}
    known = len(bench.apps[0].labels("demo"))
    assert 0.35 <= min(tags.values()) < 0.4
    assert len(nested["tag"]) > 0.99 * (known - len(RATINGS))


@pytest.mark.parametrize("threshold", ["0.6", 0.6])
def test_a_threshold_may_be_text(ask: Make, threshold: Any) -> None:
    """As pydantic took it."""
    assert ask(threshold=threshold).json() == ask(threshold=0.6).json()


@pytest.mark.parametrize(
    ("dialect", "flat"),
    [("flat", True), ("nested", False)],
)
def test_the_setting_answers_where_nothing_else_tells(
    bench: Bench, client_of: Make, red: str, dialect: Any, flat: bool
) -> None:
    """A name of ours tells no dialect; `queue`, even empty, tells picobyte's."""
    client = client_of(bench.app(preferred=replace(PREFERENCES, dialect=dialect)))

    plain = client.post(f"{PREFIX}interrogate", json={"image": red}).json()["caption"]
    body = {"image": red, "queue": "", "name_in_queue": ""}
    queued = client.post(f"{PREFIX}interrogate", json=body).json()["caption"]

    assert ("general" in plain) == flat
    assert "tag" in queued


def test_a_picture_may_be_bare_or_a_data_url(ask: Make, red: str) -> None:
    """With line breaks or without its padding, too."""
    expected = ask(threshold=0.6).json()
    broken = "\n".join(red[at : at + 60] for at in range(0, len(red), 60))

    for image in (f"data:image/png;base64,{red}", broken, red.rstrip("=")):
        assert ask(image=image, threshold=0.6).json() == expected


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"model": "no such model"}, 404, "Model not found"),
        ({"model": "/etc"}, 404, "Model not found"),
        ({"model": "SmilingWolf/../x"}, 404, "Model not found"),
        ({"image": None}, 422, "image: expected text"),
        ({"image": ""}, 422, "Invalid encoded image"),
        ({"image": "?"}, 422, "Invalid encoded image"),
        ({"image": base64.b64encode(b"text").decode()}, 422, "not a picture"),
        ({"image": base64.b64encode(encoded()[:60]).decode()}, 422, "upload: "),
        ({"image": 5}, 422, "image: expected text"),
        ({"image": "http://127.0.0.1/a.png"}, 403, "--allow-urls"),
        ({"threshold": 1.5, "format": "flat"}, 422, "threshold: expected a number from 0 to 1"),
        ({"threshold": "high"}, 422, "threshold: expected a number"),
        ({"threshold": True}, 422, "threshold: expected a number"),
        ({"format": "third"}, 422, "format: expected flat or nested"),
        ({"model": ["demo"]}, 422, "model"),
        ({"queue": 7, "name_in_queue": "a"}, 422, "queue: expected text"),
        ({"queue": "never", "name_in_queue": ""}, 404, "queue: expected one that has pictures"),
    ],
)
def test_what_a_caller_gets_wrong_is_told_in_a_sentence(
    ask: Make, body: dict[str, Any], status: int, says: str
) -> None:
    """Never a fault of the server."""
    refused = ask(**body)

    assert refused.status_code == status
    assert says in refused.json()["detail"]


def test_a_threshold_over_one_is_none_of_nested_clients_faults(ask: Make) -> None:
    """picobyte answered it with no tags."""
    assert ask(threshold=1.5).json()["caption"]["tag"] == {}


def test_every_old_name_is_listed_after_ours_and_found(client: Any, bench: Bench) -> None:
    """Each leads to one of our models, which is the first name of its line."""
    names = client.get(f"{PREFIX}interrogators").json()["models"]
    ours = [row.name for row in bench.apps[0].rows() if row.state != "bad"]
    known = {alias for row in Registry().list() for alias in row.spec.aliases}

    assert names[0] == "demo"
    assert set(names[: len(ours)]) == set(ours)
    assert len(names) == len(set(names))
    for old in (FLAT_MODELS | NESTED_MODELS) & known:
        assert old in names[len(ours) :]


def test_an_absent_model_names_the_route_that_brings_it(ask: Make) -> None:
    """Where downloads by a request are switched off."""
    refused = ask(model="wd14-vit-v2-git")

    assert refused.status_code == 409
    assert "/tagger/v1/models/wd-v1-4-vit-tagger-v2/load" in refused.json()["detail"]


def test_an_absent_model_is_fetched_as_the_predecessors_did(
    bench: Bench, client_of: Make, red: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request waits; here the hub can't be reached, and the answer says so."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    client = client_of(bench.app(preferred=replace(PREFERENCES, download_when_asked=True)))

    refused = client.post(f"{PREFIX}interrogate", json={"image": red, "model": "wd14-vit-v2-git"})

    assert refused.status_code == 502
    assert "HF_HUB_OFFLINE" in refused.json()["detail"]
    assert bench.apps[0].jobs.newest("download").snapshot().state == "failed"  # type: ignore[union-attr]


# ---------------------------------------------------------------- picobyte's queues


def test_a_queue_counts_and_is_fetched_whole(ask: Make) -> None:
    """As measured with picobyte's extension: counts as numbers, `a#0` for a second `a`."""
    first = ask(queue="q1", name_in_queue="a", model="demo", threshold=0.6).json()
    second = ask(queue="q1", name_in_queue="a", model="demo", threshold=0.6).json()
    ask(queue="q1", name_in_queue="a", model="demo", threshold=0.6)
    whole = ask(queue="q1", name_in_queue="", model="demo").json()["caption"]

    assert first == {"caption": {"demo": {"q1": 1.0}}}
    assert second == {"caption": {"demo": {"q1": 2.0}}}
    assert list(whole) == ["a", "a#0", "a#1"]
    nested = ask(threshold=0.6).json()["caption"]
    assert whole["a"] == nested["tag"] | {f"rating:{k}": v for k, v in nested["rating"].items()}
    assert ask(queue="q1", name_in_queue="").status_code == 404


def test_a_queue_without_a_name_gets_one(ask: Make) -> None:
    """Eight characters, found in the answer."""
    caption = ask(queue="", name_in_queue="a", model="demo").json()["caption"]
    ((name, count),) = caption["demo"].items()

    assert (len(name), count) == (8, 1.0)
    assert list(ask(queue=name, name_in_queue="").json()["caption"]) == ["a"]


def test_a_picture_may_be_called_by_its_hash(ask: Make, red: str) -> None:
    """Which was a fault of the server's with picobyte."""
    ask(queue="q", name_in_queue="<sha256>")

    expected = hashlib.sha256(base64.b64decode(red)).hexdigest()
    assert list(ask(queue="q", name_in_queue="").json()["caption"]) == [expected]


def test_a_picture_that_can_t_be_read_leaves_no_gap(ask: Make) -> None:
    """Fetching the queue does not wait for it."""
    ask(queue="q", name_in_queue="good")
    assert (
        ask(queue="q", name_in_queue="bad", image=base64.b64encode(b"x").decode()).status_code
        == 422
    )

    assert list(ask(queue="q", name_in_queue="").json()["caption"]) == ["good"]


def test_eight_at_once_and_one_who_fetches(ask: Make) -> None:
    """Each is answered, none is lost, and fetching waits for what is on its way."""
    pictures = [base64.b64encode(encoded(f"#0000{n:02x}")).decode() for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda n: ask(queue="q", name_in_queue=f"{n}", image=pictures[n], threshold=0.9),
                range(8),
            )
        )

    counts = sorted(each.json()["caption"]["demo"]["q"] for each in answers)
    assert counts == [float(n) for n in range(1, 9)]
    assert set(ask(queue="q", name_in_queue="").json()["caption"]) == set("01234567")


def test_unloading_answers_with_a_sentence(ask: Make, client: Any) -> None:
    """A JSON string, whatever body is sent: clients send "" or none."""
    ask()

    for content in (None, '""'):
        said = client.post(f"{PREFIX}unload-interrogators", content=content)
        assert said.status_code == 200
        assert isinstance(json.loads(said.text), str)
    assert client.post(f"{PREFIX}unload-interrogators").json() == "Successfully unload 0 model(s)"
