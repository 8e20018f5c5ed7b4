"""ONNX Runtime: exact scores, and one sentence for every file that is not what it should be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")

from tagger.backends import sessions  # noqa: E402
from tagger.backends.devices import lanes  # noqa: E402
from tagger.backends.onnxrt import OnnxBackend, open_model  # noqa: E402
from tagger.backends.place import Place  # noqa: E402
from tagger.errors import BackendError, ModelError  # noqa: E402
from tagger.models.spec import Contract, Model  # noqa: E402
from tagger.preprocess import Preprocess  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

CPU = Place("onnxruntime", "cpu")
Write = Callable[..., Model]
Expected = Callable[[np.ndarray], np.ndarray]


def opened(model: Model, place: Place = CPU, **runtime: object) -> OnnxBackend:
    return open_model(model, model.contract, place, Runtime(**runtime))  # pyright: ignore


def test_scores_are_those_of_the_graph(
    write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """RGB bytes reach the graph as BGR floats from 0 to 255; its sigmoid is left alone."""
    backend = opened(write_graph())
    scores = backend.run(pictures)
    assert scores.dtype == np.float32
    assert scores.shape == (7, backend.outputs)
    np.testing.assert_allclose(scores, expected(pictures), atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_graph_of_fixed_batch_takes_any_number(
    write_graph: Write, pictures: np.ndarray, expected: Expected, size: int
) -> None:
    """Seven pictures go through a graph for 1, 2 or 4 in as many runs as it takes."""
    backend = opened(write_graph(batch=size))
    assert backend.best_batch == size
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), atol=1e-6)


def test_no_pictures_give_no_scores(write_graph: Write, pictures: np.ndarray) -> None:
    """An empty batch is not an error."""
    assert opened(write_graph()).run(pictures[:0]).shape == (0, 6)


def test_logits_become_probabilities(
    write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """The second output, named or counted, with a sigmoid that the contract asks for."""
    for output in ("logits", 1):
        model = write_graph(
            contract={
                "preprocess": Preprocess(size=(32, 32), channels="bgr"),
                "output": output,
                "activation": "sigmoid",
            }
        )
        np.testing.assert_allclose(opened(model).run(pictures), expected(pictures), atol=1e-6)


def test_a_graph_may_take_bytes(
    write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """A uint8 input is fed bytes, and the backend says that it takes them."""
    backend = opened(write_graph(kind="UINT8"))
    assert backend.takes_uint8
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), atol=1e-6)
    assert not opened(write_graph()).takes_uint8


def test_a_graph_of_half_precision_says_so(
    write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """float16 in, float32 out: 0 to 255 are whole numbers that float16 holds."""
    backend = opened(write_graph(kind="FLOAT16"))
    assert backend.dtype == "float16"
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), atol=1e-6)


def test_on_a_processor_there_is_a_stream_for_each_thread(write_graph: Write) -> None:
    """Each of one thread, batches of one picture, and the provider really in use."""
    backend = opened(write_graph(), threads=3)
    assert (backend.streams, backend.best_batch) == (3, 1)
    assert (backend.device, backend.dtype) == ("cpu", "float32")


@pytest.mark.parametrize(
    ("threads", "streams", "wanted"),
    [
        (6, 0, (6, 1)),
        (6, 1, (1, 6)),
        (6, 4, (4, 1)),
        (8, 3, (3, 2)),
        (4, 9, (4, 1)),
        (1, 1, (1, 1)),
    ],
)
def test_streams_share_the_threads(threads: int, streams: int, wanted: tuple[int, int]) -> None:
    """One picture gets all of them, many get one each; no thread is counted twice."""
    assert lanes(threads, streams) == wanted


def test_a_picture_alone_has_the_scores_it_has_among_many(
    write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """However many threads work at it."""
    backend = opened(write_graph(), threads=4, streams=1)
    assert backend.streams == 1
    np.testing.assert_allclose(backend.run(pictures[:1]), expected(pictures[:1]), atol=1e-6)


def test_a_closed_backend_says_so(write_graph: Write, pictures: np.ndarray) -> None:
    """Closing twice is fine; running afterwards is one sentence."""
    backend = opened(write_graph())
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="got a closed one"):
        backend.run(pictures)


def test_a_parked_session_is_given_up_and_opened_again(
    write_graph: Write, pictures: np.ndarray
) -> None:
    """ONNX Runtime can't move one; on a processor nothing is parked."""
    backend = opened(write_graph(batch=2))
    before, size = backend.run(pictures), backend.memory
    assert (backend.park(), backend.parked) == (0, False)
    backend.device = "cuda:0"  # a card that this machine need not have

    assert backend.park() == size > 0
    assert (backend.parked, backend.memory, backend.fixed) == (True, 0, None)
    with pytest.raises(BackendError, match="expected an open model"):
        backend.run(pictures)
    backend.wake()

    assert (backend.parked, backend.memory, backend.fixed) == (False, size, 2)
    np.testing.assert_array_equal(backend.run(pictures), before)
    backend.park()
    backend.close()
    backend.wake()
    with pytest.raises(BackendError, match="expected an open model"):
        backend.run(pictures)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", b"\x89PNG\r\n" * 50, b"version https://git-lfs.github.com/spec/v1"],
    ids=["empty", "html", "png", "lfs pointer"],
)
def test_a_foreign_file_is_named(folder: Path, as_model: Write, content: bytes) -> None:
    """What is no ONNX file is refused in a sentence with its path, whatever it is."""
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx: expected an? (whole )?ONNX"):
        opened(as_model(Contract()))


def test_a_truncated_file_is_named(folder: Path, write_graph: Write) -> None:
    """Half a download is no model."""
    model = write_graph()
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"model\.onnx: expected a whole ONNX file, got"):
        opened(model)


def test_an_absent_file_is_named(as_model: Write) -> None:
    """No file, one sentence."""
    with pytest.raises(ModelError, match=r"model\.onnx: expected an ONNX file, got No such file"):
        opened(as_model(Contract()))


def test_outputs_and_labels_must_agree(write_graph: Write, folder: Path) -> None:
    """A label file of another model is refused before any picture is scored."""
    csv = folder / "selected_tags.csv"
    csv.write_text(csv.read_text(encoding="utf-8") + "6,bow,0,1\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"model\.onnx: expected an output of \[N, 7\]"):
        opened(write_graph())


def test_the_input_must_be_that_of_the_contract(write_graph: Write) -> None:
    """A picture of another size, or channels first, is refused with both shapes."""
    with pytest.raises(ModelError, match=r"expected an input of \[N, 32, 32, 3\].*64, 64, 3"):
        opened(write_graph(size=64))
    nchw = Preprocess(size=(32, 32), layout="nchw")
    with pytest.raises(ModelError, match=r"expected an input of \[N, 3, 32, 32\]"):
        opened(write_graph(contract={"preprocess": nchw}))


@pytest.mark.parametrize("contract", [{"output": "tags"}, {"output": 2}, {"input": "pixels"}])
def test_tensors_must_have_the_names_given(write_graph: Write, contract: dict[str, str]) -> None:
    """A name or position that the graph lacks is answered with those it has."""
    what = next(iter(contract))
    found = "scores, logits" if what == "output" else "x"
    with pytest.raises(ModelError, match=rf"expected an {what} .*, got {found}: name one"):
        opened(write_graph(contract={"preprocess": Preprocess(size=(32, 32)), **contract}))


def test_logits_are_no_probabilities(write_graph: Write, pictures: np.ndarray) -> None:
    """A model that nobody described is tried at opening, a published one at its first batch.

    So is one with a tagger.json: its first picture should not have to wait for a trial.
    """
    with pytest.raises(ModelError, match="expected probabilities from 0 to 1"):
        opened(write_graph(end="Identity"))
    published = opened(write_graph(end="Identity", repo="somebody/tagger"))
    model = write_graph(end="Identity")
    model.path("tagger.json").write_text("{}", encoding="utf-8")
    for backend in (published, opened(model)):
        with pytest.raises(ModelError, match="expected probabilities from 0 to 1"):
            backend.run(pictures)


def move_weights(folder: Path, location: str) -> bytes:
    """Let `model.onnx` say that its weights are at `location`; return them."""
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(folder / "model.onnx")
    weights = graph.graph.initializer[0]
    raw = weights.raw_data
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    return raw


@pytest.mark.parametrize("place", ["../outside.bin", "sub/../../outside.bin", "FOLDER/inside.bin"])
def test_weights_outside_the_folder_are_refused(
    folder: Path, write_graph: Write, place: str
) -> None:
    """A graph that names `../outside.bin` or an absolute path for its weights is not trusted."""
    model = write_graph()
    place = place.replace("FOLDER", str(folder))
    raw = move_weights(folder, place)
    (folder / "sub").mkdir()
    for path in (folder / "inside.bin", folder.parent / "outside.bin"):
        path.write_bytes(raw)
    with pytest.raises(ModelError, match="expected a path inside the folder, got") as caught:
        opened(model)
    assert place in str(caught.value)


def test_weights_beside_the_graph_are_read(
    folder: Path, write_graph: Write, pictures: np.ndarray, expected: Expected
) -> None:
    """Where they are missing, a sentence names them."""
    model = write_graph()
    raw = move_weights(folder, "model.onnx.data")
    with pytest.raises(ModelError, match=r"its weights model\.onnx\.data beside it, got none"):
        opened(model)
    (folder / "model.onnx.data").write_bytes(raw)
    np.testing.assert_allclose(opened(model).run(pictures), expected(pictures), atol=1e-6)


def test_a_hugging_face_cache_links_to_its_blobs(folder: Path, write_graph: Write) -> None:
    """Its snapshots are folders of links; another link may lead anywhere and is refused."""
    model = write_graph()
    raw = move_weights(folder, "model.onnx.data")
    snapshot, blobs = folder / "hub" / "snapshots" / "1", folder / "hub" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "weights").write_bytes(raw)
    for name in ("model.onnx", "selected_tags.csv"):
        (folder / name).rename(blobs / name)
        (snapshot / name).symlink_to(blobs / name)
    data = snapshot / "model.onnx.data"
    data.symlink_to(blobs / "weights")
    opened(replace(model, folder=snapshot))
    data.unlink()
    (folder / "elsewhere").write_bytes(raw)
    data.symlink_to(folder / "elsewhere")
    with pytest.raises(ModelError, match="got a link to"):
        opened(replace(model, folder=snapshot))


def test_a_provider_that_is_not_there_is_not_passed_over(write_graph: Write) -> None:
    """What ONNX Runtime really uses is read back: asked for CUDA, it must not be the processor."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime is built for CUDA")
    with pytest.raises(BackendError, match="expected ONNX Runtime on cuda, got CPUExecution"):
        opened(write_graph(), Place("onnxruntime", "cuda"))


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer", "Memory", "x"),
        ("CUDA error 2: out of memory", "DeviceMemoryError", "expected memory"),
        ("Unsupported model IR version: 13, max supported IR version: 9", "ModelError", "newer"),
        ("INVALID_GRAPH : This is an invalid model. Node Foo", "ModelError", "valid ONNX graph"),
        ("cuDNN failure 3\n at line 7", "BackendError", "to run it, got: cuDNN failure 3 at"),
    ],
)
def test_each_refusal_has_its_class(text: str, kind: str, sentence: str) -> None:
    """ONNX Runtime has one class for all; a person needs to know whose fault it is."""
    told = sessions.failure(Path("m.onnx"), RuntimeError(text), "run it")
    assert kind in type(told).__name__
    assert sentence in str(told)
    assert "\n" not in str(told)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_what_opening_leaves_free_is_given_back(
    write_graph: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what a process holds after loading a large graph is a copy that nobody needs."""
    asked: list[int] = []
    library = SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr(sessions.ctypes, "CDLL", lambda name: library)
    opened(write_graph())
    assert asked == [0]
    monkeypatch.setattr(sessions.ctypes, "CDLL", lambda name: SimpleNamespace())
    opened(write_graph())  # a C library without it is no error
