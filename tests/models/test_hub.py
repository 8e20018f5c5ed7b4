"""The Hugging Face cache and variables, as the library itself leaves and reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.errors import OptionError
from tagger.models import hub as hubs
from tagger.models.files import locate
from tagger.models.registry import Registry
from tagger.models.spec import File, ModelSpec, inside

if TYPE_CHECKING:
    from conftest import Hub

REPO = "author/wd-test"
WEIGHTS = bytes(range(256)) * 40
SPEC = ModelSpec("wd-test", repo=REPO)


def snapshot(commit: str, ref: str = "", size: int = 3) -> Path:
    """Write a snapshot of the two files into the cache, as copies (a disk without links)."""
    repo = hubs.cache() / "models--author--wd-test"
    folder = repo / "snapshots" / commit
    folder.mkdir(parents=True)
    (folder / "selected_tags.csv").write_text("name,category\n")
    (folder / "model.onnx").write_bytes(b"x" * size)
    if ref:
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / ref).write_text(commit)
    return folder


def test_a_mirror_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is none is refused in a sentence; a slash at the end does not count."""
    monkeypatch.setenv("HF_ENDPOINT", "https://hf.example/")
    assert hubs.endpoint() == "https://hf.example"
    for wrong in ("hf.example", "not an address", "ftp://hf.example", "http://[::1", "https://"):
        monkeypatch.setenv("HF_ENDPOINT", wrong)
        with pytest.raises(OptionError, match="HF_ENDPOINT: expected an address"):
            hubs.endpoint()


@pytest.fixture
def library(hub: Hub) -> Hub:
    """A stand-in with a model, for the real huggingface_hub to download from."""
    pytest.importorskip("huggingface_hub")
    hub.files |= {f"{REPO}/selected_tags.csv": b"name,category\n", f"{REPO}/model.onnx": WEIGHTS}
    return hub


def fetched(hub: Hub, **kwargs: object) -> list[Path]:
    """Both files through huggingface_hub, with its bars off."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    return [
        Path(hf_hub_download(REPO, name, endpoint=hub.endpoint, cache_dir=hubs.cache(), **kwargs))
        for name in ("selected_tags.csv", "model.onnx")
    ]


def test_what_the_library_downloaded_is_found(library: Hub) -> None:
    """The installed huggingface_hub fills its cache from the stand-in; no request of ours."""
    paths = fetched(library)
    library.seen.clear()

    folder = locate(SPEC)

    assert folder == paths[0].parent == paths[1].parent
    assert inside(folder, "model.onnx").read_bytes() == WEIGHTS
    assert Registry(specs=(SPEC,), demo=None).find("wd-test").folder == folder
    assert library.seen == []


def test_a_repository_half_in_the_cache_is_not_on_disk(library: Hub) -> None:
    """Only the labels arrived."""
    paths = fetched(library)
    paths[1].unlink()

    assert locate(SPEC) is None


def test_the_cache_is_where_the_library_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own rule, restated: HF_HUB_CACHE, the older name, HF_HOME, XDG_CACHE_HOME, home."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert hubs.cache() == Path.home() / ".cache" / "huggingface" / "hub"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert hubs.cache() == Path("/x/huggingface/hub")
    monkeypatch.setenv("HF_HOME", "/h")
    assert hubs.cache() == Path("/h/hub")
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", "/old")
    assert hubs.cache() == Path("/old")
    monkeypatch.setenv("HF_HUB_CACHE", "/c")
    assert hubs.cache() == Path("/c")


def test_the_revision_asked_for_comes_first() -> None:
    """A pinned commit, then what its ref names, then whatever is there."""
    pinned, main = snapshot("a" * 40), snapshot("b" * 40, "main")

    assert locate(ModelSpec("wd-test", repo=REPO, revision="a" * 40)) == pinned
    assert locate(SPEC) == main
    assert locate(ModelSpec("wd-test", repo=REPO, revision="c" * 40)) in (pinned, main)


def test_a_snapshot_of_another_size_is_passed_over() -> None:
    """Where the size is known, an older version is not taken for it."""
    snapshot("a" * 40, "main", size=3)
    newer = snapshot("b" * 40, size=4)
    spec = ModelSpec("wd-test", repo=REPO, files=(File("model.onnx", 4),))

    assert locate(spec) == newer


def test_our_home_and_roots_come_before_the_cache(tmp_path: Path) -> None:
    """A visible folder wins."""
    cached = snapshot("a" * 40, "main")
    assert locate(SPEC) == cached

    copy = tmp_path / "wd-test"
    copy.mkdir()
    for name in ("selected_tags.csv", "model.onnx"):
        (copy / name).write_bytes((cached / name).read_bytes())

    assert locate(SPEC, (tmp_path,)) == copy


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False)]
)
def test_offline_is_read_when_asked(
    value: str, offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may set it after import."""
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert hubs.offline() is offline


def test_no_token_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a variable nor a file, or empty ones."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    assert hubs.token() is None
    (tmp_path / "token").write_text(" \n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    assert hubs.token() is None


def test_a_cache_that_may_not_be_looked_into_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's folder stops no model that lies elsewhere."""

    def refuse(path: Path, *args: object, **kwargs: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    snapshot("a" * 40, "main")
    assert list(hubs.snapshots(REPO))
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert list(hubs.snapshots(REPO)) == []
