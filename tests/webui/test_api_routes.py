"""The new routes: tags, models, folders, jobs."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed: no routes here")

from tagger.settings import Settings
from tagger.webui.api import events
from tagger.webui.jobs import Job

from .conftest import PREFIX, Bench, encoded

Make = Callable[..., Any]


@pytest.fixture
def client(bench: Bench, client_of: Make) -> Any:
    return client_of(bench.app())


def done(client: Any, bench: Bench, answer: Any) -> dict[str, Any]:
    """The job that an answer names, once it has ended."""
    assert answer.status_code == 202, answer.text
    job = bench.apps[-1].jobs.get(answer.json()["job"])
    assert job is not None
    assert job.wait(20)
    return client.get(f"{PREFIX}jobs/{job.id}").json()


# ---------------------------------------------------------------- tags


def test_tags_of_one_picture_are_those_of_its_caption(client: Any, bench: Bench, red: str) -> None:
    """The text, each tag with its category and score, the ratings."""
    body = {"image": red, "selection": {"threshold": 0.9}, "format": {"spaces": False}}

    answer = client.post(f"{PREFIX}tags", json=body).json()

    assert answer["model"] == "demo"
    (result,) = answer["results"]
    assert result["caption"] == ", ".join(tag["name"] for tag in result["tags"])
    assert all(tag["score"] >= 0.9 and tag["category"] for tag in result["tags"])
    assert set(result["ratings"]) == {"general", "sensitive", "questionable", "explicit"}
    assert "error" not in result
    assert "scores" not in result


def test_of_many_pictures_a_bad_one_spoils_none(client: Any, red: str) -> None:
    """Results stand in the order of the pictures; the bad one has its error."""
    blue = base64.b64encode(encoded("blue")).decode()

    results = client.post(f"{PREFIX}tags", json={"images": [red, "?", blue]}).json()["results"]

    alone = client.post(f"{PREFIX}tags", json={"image": blue}).json()["results"][0]
    assert ["error" in each for each in results] == [False, True, False]
    assert results[1] == {
        "caption": "", "tags": [], "ratings": {}, "error": results[1]["error"],
    }  # fmt: skip
    assert results[2] == alone


def test_every_score_is_given_when_asked_for(client: Any, bench: Bench, red: str) -> None:
    """Also where kept ones, which lack the lowest, are there."""
    client.post(f"{PREFIX}tags", json={"image": red})
    bench.apps[0].scoring.settle()

    result = client.post(f"{PREFIX}tags", json={"image": red, "scores": True}).json()["results"][0]

    names = [name for name in bench.apps[0].labels("demo").names if name]
    assert set(result["scores"]) == set(names)
    assert all(0 <= score <= 1 for score in result["scores"].values())
    assert min(result["scores"].values()) < 0.01


def test_sixty_four_pictures_are_taken_and_no_more(client: Any, red: str) -> None:
    """The limit is told."""
    full = client.post(f"{PREFIX}tags", json={"images": [red] * 64})
    more = client.post(f"{PREFIX}tags", json={"images": [red] * 65})

    assert len(full.json()["results"]) == 64
    assert (more.status_code, "1 to 64" in more.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "one of image and images"),
        ({"image": "x", "images": ["x"]}, 422, "one of image and images"),
        ({"images": []}, 422, "1 to 64"),
        ({"images": "x"}, 422, "images: expected a list"),
        ({"image": "x", "selektion": {}}, 422, "did you mean 'selection'?"),
        ({"image": "x", "selection": {"threshold": 2}}, 422, "from 0 to 1"),
        ({"image": "x", "selection": {"exclude": ["/(a+)+/"]}}, 422, "exclude"),
        ({"image": "x", "selection": {"categories": ["odd"]}}, 422, "expected categories of demo"),
        ({"image": "x", "format": {"prefix": ["a, b"]}}, 422, "prefix"),
        ({"image": "x", "implied": "odd"}, 422, "implied: expected one of"),
        ({"image": "x", "model": "none such"}, 404, "none such"),
        ({"image": "x", "model": "wd-vit-tagger-v3"}, 409, "models/wd-vit-tagger-v3/load"),
        ({"image": "eA=="}, 422, "upload: "),
        ([], 422, "expected names and values"),
        ("text", 422, "expected names and values"),
        (5, 422, "expected names and values"),
    ],
)
def test_what_a_caller_of_tags_gets_wrong(client: Any, body: Any, status: int, says: str) -> None:
    """A sentence with the field in it."""
    refused = client.post(f"{PREFIX}tags", json=body)

    assert refused.status_code == status
    assert says in refused.json()["detail"]


# ---------------------------------------------------------------- models


def test_models_are_listed_with_what_became_of_them(client: Any) -> None:
    """Absent ones with their size, the loaded one with its device."""
    client.post(f"{PREFIX}models/demo/load")
    done_ = client.get(f"{PREFIX}jobs").json()["jobs"]
    rows = {row["name"]: row for row in client.get(f"{PREFIX}models").json()["models"]}

    assert done_[0]["kind"] == "load"
    assert rows["demo"]["default"] is True
    assert rows["wd-vit-tagger-v3"]["state"] == "absent"
    assert rows["wd-vit-tagger-v3"]["size"] > 1_000_000
    assert rows["wd-vit-tagger-v3"]["licence"]


def test_loading_and_unloading(client: Any, bench: Bench) -> None:
    """202 and a job; then the bytes that were freed."""
    told = done(client, bench, client.post(f"{PREFIX}models/demo/load"))

    assert (told["kind"], told["title"], told["state"]) == ("load", "demo", "done")
    rows = {row["name"]: row for row in client.get(f"{PREFIX}models").json()["models"]}
    assert (rows["demo"]["state"], rows["demo"]["device"]) == ("loaded", "cpu")
    assert client.post(f"{PREFIX}models/demo/unload").json() == {"freed": 1_000_000}
    assert client.post(f"{PREFIX}models/demo/unload").json() == {"freed": 0}


@pytest.mark.parametrize("name", ["none", "SmilingWolf/none", "..%2F..%2Fetc", "%00", "a/b/c"])
def test_an_unknown_model_is_none(client: Any, name: str) -> None:
    """A name is a name, never a path."""
    for verb in ("load", "unload"):
        assert client.post(f"{PREFIX}models/{name}/{verb}").status_code == 404


# ---------------------------------------------------------------- folders


def test_a_dry_run_counts_and_shows_and_writes_nothing(client: Any, folder: Path) -> None:
    """Counts, samples before and after, and the folder stays as it is."""
    (folder / "a.txt").write_text("kept")
    body = {"folder": str(folder), "dry_run": True, "on_existing": "append"}

    plan = client.post(f"{PREFIX}batch", json=body)

    assert plan.status_code == 200
    told = plan.json()
    assert (told["pictures"], told["counts"]) == (4, {"append": 1, "new": 3})
    by_name = {Path(each["path"]).name: each for each in told["samples"]}
    assert by_name["a.png"]["before"] == "kept"
    assert by_name["a.png"]["after"].startswith("kept, ")
    assert by_name["b.png"]["before"] is None
    assert sorted(p.name for p in folder.rglob("*.txt")) == ["a.txt"]
    assert (folder / "a.txt").read_text() == "kept"


def test_two_pictures_of_one_caption_are_told_before(client: Any, folder: Path) -> None:
    """A collision is in the plan, with its reason."""
    (folder / "a.jpg").write_bytes(encoded("red", kind="JPEG"))

    plan = client.post(f"{PREFIX}batch", json={"folder": str(folder), "dry_run": True}).json()

    assert plan["refusals"] == 1
    assert "has the caption file a.txt too" in plan["refused"][0]["reason"]


def test_a_folder_is_captioned_as_a_job(client: Any, bench: Bench, folder: Path) -> None:
    """Counts, errors with reasons, the run that undoes it; the captions are the tagger's own."""
    body = {"folder": str(folder), "selection": {"threshold": 0.9}}

    told = done(client, bench, client.post(f"{PREFIX}batch", json=body))

    assert (told["state"], told["written"], told["failed"], told["total"]) == ("done", 3, 1, 4)
    ((path, reason),) = [(each["path"], each["reason"]) for each in told["errors"]]
    assert Path(path).name == "broken.png"
    assert "not a picture" in reason
    app = bench.apps[0]
    tags = client.post(
        f"{PREFIX}tags",
        json={
            "image": base64.b64encode((folder / "a.png").read_bytes()).decode(),
            "selection": {"threshold": 0.9},
        },
    ).json()["results"][0]
    assert (folder / "a.txt").read_text() == tags["caption"]
    assert app.undo(told["run"]).wait(20)
    assert not list(folder.rglob("*.txt"))


def test_single_pictures_and_another_folder_for_their_captions(
    client: Any, bench: Bench, folder: Path, tmp_path: Path
) -> None:
    """Settings of a run are those of the command line, one by one."""
    body = {
        "files": [str(folder / "a.png"), str(folder / "b.png")],
        "out": str(tmp_path / "captions"),
        "extension": ".caption",
        "newline": True,
        "format": {"prefix": ["cat"], "max": 1},
    }

    told = done(client, bench, client.post(f"{PREFIX}batch", json=body))

    assert told["written"] == 2
    found = sorted((tmp_path / "captions").iterdir())
    assert [each.name for each in found] == ["a.caption", "b.caption"]
    assert found[0].read_text().startswith("cat, ")
    assert found[0].read_text().endswith("\n")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "one of folder and files"),
        ({"folder": "F", "files": ["F/a.png"]}, 422, "one of folder and files"),
        ({"folder": "no/whole/path"}, 422, "a whole path"),
        ({"folder": ""}, 422, "expected a folder's path, got nothing"),
        ({"folder": "F\0"}, 422, "expected a folder's path"),
        ({"folder": "F/none"}, 422, "got nothing of that name"),
        ({"folder": "F/" + "n" * 300}, 422, "expected a "),
        ({"folder": "F", "out": "F/" + "n" * 300}, 422, "expected a "),
        ({"folder": "F/a.txt"}, 422, "got another file"),
        ({"folder": "F/empty"}, 422, "expected pictures"),
        ({"folder": "F", "extension": ".png"}, 422, "extension"),
        ({"folder": "F", "name": "../[name].txt"}, 422, "inside the captions' folder"),
        ({"folder": "F", "encoding": "odd"}, 422, "encoding"),
        ({"folder": "F", "encoding": "\0"}, 422, "encoding"),
        ({"folder": "F", "on_existing": "burn"}, 422, "on_existing: expected one of"),
        ({"folder": "F", "model": "wd-vit-tagger-v3"}, 409, "load"),
        ({"folder": "F", "dry_run": "yes"}, 422, "dry_run: expected true or false"),
    ],
)
def test_what_a_caller_of_batch_gets_wrong(
    client: Any, folder: Path, body: dict[str, Any], status: int, says: str
) -> None:
    """Told before a job begins."""
    (folder / "empty").mkdir()
    (folder / "a.txt").write_text("text")
    named = json.loads(json.dumps(body).replace('"F', f'"{folder.as_posix()}'))

    refused = client.post(f"{PREFIX}batch", json=named)

    assert (refused.status_code, says in refused.json()["detail"]) == (status, True), refused.text
    assert client.get(f"{PREFIX}jobs").json() == {"jobs": []}


# ---------------------------------------------------------------- folders that are open


def linked(place: Path, target: Path) -> Path:
    """A link, or a skip where this system makes none."""
    try:
        place.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")
    return place


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder beside the open one, with a picture."""
    place = tmp_path / "closed"
    place.mkdir()
    (place / "secret.png").write_bytes(encoded("white"))
    return place


def test_paths_outside_the_open_folders_are_refused(
    bench: Bench, client_of: Make, folder: Path, closed: Path
) -> None:
    """By itself, by `..`, by a name that begins alike, by a link, as the captions' folder."""
    client = client_of(bench.app(open_folders=(folder,)))
    (folder.parent / "pictures2").mkdir()
    linked(folder / "way", closed)
    ways: list[dict[str, Any]] = [
        {"folder": str(closed)},
        {"folder": f"{folder}/../closed"},
        {"folder": f"{folder}2"},
        {"folder": str(folder / "way")},
        {"folder": str(folder.parent)},
        {"folder": "/"},
        {"files": [str(folder / "a.png"), str(closed / "secret.png")]},
        {"files": [str(folder / "way" / "secret.png")]},
        {"folder": str(folder), "out": str(closed)},
        {"folder": str(folder), "out": f"{folder}/way/new"},
    ]

    answers = [
        client.post(f"{PREFIX}batch", json={**way, "dry_run": dry})
        for way in ways
        for dry in (True, False)
    ]

    assert {each.status_code for each in answers} == {403}
    assert all("--root" in each.json()["detail"] for each in answers)
    assert (
        client.post(f"{PREFIX}batch", json={"folder": str(folder), "dry_run": True}).status_code
        == 200
    )


def test_links_inside_an_open_folder_lead_nowhere_else(
    bench: Bench, client_of: Make, folder: Path, closed: Path
) -> None:
    """A linked picture is not read, a linked caption not written; the rest is captioned."""
    client = client_of(bench.app(open_folders=(folder,)))
    linked(folder / "stolen.png", closed / "secret.png")
    linked(folder / "way", closed)
    linked(folder / "a.txt", closed / "victim.txt")
    (closed / "victim.txt").write_text("mine")

    body = {"folder": str(folder), "on_existing": "overwrite"}
    told = done(client, bench, client.post(f"{PREFIX}batch", json=body))

    reasons = {os.path.relpath(each["path"], folder): each["reason"] for each in told["errors"]}
    assert "the picture lies outside" in reasons["stolen.png"]
    assert "the picture lies outside" in reasons[os.path.join("way", "secret.png")]  # noqa: PTH118
    assert "its caption lies outside" in reasons["a.png"]
    assert (closed / "victim.txt").read_text() == "mine"
    assert sorted(each.name for each in closed.iterdir()) == ["secret.png", "victim.txt"]
    assert (folder / "b.txt").exists()


def test_captions_by_tokens_stay_inside(
    bench: Bench, client_of: Make, folder: Path, closed: Path
) -> None:
    """`[parent]` of a name made to mislead, and a link in the way of the name's folder."""
    client = client_of(bench.app(open_folders=(folder,)))
    linked(folder / "captions", closed)

    body = {"folder": str(folder), "recursive": False, "name": "captions/[name].txt"}
    told = done(client, bench, client.post(f"{PREFIX}batch", json=body))

    assert told["written"] == 0
    assert sorted(each.name for each in closed.iterdir()) == ["secret.png"]


def test_reachable_from_outside_and_no_root_named_takes_uploads_only(
    bench: Bench, client_of: Make, folder: Path, red: str
) -> None:
    """No folder at all; pictures in requests as ever."""
    client = client_of(bench.app(listening=True))

    refused = client.post(f"{PREFIX}batch", json={"folder": str(folder), "dry_run": True})

    assert (refused.status_code, "only uploads" in refused.json()["detail"]) == (403, True)
    assert client.post(f"{PREFIX}tags", json={"image": red}).status_code == 200


def test_undoing_stays_inside_too(bench: Bench, folder: Path, closed: Path) -> None:
    """A run of the command line's elsewhere is not for a server with roots to undo."""
    from tagger.errors import ClosedError
    from tagger.webui.runs import FolderRequest

    free = bench.app()
    job = free.caption_folder(FolderRequest((closed,), "demo"))
    assert job.wait(20)
    confined = bench.app(open_folders=(folder,))

    with pytest.raises(ClosedError):
        confined.undo(job.snapshot().run or 0)
    assert (closed / "secret.txt").exists()


# ---------------------------------------------------------------- jobs


def test_a_job_is_cancelled_and_what_it_wrote_stays(
    client: Any, bench: Bench, folder: Path
) -> None:
    """202, again and again; the state goes over `cancelling` to `cancelled`."""
    for number in range(40):
        (folder / f"more{number}.png").write_bytes(encoded(f"#00{number:02x}00"))
    bench.gate.clear()
    id = client.post(f"{PREFIX}batch", json={"folder": str(folder)}).json()["job"]  # noqa: A001
    job = bench.apps[0].jobs.get(id)
    assert job is not None
    while job.state == "queued":
        job.pause(0.01)
    answers = [client.delete(f"{PREFIX}jobs/{id}") for _ in range(2)]
    bench.gate.set()

    assert [each.status_code for each in answers] == [202, 202]
    assert answers[0].json()["state"] in ("cancelling", "cancelled")
    assert job.wait(20)
    assert client.delete(f"{PREFIX}jobs/{id}").json()["state"] == "cancelled"
    assert len(list(folder.rglob("*.txt"))) == job.snapshot().written < 43


@pytest.mark.parametrize("id", ["none", "..", "%2e%2e", "0" * 500, "é"])
def test_an_unknown_job_is_none(client: Any, id: str) -> None:  # noqa: A002
    """Also one of before a restart."""
    for answer in (client.get(f"{PREFIX}jobs/{id}"), client.delete(f"{PREFIX}jobs/{id}"),
                   client.get(f"{PREFIX}jobs/{id}/events")):  # fmt: skip
        assert answer.status_code in (404, 405)


def read_events(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as the standard has them: fields by line, events by empty lines."""
    found: list[tuple[str, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_job_is_told_as_events(client: Any, bench: Bench, folder: Path) -> None:
    """An outcome for each picture, progress, and the end with the final counts."""
    id = client.post(f"{PREFIX}batch", json={"folder": str(folder)}).json()["job"]  # noqa: A001

    answer = client.get(f"{PREFIX}jobs/{id}/events")
    told = read_events(answer.text)

    assert answer.headers["content-type"].startswith("text/event-stream")
    outcomes = [data for name, data in told if name == "outcome"]
    assert sorted(Path(each["path"]).name for each in outcomes) == [
        "a.png", "b.png", "broken.png", "c.png",
    ]  # fmt: skip
    assert told[-1][0] == "end"
    assert (told[-1][1]["state"], told[-1][1]["written"]) == ("done", 3)
    assert [name for name, _ in told].count("end") == 1


def test_a_reader_goes_on_where_it_was(client: Any, bench: Bench, folder: Path) -> None:
    """By the number of the last event that it saw."""
    id = client.post(f"{PREFIX}batch", json={"folder": str(folder)}).json()["job"]  # noqa: A001
    whole = client.get(f"{PREFIX}jobs/{id}/events").text

    rest = client.get(f"{PREFIX}jobs/{id}/events", headers={"Last-Event-ID": "2"}).text

    assert whole.count("event: outcome") == 4
    assert rest.count("event: outcome") == 2
    for odd in ("x", "-1", "9" * 50, "²"):
        assert (
            "event: end"
            in client.get(f"{PREFIX}jobs/{id}/events", headers={"Last-Event-ID": odd.encode()}).text
        )


def test_a_silent_job_has_heartbeats_and_ends_with_the_server(
    client: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that neither proxies nor readers take it for dead."""
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(events, "EVERY_S", 0.02)
    jobs = bench.apps[0].jobs

    def silent(job: Job) -> None:
        job.pause(20)

    job = jobs.start("caption", "silent", silent)
    threading.Timer(0.5, jobs.closing).start()
    text = client.get(f"{PREFIX}jobs/{job.id}/events").text

    assert text.count(": heartbeat") >= 3
    job.cancel()


def test_a_foreign_page_s_form_is_refused(client: Any) -> None:
    """A browser sends a form anywhere without asking; JSON it asks for first."""
    foreign = {"Origin": "http://evil.example", "Content-Type": "text/plain"}

    assert client.post(f"{PREFIX}models/demo/load", headers=foreign).status_code == 403
    assert client.post(f"{PREFIX}unload-interrogators", headers=foreign).status_code == 403
    assert client.post(f"{PREFIX}tags", headers=foreign, content="{}").status_code == 403
    own = {"Origin": "http://testserver"}
    assert client.post(f"{PREFIX}unload-interrogators", headers=own).status_code == 200


def test_the_version_says_who_serves(client: Any) -> None:
    """Ours and the host's."""
    from tagger import __version__

    told = client.get(f"{PREFIX}version").json()
    assert told == {"tagger": __version__, "api": 1, "host": "stand-alone"}


def test_settings_of_a_request_are_those_of_a_preset() -> None:
    """Every field of Settings is one of the body, by the same name."""
    from dataclasses import fields

    from tagger.webui.api.bodies import BatchBody, TagsBody

    for body in (TagsBody, BatchBody):
        assert {f.name for f in fields(Settings)} <= {f.name for f in fields(body)}
