"""The pictures of the drawn booru: what a tag speaks of can be seen at 112 pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tagger.demo import figure as drawing
from tagger.demo.examples import draw_cast, draw_examples
from tagger.demo.truth import GENERAL, general_tags
from tagger.demo.wardrobe import CAST, Figure, Scene, draw_scene

# without it, the figure looks otherwise: the field, and its value when the thing is absent
PLAIN = {
    "gear": None, "ornament": None, "glasses": False, "scarf": False, "ahoge": False,
    "blush": False, "pose": "down",
}  # fmt: skip


def changed(scene: Scene, k: int, other: Figure) -> int:
    """How many of 112 x 112 pixels differ clearly when figure `k` is the other one."""
    figures = (*scene.figures[:k], other, *scene.figures[k + 1 :])
    first = np.asarray(drawing.draw(scene, 112), dtype=int)
    second = np.asarray(drawing.draw(replace(scene, figures=figures), 112), dtype=int)
    return int((np.abs(first - second).max(2) > 40).sum())


def test_a_picture_is_a_square_rgb_of_the_size_asked_for() -> None:
    """Any size is drawn, not resized."""
    for size in (64, 112, 250):
        picture = drawing.draw(draw_scene(0, 3), size)
        assert (picture.mode, picture.size) == ("RGB", (size, size))


def test_the_same_scene_gives_the_same_pixels() -> None:
    """Nothing but the scene decides a picture."""
    scene = draw_scene(4, 2)
    assert drawing.draw(scene, 96).tobytes() == drawing.draw(scene, 96).tobytes()


def test_a_mirrored_scene_is_the_mirrored_picture() -> None:
    """Mirroring moves no figure and changes no colour."""
    scene = replace(draw_scene(4, 3), mirrored=False)
    plain = np.asarray(drawing.draw(scene, 96))
    assert (np.asarray(drawing.draw(replace(scene, mirrored=True), 96)) == plain[:, ::-1]).all()


def test_everything_a_figure_wears_or_does_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking one thing away changes at least 12 of 112 x 112 pixels, in two-figure pictures too."""
    monkeypatch.setattr(drawing, "_top", lambda figure: 117)  # nothing else may move
    scenes = [s for k in range(60) if len((s := draw_scene(9, k)).figures) == 2 or k < 12]
    for scene in scenes:
        for k, figure in enumerate(scene.figures):
            for name, absent in PLAIN.items():
                if getattr(figure, name) != absent:
                    assert changed(scene, k, replace(figure, **{name: absent})) >= 12, (name, k)


def test_eyes_mouths_and_hair_can_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another eye colour, mouth or hair colour of each figure of two shows at 112 pixels."""
    monkeypatch.setattr(drawing, "_top", lambda figure: 117)
    pairs = [s for k in range(40) if len((s := draw_scene(8, k)).figures) == 2]
    for scene in pairs:
        for k, figure in enumerate(scene.figures):
            if figure.lids != "closed":
                eyes = "green" if figure.eyes == "blue" else "blue"
                assert changed(scene, k, replace(figure, eyes=eyes)) >= 30
            mouth = "smile" if figure.mouth == "frown" else "frown"
            assert changed(scene, k, replace(figure, mouth=mouth)) >= 10
            hair = "green" if figure.hair == "pink" else "pink"
            assert changed(scene, k, replace(figure, hair=hair)) >= 250


def test_examples_are_a_dozen_small_pictures_with_stems_of_their_own(tmp_path_factory) -> None:
    """Captions beside them can't collide; one folder lies inside; there is no other file."""
    folder = tmp_path_factory.mktemp("examples")
    written = draw_examples(folder)
    assert sorted(p for p in folder.rglob("*") if p.is_file()) == sorted(written)
    assert len({p.stem for p in written}) == len(written) == 12
    assert {p.suffix for p in written} == {".png", ".jpg", ".jpeg", ".webp"}
    assert len({p.parent for p in written}) == 2
    assert max(p.stat().st_size for p in written) < 120_000


def test_the_cast_fits_on_one_sheet() -> None:
    """Six by two squares."""
    assert draw_cast(40).size == (240, 80)


def test_every_look_of_the_cast_is_in_the_vocabulary() -> None:
    """A member of the cast alone on white has only tags that a model can learn."""
    for figure in CAST:
        assert set(general_tags(Scene((figure,), "white", 0))) <= set(GENERAL)
