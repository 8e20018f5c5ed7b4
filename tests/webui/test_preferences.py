"""What a WebUI's user has set, and what the predecessors' users had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.webui.preferences import (
    Preferences,
    inherited_models,
    inherited_settings,
    read_preferences,
)


def test_host_without_settings_gives_the_defaults() -> None:
    """A first start, before the host knows our settings."""
    assert read_preferences({}.get) == Preferences()


def test_settings_are_read_under_our_own_prefix() -> None:
    """Only `sd_tagger_` names count; the bare name may be another extension's."""
    stored = {"sd_tagger_keep": "none", "keep": "device", "sd_tagger_idle_minutes": 3}

    kept = read_preferences(stored.get)

    assert (kept.keep, kept.idle_minutes) == ("none", 3.0)
    assert kept.runtime.keep == "none"
    assert kept.idle_s == 180.0


@pytest.mark.parametrize(("cores", "streams"), [(1, 1), (2, 1), (8, 2), (17, 4)])
def test_a_picture_that_comes_alone_has_several_threads(
    cores: int, streams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor; one thread of sixteen would let somebody wait for seconds."""
    monkeypatch.setattr("tagger.backends.devices.cores", lambda: cores)
    assert Preferences().runtime.streams == streams


def test_zero_minutes_keep_a_model_for_good() -> None:
    """0 is the host's way to say never: a number box can't be empty."""
    assert read_preferences({"sd_tagger_idle_minutes": 0}.get).idle_s is None


def test_wrong_value_keeps_its_default_and_is_told() -> None:
    """The others are taken all the same."""
    told: list[str] = []

    kept = read_preferences(
        {"sd_tagger_keep": "fridge", "sd_tagger_device": "cpu"}.get, told.append
    )

    assert (kept.keep, kept.device) == ("ram", "cpu")
    assert told == [
        "sd_tagger_keep: expected one of device, ram, none, got 'fridge': the default is taken"
    ]


def test_predecessors_settings_become_the_first_values() -> None:
    """Picobyte's own names, as its config.json holds them."""
    settings, folder = inherited_settings(
        {
            "tagger_repl_us": False,
            "tagger_escape": True,
            "tagger_weighted_tags_files": True,
            "tagger_batch_recursive": False,
            "tagger_out_filename_fmt": "[name].[extension].[output_extension]",
        }
    )

    assert (settings.format.spaces, settings.format.escape, settings.format.weights) == (
        False,
        True,
        True,
    )
    assert (folder.recursive, folder.name) == (False, "[name].[extension].[output_extension]")


def test_predecessors_default_file_name_is_the_pictures_own() -> None:
    """So that the extension of captions stays ours to choose."""
    _, folder = inherited_settings({"tagger_out_filename_fmt": "[name].[output_extension]"})

    assert folder.name == ""


def test_what_another_extension_wrote_wrongly_is_left_out() -> None:
    """It is not our user's mistake."""
    settings, _ = inherited_settings({"tagger_escape": "certainly", "tagger_repl_us": False})

    assert (settings.format.escape, settings.format.spaces) == (False, False)


def test_predecessors_cache_is_a_folder_of_models() -> None:
    """Where the host holds none, there is none."""
    assert inherited_models({"tagger_hf_cache_dir": "/somewhere"}) == (Path("/somewhere"),)
    assert inherited_models({"tagger_hf_cache_dir": " "}) == ()
    assert inherited_models({}) == ()
