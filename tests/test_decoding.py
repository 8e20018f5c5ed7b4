"""Pictures decoded by several threads: pixels held at once, and when faster libraries come."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.errors import ImageError
from tagger.images import open_quickly
from tagger.pipeline import decoding
from tagger.pipeline.decoding import PAYS_AFTER, PIXELS_EACH, Budget, Decoding

LONG_S = 20  # a wait that only a bug makes long
PIXELS = np.zeros((1, 1, 3), np.uint8)


class Sizes:
    """Opens pictures named by how many pixels they have, and counts those held at once."""

    def __init__(self) -> None:
        self.held = self.most = 0
        self.lock = threading.Lock()

    def open(self, source: Any, claim: Callable[[int], object]) -> Image.Image:
        claim(int(source))
        with self.lock:
            self.held += int(source)
            self.most = max(self.most, self.held)
        image = Image.new("RGB", (1, 1))
        image.info["pixels"] = int(source)
        return image

    def fit(self, picture: Any) -> np.ndarray:
        with self.lock:
            self.held -= picture.info["pixels"]
        return PIXELS


def test_threads_hold_no_more_pixels_than_their_share() -> None:
    """However many huge pictures come at once, two threads hold what is meant for two."""
    sizes = Sizes()
    decode = Decoding(sizes.fit, lambda: 0, 2, sizes.open)
    pictures = [str(PIXELS_EACH * part // 4) for part in (1, 3, 5, 7, 8, 2, 6, 4) * 25]
    with ThreadPoolExecutor(8) as pool:
        assert all(done is PIXELS for done in pool.map(decode, pictures))
    assert PIXELS_EACH < sizes.most <= 2 * PIXELS_EACH


def test_a_picture_of_more_than_all_is_decoded_alone() -> None:
    """It waits for the others, and the others for it."""
    budget, order = Budget(10), list[str]()
    small_is_in, large_asks = threading.Event(), threading.Event()

    def small() -> None:
        with budget.share() as claim:
            claim(4)
            small_is_in.set()
            assert large_asks.wait(LONG_S)
            order.append("small")

    def large() -> None:
        assert small_is_in.wait(LONG_S)
        with budget.share() as claim:
            large_asks.set()
            claim(1000)
            order.append("large")

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(small), pool.submit(large)]:
            done.result(LONG_S)
    assert order == ["small", "large"]
    with budget.share() as claim:
        claim(10)  # all of it is free again


def test_a_picture_that_fails_gives_its_share_back() -> None:
    """Refused before or after its claim."""

    def broken(source: Any, claim: Callable[[int], object]) -> Image.Image:
        claim(2 * PIXELS_EACH)
        raise ImageError(source, "damaged file")

    decode = Decoding(lambda picture: PIXELS, lambda: 0, 1, broken)
    for _ in range(3):
        with pytest.raises(ImageError):
            decode("p.png")


def test_an_opened_picture_costs_no_share() -> None:
    """Its pixels are its owner's."""
    image = Image.new("RGB", (2, 2))
    assert Decoding(lambda picture: np.asarray(picture), lambda: 0, 1)(image).shape == (2, 2, 3)


def test_a_real_picture_claims_its_pixels() -> None:
    """The opener that a pipeline takes by itself."""
    claimed: list[int] = []
    open_quickly(_png(30, 20), claimed.append)
    assert claimed == [600]


def _png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that imported the faster libraries, instead of importing them."""
    seen: list[str] = []
    monkeypatch.setattr(decoding, "load", lambda: seen.append(threading.current_thread().name))
    return seen


def decode(pictures: int, waiting: int, decode_s: float, run_s: float) -> None:
    """A run of one thread: each picture takes so long to decode, and the model so long after it."""
    now = 0.0

    def fit(picture: Any) -> np.ndarray:
        nonlocal now
        now += decode_s
        return sizes.fit(picture)

    sizes = Sizes()
    decoding = Decoding(fit, lambda: waiting, 1, sizes.open, lambda: now)
    for _ in range(pictures):
        decoding("1")
        now += run_s
    decoding.close()


@pytest.mark.parametrize(("done", "waiting"), [(PAYS_AFTER - 1, 1000), (1000, PAYS_AFTER // 4)])
def test_a_short_run_imports_nothing(done: int, waiting: int, loaded: list[str]) -> None:
    """Few pictures so far, or few to come: importing torch would take longer than it saves."""
    decode(done, waiting, decode_s=0.04, run_s=0.01)
    assert loaded == []


def test_a_long_run_imports_once_beside_the_work(loaded: list[str]) -> None:
    """In a thread of its own; `close` waits for it."""
    decode(3 * PAYS_AFTER, PAYS_AFTER, decode_s=0.04, run_s=0.01)
    assert loaded == ["tagger-import"]


def test_a_slow_model_imports_nothing(loaded: list[str]) -> None:
    """Where decoding is a thirtieth of the work, half a gigabyte would buy nothing."""
    decode(3 * PAYS_AFTER, PAYS_AFTER, decode_s=0.04, run_s=1.2)
    assert loaded == []


def test_the_first_caption_waits_for_no_import(own_home: Path) -> None:
    """`tagger tag` by the bundled model: neither torch nor OpenCV, though they may be installed."""
    pytest.importorskip("onnxruntime")
    picture = Path(__file__).parent.parent / "examples" / "winter.jpg"
    code = (
        "import sys; from tagger.cli import main\n"
        f"assert main(['tag', {str(picture)!r}, '--model', 'demo']) == 0\n"
        "assert not {'torch', 'torchvision', 'cv2', 'timm'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
