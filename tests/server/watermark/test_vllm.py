"""The batch of a vLLM engine, driven by updates of its form; with vLLM's own interface where that is installed."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stillwatch.errors import StillwatchError, UsageError
from stillwatch.server.watermark import vllm
from stillwatch.text.watermark import FILE, Watermark, make
from tests.server.watermark.tensor import tensor

MARK = Watermark(b"k" * 16, 0.5, 1, 1.0, 100.0)


class Move(Enum):
    UNIDIRECTIONAL = 1
    SWAP = 2


def _asks(**more: Any) -> Any:
    return SimpleNamespace(extra_args={"stillwatch_watermark": 1}, **more)


def _change(removed: Sequence[Any] = (), added: Sequence[Any] = (), moved: Sequence[Any] = ()) -> Any:
    return SimpleNamespace(removed=removed, added=added, moved=moved)


def _marked(batch: vllm.Batch, rows: int, contexts: dict[int, int]) -> None:
    """Exactly the rows of ``contexts`` gain, each by its context's green tokens."""
    got = np.asarray(batch.apply(tensor(np.zeros((rows, 50)))))
    expected = np.zeros((rows, 50), np.float32)
    for row, token in contexts.items():
        expected[row] = MARK.green([token], np.arange(50))
    assert np.array_equal(got, expected)


def test_requests_are_followed_through_the_batch() -> None:
    batch = vllm.Batch(MARK)
    first: list[int] = []
    second = [5]
    batch.update(
        _change(added=[(0, _asks(), [1], first), (1, _asks(), None, second), (2, SimpleNamespace(), [1], [9])])
    )
    _marked(batch, 3, {1: 5})
    first.append(8)  # as vLLM does, in its own list
    second.append(6)
    batch.update(None)
    _marked(batch, 3, {0: 8, 1: 6})
    batch.update(_change(moved=[(0, 1, Move.SWAP)]))
    _marked(batch, 3, {0: 6, 1: 8})
    batch.update(_change(removed=[0], moved=[(2, 0, Move.UNIDIRECTIONAL)]))
    _marked(batch, 2, {1: 8})
    batch.update(_change(moved=[(1, 0, Move.UNIDIRECTIONAL)]))
    _marked(batch, 1, {0: 8})
    batch.update(_change(added=[(0, SimpleNamespace(extra_args=None), [1], [3])]))  # replaces
    _marked(batch, 1, {})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (_asks(), True),
        (_asks(structured_outputs=None), True),
        (_asks(structured_outputs={"json": {}}), False),
        (_asks(guided_decoding={"regex": "a"}), False),
        (SimpleNamespace(extra_args={"stillwatch_watermark": 0}), False),
        (SimpleNamespace(extra_args={}), False),
    ],
)
def test_who_is_marked(parameters: Any, expected: bool) -> None:
    assert vllm.wanted(parameters) is expected


def test_without_vllm_it_says_so() -> None:
    try:
        import vllm as installed  # noqa: F401
    except ImportError:
        with pytest.raises(StillwatchError, match="vLLM is not installed"):
            _ = vllm.Processor
    with pytest.raises(AttributeError):
        _ = vllm.Nothing


def test_vllm_takes_it_for_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interface = pytest.importorskip("vllm.v1.sample.logits_processor", reason="vLLM is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    (loaded,) = interface._load_logitsprocs_by_fqcns(["stillwatch.server.watermark.vllm:Processor"])
    assert issubclass(loaded, interface.LogitsProcessor)
    monkeypatch.delenv(FILE, raising=False)
    with pytest.raises(UsageError):
        loaded(None, torch.device("cpu"), False)
    mark = make(tmp_path / "mark.json", width=1, margin=50.0)
    monkeypatch.setenv(FILE, str(tmp_path / "mark.json"))
    processor = loaded(None, torch.device("cpu"), False)
    loaded.validate_params(_asks())
    with pytest.raises(ValueError, match="0 or 1"):
        loaded.validate_params(SimpleNamespace(extra_args={"stillwatch_watermark": "yes"}))
    from vllm import SamplingParams

    output: list[int] = []
    asks = SamplingParams(extra_args={"stillwatch_watermark": 1})
    update = interface.BatchUpdate(2, [], [(0, asks, [1], output), (1, SamplingParams(), [1], [4])], [])
    processor.update_state(update)
    output.append(4)
    processor.update_state(None)
    got = processor.apply(torch.zeros(2, 60))
    assert (got[0] > 0).tolist() == mark.green([4], np.arange(60)).tolist()
    assert not got[1].any()
    assert not processor.is_argmax_invariant()
