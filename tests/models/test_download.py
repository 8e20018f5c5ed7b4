"""A model's files arrive whole or not at all, whatever the hub does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.errors import DownloadError
from tagger.home import part
from tagger.models import download as downloads
from tagger.models import transfer, web
from tagger.models.download import download
from tagger.models.files import download_size, locate
from tagger.models.registry import Registry
from tagger.models.spec import File, ModelSpec

if TYPE_CHECKING:
    from conftest import Hub

REPO = "author/wd-test"
LABELS = b"name,category\n1girl,0\n"
WEIGHTS = bytes(range(256)) * 4000  # about 1 MB, in many pieces
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
SPEC = ModelSpec("wd-test", repo=REPO)
PINNED = ModelSpec("wd-test", repo=REPO, files=(File("model.onnx", len(WEIGHTS), SHA256),))


@pytest.fixture(autouse=True)
def full_and_hasty(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the hub a model, and let no test wait between tries."""
    hub.files |= {f"{REPO}/selected_tags.csv": LABELS, f"{REPO}/model.onnx": WEIGHTS}
    monkeypatch.setattr(transfer, "PAUSE_S", 0.0)
    monkeypatch.setattr(transfer, "_PIECE", 1 << 16)
    monkeypatch.setattr(web, "TIMEOUT_S", 5.0)


def assert_whole(folder: Path) -> None:
    """Both files are there with the hub's bytes, and nothing else is."""
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "selected_tags.csv"}
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    assert (folder / "selected_tags.csv").read_bytes() == LABELS
    assert not list(folder.parent.glob("*.partial"))


def test_what_can_be_missed_is_fetched_where_it_is(hub: Hub) -> None:
    """A model runs without it, so neither a hub nor a folder that lacks it is refused."""
    spec = replace(SPEC, optional=("thresholds.csv", "gone.csv"))
    hub.files[f"{REPO}/thresholds.csv"] = b"category,name,threshold\n0,general,0.4\n"

    folder = download(spec)

    assert {path.name for path in folder.iterdir()} == {
        "model.onnx",
        "selected_tags.csv",
        "thresholds.csv",
    }
    (folder / "thresholds.csv").unlink()
    assert locate(spec) == folder


def refused(spec: ModelSpec, sentence: str) -> None:
    """The download fails in one sentence that names the model, and leaves nothing in use."""
    with pytest.raises(DownloadError, match=sentence) as caught:
        download(spec)
    assert str(caught.value).startswith(f"{spec.name}: ")
    assert "\n" not in str(caught.value)
    assert locate(spec) is None
    assert not (part("models") / spec.name).exists()
    (row,) = Registry(specs=(spec,), demo=None).list()
    assert (row.on_disk, row.reason) == (False, "")


def test_a_model_arrives_in_our_home() -> None:
    """Labels and weights, found afterwards without the hub."""
    assert locate(SPEC) is None

    folder = download(SPEC)

    assert folder == part("models") / "wd-test" == locate(SPEC)
    assert_whole(folder)


def test_what_is_on_disk_touches_no_network(hub: Hub) -> None:
    """Asked for again, even offline, nothing is sent."""
    download(SPEC)
    hub.seen.clear()

    download(SPEC)
    Registry(specs=(SPEC,)).find("wd-test")

    assert hub.seen == []


def test_progress_is_told_in_bytes_of_the_whole(hub: Hub) -> None:
    """It rises from the first file's start to the total, and never falls."""
    told: list[tuple[int, int]] = []

    download(SPEC, lambda done, total: told.append((done, total)))

    total = len(LABELS) + len(WEIGHTS)
    assert {one for _, one in told} == {total}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (told[0][0], told[-1][0]) == (0, total)
    assert len(told) > 10


def test_only_what_one_contract_needs_is_fetched(hub: Hub) -> None:
    """A repository of several weights costs the size of one."""
    from tagger.models.contract import Contract

    timm = Contract("timm", "model.safetensors")
    spec = ModelSpec("wd-test", (Contract(), timm), repo=REPO)
    hub.files |= {f"{REPO}/model.safetensors": b"s" * 5000, f"{REPO}/config.json": b"{}"}

    folder = download(spec, contract=timm)

    assert not hub.asked("GET", "model.onnx")
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "config.json",
        "selected_tags.csv",
    }
    hub.seen.clear()
    download(spec)
    assert not hub.asked("GET", "selected_tags.csv")
    assert len(hub.asked("GET", "resolve")) == 1


def test_weights_kept_apart_are_fetched_with_their_graph(hub: Hub) -> None:
    """A file that no other contract claims is needed: ONNX has a limit of 2 GB."""
    hub.files[f"{REPO}/model.onnx.data"] = b"d" * 3000
    spec = ModelSpec("wd-test", repo=REPO, files=(File("model.onnx.data", 3000),))

    folder = download(spec)
    assert (folder / "model.onnx.data").read_bytes() == b"d" * 3000

    (folder / "model.onnx.data").unlink()
    assert locate(spec) is None


def test_the_size_of_a_download_is_known_only_from_pins() -> None:
    """Where one size is not known, neither is the sum."""
    assert download_size(PINNED) is None
    both = (*PINNED.files, File("selected_tags.csv", 5))
    assert download_size(ModelSpec("x", files=both)) == len(WEIGHTS) + 5


@pytest.mark.parametrize("cuts", [[100], [100_000, 5, 300_000], [0, 0, 700_000, 0, 0]])
def test_a_cut_connection_is_gone_on_from(hub: Hub, cuts: list[int]) -> None:
    """The rest is asked for, not the whole again, and the bytes are right."""
    download(ModelSpec("wd-test", repo=REPO, contracts=SPEC.contracts))
    shutil.rmtree(part("models") / "wd-test")
    hub.files[f"{REPO}/selected_tags.csv"] = LABELS
    hub.seen.clear()
    hub.cut = [len(LABELS), *cuts]

    assert_whole(download(PINNED))

    asked = [headers.get("range", "") for headers in hub.asked("GET", "cdn")]
    arrived, wanted = 0, []
    for cut in (*cuts, None):
        wanted.append(f"bytes={arrived}-" if arrived else "")
        arrived += cut or 0
    assert asked == wanted


def test_a_download_given_up_is_gone_on_from_by_the_next(hub: Hub) -> None:
    """A hub that always cuts is a sentence; the part waits hidden, and the next call is short."""
    hub.cut = [len(LABELS), 600_000, *[0] * 20]
    refused(SPEC, r"wd-test: model\.onnx: expected 1,024,000 bytes, got 600,000 .* run it again")

    hub.cut.clear()
    hub.seen.clear()
    assert_whole(download(SPEC))

    assert [headers["range"] for headers in hub.asked("GET", "cdn")] == ["bytes=600000-"]
    assert not hub.asked("GET", "selected_tags.csv")


def test_stopped_by_its_caller_it_is_gone_on_from(hub: Hub) -> None:
    """Whatever `progress` raises comes through, and what arrived is kept."""

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(SPEC, stop)
    assert locate(SPEC) is None
    hub.seen.clear()

    assert_whole(download(SPEC))
    (again,) = hub.asked("GET", "cdn")
    assert int(again["range"].removeprefix("bytes=").removesuffix("-")) > len(WEIGHTS) / 2


def test_a_hub_without_ranges_sends_the_whole_again(hub: Hub) -> None:
    """The beginning is not kept twice."""
    hub.ranges = False
    hub.cut = [len(LABELS), 300_000]

    assert_whole(download(PINNED))


def test_a_part_of_another_version_is_not_gone_on_from(hub: Hub) -> None:
    """The author's new file begins at its own first byte."""
    hub.cut = [len(LABELS), 600_000, *[0] * 20]
    refused(SPEC, "run it again")
    hub.cut.clear()
    new = bytes(reversed(WEIGHTS))
    hub.files[f"{REPO}/model.onnx"] = new

    assert (download(SPEC) / "model.onnx").read_bytes() == new


def test_a_part_longer_than_the_file_begins_anew(hub: Hub) -> None:
    """Something else wrote to it."""
    stage = part("models") / ".wd-test.partial"
    stage.mkdir(parents=True)
    (stage / f"model.onnx.{SHA256[:16]}.part").write_bytes(b"x" * (len(WEIGHTS) + 5))

    assert_whole(download(SPEC))


def test_a_spoilt_part_is_thrown_away(hub: Hub) -> None:
    """The next call fetches every byte anew."""
    stage = part("models") / ".wd-test.partial"
    stage.mkdir(parents=True)
    (stage / f"model.onnx.{SHA256[:16]}.part").write_bytes(b"x" * 1000)

    refused(SPEC, "expected content with the hash")
    assert_whole(download(SPEC))


@pytest.mark.parametrize("size", [len(WEIGHTS) - 1000, len(WEIGHTS) + 1000])
def test_a_hub_that_lies_about_the_size_is_refused(hub: Hub, size: int) -> None:
    """Where the size is pinned at once, else by bytes or by hash."""
    hub.declared[f"{REPO}/model.onnx"] = size

    refused(PINNED, r"expected a file of 1,024,000 bytes, the hub has one of 1,02")
    assert not hub.asked("GET")
    refused(SPEC, r"expected content with the hash|expected [0-9,]+ bytes, got")


def test_more_bytes_than_told_are_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body without a length could go on for ever; it is left after the size told."""
    real = transfer.describe

    def short(repo: str, revision: str, file: File) -> transfer.Remote:
        told = real(repo, revision, file)
        return transfer.Remote(told.url, told.commit, told.size - 10, told.etag)

    monkeypatch.setattr(downloads, "describe", short)
    refused(SPEC, "bytes as the hub said, got more")


@pytest.mark.parametrize("name", ["model.onnx", "selected_tags.csv"])
def test_changed_bytes_are_refused(hub: Hub, name: str) -> None:
    """Large files have a SHA-256, small ones git's SHA-1: both are checked without a pin."""
    content = bytearray(hub.files[f"{REPO}/{name}"])
    content[len(content) // 2] ^= 1
    hub.spoilt[f"{REPO}/{name}"] = bytes(content)

    refused(SPEC, rf"{name}: expected content with the hash .* changed on the way")


def test_a_wrong_pin_is_refused(hub: Hub) -> None:
    """What the hub says of its file does not replace what is known of it."""
    spec = ModelSpec("wd-test", repo=REPO, files=(File("model.onnx", len(WEIGHTS), "0" * 64),))

    refused(spec, r"expected content with the hash 000000000000")


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (404, {"X-Error-Code": "EntryNotFound"}, r"no such file \(404\)"),
        (401, {"X-Error-Code": "RepoNotFound"}, r"refuses access \(401\).*valid access token"),
        (401, {}, r"refuses access \(401\)"),
        (403, {"X-Error-Code": "GatedRepo"}, "accept it on the model's page, then set HF_TOKEN"),
        (401, {"X-Error-Code": "GatedRepo"}, "accept it on the model's page, then set HF_TOKEN"),
        (429, {"Retry-After": "3600"}, r"too many requests \(429\) and asks for 3,600 seconds"),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, r"\(429\) and asks for"),
        (418, {}, "answers 418"),
    ],
)
def test_a_refusal_is_one_sentence(
    hub: Hub, status: int, headers: dict[str, str], sentence: str
) -> None:
    """Asked once: another try would change nothing."""
    hub.refuse = [(status, headers)] * 10

    refused(SPEC, sentence)
    assert len(hub.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 408])
def test_what_passes_is_tried_again(hub: Hub, status: int) -> None:
    """A short wait that the hub asks for is waited."""
    hub.refuse = [(status, {"Retry-After": "0"})]
    assert_whole(download(SPEC))


def test_what_does_not_pass_is_given_up(hub: Hub) -> None:
    """Not tried for ever."""
    hub.refuse = [(503, {})] * 100
    refused(SPEC, "answers 503: try again later")
    assert len(hub.seen) < 10


def test_a_refusal_in_the_middle_is_tried_again(hub: Hub) -> None:
    """The part is kept over a 503, and the size of it is asked for."""
    hub.cut = [len(LABELS), 500_000, 0]
    told: list[int] = []

    def trip(done: int, total: int) -> None:
        told.append(done)
        if done > 400_000 and not hub.refuse and len(told) < 1000:
            hub.refuse = [(503, {})]
            told.extend([0] * 1000)

    assert_whole(download(SPEC, trip))


def test_nobody_there_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a mirror that is down nor a word that is no address."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(SPEC, r"127\.0\.0\.1:9 can't be reached .* set HF_ENDPOINT to a mirror")


def test_an_answer_that_never_comes_is_one_sentence(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out is a cut like another."""
    monkeypatch.setattr(web, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(transfer, "TRIES", 2)
    hub.slow = 0.6
    refused(SPEC, "timed out|broke")


def test_offline_is_obeyed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE: not one request."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(SPEC, "HF_HUB_OFFLINE forbids the network")
    assert hub.seen == []


def test_a_model_without_a_repository_is_not_downloaded() -> None:
    """It says what to do instead."""
    refused(ModelSpec("mine"), "not published: copy its folder")


def test_a_full_disk_is_told_before_the_first_byte(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence has both figures and where."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 1_000_000))
    refused(SPEC, r"expected 68.1 MB free at .*models, got 1 MB: free some")
    assert not hub.asked("GET")


def test_a_disk_that_fills_up_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may be faster."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DownloadError, match=r"wd-test: model\.onnx: can't be written: No space"):
        download(SPEC, lambda done, total: full() if done > 500_000 else None)
    assert locate(SPEC) is None


def test_the_token_goes_to_the_hub_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the host that the hub redirects to."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    download(SPEC)

    told = {headers.get("authorization") for headers in hub.asked("GET", "resolve")}
    assert told == {"Bearer hf_secret"}
    (behind,) = hub.asked("GET", "cdn")
    assert "authorization" not in behind


def test_the_token_of_a_login_is_used(hub: Hub, own_home: Path) -> None:
    """What `hf auth login` leaves in HF_HOME."""
    (own_home / "hf").mkdir()
    (own_home / "hf" / "token").write_text("hf_login\n")

    download(SPEC)

    assert hub.asked("HEAD")[0]["authorization"] == "Bearer hf_login"


def test_all_files_are_of_one_commit(hub: Hub) -> None:
    """The revision is asked for once; what it meant then holds for the rest."""
    download(SPEC)

    asked = [path for _, path, _ in hub.seen if "/resolve/" in path]
    assert [path.split("/resolve/")[1].split("/")[0] for path in asked].count("main") == 1
    assert asked[0].endswith("/resolve/main/selected_tags.csv")
    assert all(f"/resolve/{hub.commit}/" in path for path in asked[1:])


def test_parallel_threads_share_one_download(hub: Hub) -> None:
    """Eight askers, one transfer, the same folder."""
    hub.slow = 0.1
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(download(SPEC))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [part("models") / "wd-test"] * 8
    assert len(hub.asked("GET", "cdn")) == 1
    assert_whole(found[0])


ASKER = """
from tagger.models.download import download
from tagger.models.spec import ModelSpec
print(download(ModelSpec("wd-test", repo="author/wd-test")))
"""


def test_parallel_processes_share_one_download(hub: Hub) -> None:
    """A page and a command line at the same time."""
    hub.slow = 1.0
    place = {**os.environ, "PYTHONPATH": str(Path(downloads.__file__).parents[2])}
    askers = [
        subprocess.Popen([sys.executable, "-c", ASKER], env=place, stdout=subprocess.PIPE)
        for _ in range(2)
    ]

    told = [asker.communicate(timeout=30)[0].decode().strip() for asker in askers]

    assert told == [str(part("models") / "wd-test")] * 2
    assert len(hub.asked("GET", "cdn")) == 1
    assert_whole(part("models") / "wd-test")


def test_waiting_for_another_download_ends(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs does not hang all."""
    from tagger.models.lock import held

    part("models").mkdir(parents=True)
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.2)
    with held(part("models") / ".wd-test.lock", 1.0):
        refused(SPEC, "another download of it that has not ended")


def test_a_wrong_file_in_the_way_is_set_aside(hub: Hub) -> None:
    """A truncated copy is replaced; somebody's own file of that name is not lost."""
    folder = part("models") / "wd-test"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"mine")

    download(PINNED)

    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    assert (folder / "model.onnx.replaced").read_bytes() == b"mine"


def test_the_hash_that_was_checked_is_remembered(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model just downloaded is not read again to know its identity."""
    from tagger.models import hashes

    folder = download(SPEC)

    monkeypatch.setattr(hashes, "compute", lambda _: pytest.fail("read again"))
    assert hashes.sha256(folder / "model.onnx") == SHA256
