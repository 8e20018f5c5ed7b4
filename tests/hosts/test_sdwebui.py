"""The WebUIs as hosts: their flags, settings and lock, as each of them has these."""

from __future__ import annotations

import inspect
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.webui.host import Host
from tagger.webui.sdwebui import WebUI, register

Make = Callable[..., Any]
KINDS = ("a1111", "forge", "reforge", "sdnext")


@pytest.mark.parametrize("kind", KINDS)
def test_each_host_says_what_it_is(host: Make, kind: str) -> None:
    """Told by what only it has loaded."""
    host(kind)

    name = WebUI().name

    says = {"a1111": "AUTOMATIC1111", "forge": "Forge 2.0.1v1.10.1", "reforge": "reForge"}
    assert name == says.get(kind, "SD.Next")


def test_it_is_a_host(host: Make) -> None:
    """All that the App asks for, it has."""
    host()
    asked = [name for name in vars(Host) if not name.startswith("_")]

    assert [name for name in asked if not hasattr(WebUI(), name)] == []


def test_the_host_finds_our_file_at_the_end_of_a_short_stack(host: Make) -> None:
    """It takes the file that calls for the extension's, and searches all modules for each frame."""
    stacks: list[list[str]] = []
    made = host()
    made.callbacks.on_ui_tabs = lambda _: stacks.append([each.filename for each in inspect.stack()])

    def from_a_depth(of: int) -> None:
        if of:
            from_a_depth(of - 1)
        else:
            register({"ui_tabs": lambda: None})

    from_a_depth(50)

    ((_, caller, *others),) = stacks
    assert Path(caller).parts[-3:] == ("tagger", "webui", "sdwebui.py")
    assert len(others) < 10


# settings


def test_settings_are_those_of_the_page(host: Make) -> None:
    """As stored now; a wrong one is told once, however often it is read."""
    standin = host(stored={"sd_tagger_keep": "none"})
    webui = WebUI()
    assert webui.preferences().keep == "none"

    standin.opts.data["sd_tagger_keep"] = "device"
    assert webui.preferences().keep == "device"


def test_a_wrong_setting_is_told_once(host: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A page asks at every step."""
    host(stored={"sd_tagger_device": 3})
    webui = WebUI()

    for _ in range(3):
        assert webui.preferences().device == "auto"

    assert [record.message for record in caplog.records] == [
        "sd_tagger_device: expected text, got 3: the default is taken"
    ]


def test_predecessors_settings_are_read_from_what_is_stored(host: Make) -> None:
    """Also where their extension is gone: the host keeps what it does not know."""
    host(stored={"tagger_repl_us": False, "tagger_hf_cache_dir": "/old"})

    settings, _ = WebUI().inherited()

    assert not settings.format.spaces
    assert Path("/old") in WebUI().model_folders()


def test_models_lie_among_the_hosts_and_where_a_flag_says(host: Make, tmp_path: Path) -> None:
    """Ours first, then the predecessors' folders and flag."""
    host(flags={"onnxtagger_path": str(tmp_path / "mine")})

    folders = WebUI().model_folders()

    models = tmp_path / "models"
    assert folders[:2] == (models / "tagger", models / "TaggerOnnx")
    assert folders[-1] == tmp_path / "mine"


# device


@pytest.mark.parametrize(
    ("kind", "flags", "found", "expected"),
    [
        ("a1111", {}, "cuda", "auto"),
        ("a1111", {"device_id": "1"}, "cuda:1", "cuda:1"),
        ("a1111", {"use_cpu": ["interrogate"]}, "cuda", "cpu"),
        ("forge", {"use_cpu": ["all"]}, "cuda:0", "cpu"),
        ("forge", {"use_cpu": ["vae"]}, "cuda:0", "auto"),
        ("forge", {}, "cpu", "cpu"),
        ("sdnext", {}, "cuda:1", "cuda:1"),
        ("sdnext", {}, "privateuseone:0", "auto"),
    ],
)
def test_device_is_the_one_the_host_would_use(
    host: Make, kind: str, flags: dict[str, Any], found: str, expected: str
) -> None:
    """`--use-cpu` counts in every host, also where its own devices do not look at it."""
    standin = host(kind, flags)
    standin.devices.get_device_for = lambda task: found
    standin.devices.get_optimal_device = lambda: found
    if kind == "sdnext":
        del standin.devices.get_device_for

    assert WebUI().device() == expected


# who may


@pytest.mark.parametrize(
    ("kind", "flags", "expected"),
    [
        ("a1111", {}, ()),
        ("a1111", {"api_auth": "u:p,v:a:b"}, (("u", "p"), ("v", "a:b"))),
        ("a1111", {"gradio_auth": "g:h"}, (("g", "h"),)),
        ("a1111", {"gradio_auth": "g:h", "api_auth": "u:p"}, (("u", "p"),)),
        ("sdnext", {"auth": '"a:b"'}, (("a", "b"),)),
        ("a1111", {"api_auth": "nocolon"}, (("nocolon", ""),)),
    ],
)
def test_credentials_are_the_hosts(
    host: Make, kind: str, flags: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """The API's own first, else the page's; what can't be read right never opens the routes."""
    host(kind, flags)

    assert WebUI().credentials() == expected


def test_credentials_in_a_file_count_too(host: Make, tmp_path: Path) -> None:
    """`--gradio-auth-path`, a line or several."""
    path = tmp_path / "auth"
    path.write_text("a:b\nc:d,e:f\n\n", encoding="utf-8")
    host(flags={"gradio_auth_path": str(path)})

    assert WebUI().credentials() == (("a", "b"), ("c", "d"), ("e", "f"))


@pytest.mark.parametrize(
    ("flags", "exposed"),
    [
        ({}, False),
        ({"server_name": "127.0.0.1"}, False),
        ({"server_name": "localhost", "nowebui": True}, False),
        ({"server_name": "0.0.0.0"}, True),
        ({"listen": True}, True),
        ({"share": True}, True),
        ({"ngrok": "token"}, True),
        ({"nowebui": True}, True),
        ({"subpath": "sd"}, True),
    ],
)
def test_without_a_root_who_may_be_reached_takes_uploads_only(
    host: Make, flags: dict[str, Any], exposed: bool
) -> None:
    """None is every folder, () is none."""
    host(flags=flags)

    assert WebUI().exposed() is exposed
    assert WebUI().roots() == (() if exposed else None)


@pytest.mark.parametrize(
    ("variable", "value"), [("GRADIO_SERVER_NAME", "0.0.0.0"), ("GRADIO_SHARE", "True")]
)
def test_gradios_own_variables_open_a_host(
    host: Make, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """They count where the host gives no flag."""
    host()
    monkeypatch.setenv(variable, value)

    assert WebUI().exposed()


def test_roots_are_those_named(host: Make, tmp_path: Path) -> None:
    """Whoever can reach it; links are followed once, here."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    host(flags={"tagger_root": [str(tmp_path / "link")], "listen": True})

    assert WebUI().roots() == (tmp_path / "data",)


def test_addresses_are_fetched_where_the_hosts_api_fetches_them(host: Make) -> None:
    """Its own setting; a host without one fetches none."""
    standin = host()
    assert not WebUI().allow_urls()

    standin.opts.data["api_enable_requests"] = True
    assert WebUI().allow_urls()


# the lock


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_takes_the_hosts_lock_and_gives_it_back(host: Make, kind: str) -> None:
    """Meanwhile nobody else has it; it is not taken for generating."""
    standin = host(kind)
    webui = WebUI()

    with webui.turn() as got:
        assert got
        assert not standin.lock.acquire(False)
        assert not webui.generating()

    assert standin.lock.acquire(False)
    assert webui.generating()


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_never_waits(host: Make, kind: str) -> None:
    """Our caller may hold the lock itself, from inside a generation: waiting would be for ever."""
    standin = host(kind)
    standin.lock.acquire()

    with WebUI().turn() as got:
        assert not got

    assert not standin.lock.acquire(False)


def test_a_turn_within_a_turn_is_one(host: Make) -> None:
    """A model loaded while a batch has the lock: it can't be taken twice."""
    standin = host()
    webui = WebUI()

    with webui.turn(), webui.turn() as got:
        assert got
    assert standin.lock.acquire(False)


def test_the_lock_is_given_back_after_a_fault(host: Make) -> None:
    """Else the host would never generate again."""
    standin = host()

    with pytest.raises(RuntimeError, match="broken"), WebUI().turn():
        raise RuntimeError("broken")

    assert standin.lock.acquire(False)


def test_who_waits_for_the_host_goes_before_us(host: Make) -> None:
    """Batches follow each other within milliseconds; a generation gets in between two."""
    standin = host()
    webui = WebUI()
    done = threading.Event()

    def generate() -> None:
        with standin.lock:
            done.set()

    with webui.turn():
        waiting = threading.Thread(target=generate)
        waiting.start()
        while not standin.lock._pending_threads:
            time.sleep(0.001)
        assert webui.generating()
    turns = 0
    while not done.is_set():  # as a run does: the next batch at once
        with webui.turn() as got:
            turns += got

    waiting.join()
    assert turns <= 1


# room


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("a1111", ["gc", "lowvram", "cpu spare", "gc"]),
        ("forge", ["free 1500"]),
        ("reforge", ["free 1500"]),
        ("sdnext", ["offload pipe", "gc"]),
    ],
)
def test_room_is_made_by_the_hosts_own_means(
    host: Make, monkeypatch: pytest.MonkeyPatch, kind: str, expected: list[str]
) -> None:
    """Under its lock; AUTOMATIC1111's checkpoint in use stays: nothing would bring it back."""
    standin = host(kind)
    monkeypatch.setitem(sys.modules, "torch", card(free=100))

    assert WebUI().make_room(500)

    assert standin.calls == expected
    assert standin.lock.acquire(False)


@pytest.mark.parametrize(("there", "free"), [(True, 1000), (False, 0)])
def test_automatic1111_keeps_what_need_not_go(
    host: Make, monkeypatch: pytest.MonkeyPatch, there: bool, free: int
) -> None:
    """Its cache is given back first; that may be enough, and without a card it is all."""
    standin = host("a1111")
    monkeypatch.setitem(sys.modules, "torch", card(free, there))

    assert WebUI().make_room(500)

    assert standin.calls == ["gc"]


def card(free: int, there: bool = True) -> types.SimpleNamespace:
    """A torch with a card that has so much free, or without one."""
    cuda = types.SimpleNamespace(is_available=lambda: there, mem_get_info=lambda: (free, 8000))
    return types.SimpleNamespace(cuda=cuda)


@pytest.mark.parametrize("kind", KINDS)
def test_a_held_lock_leaves_the_hosts_models_alone(host: Make, kind: str) -> None:
    """They may be at work, perhaps for our own caller."""
    standin = host(kind)
    standin.lock.acquire()

    assert not WebUI().make_room(500)

    assert standin.calls == []


def test_a_processor_has_no_room_to_make(host: Make) -> None:
    """Forge on a CPU would unload its models for nothing."""
    standin = host("forge")
    import backend.memory_management as manager  # pyright: ignore[reportMissingImports]

    manager.get_torch_device().type = "cpu"

    assert WebUI().make_room(500)
    assert standin.calls == []


def test_a_host_that_can_not_make_room_is_left_as_it_is(
    host: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A newer host may have moved its things; a model then takes what is free."""
    standin = host("sdnext")
    standin.devices.torch_gc = lambda: None

    assert WebUI().make_room(500)

    (record,) = caplog.records
    assert "made no room" in record.message
