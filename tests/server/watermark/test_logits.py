"""Leaning to green, beside the same thing said slowly; on torch's tensors where torch is installed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.server.watermark.logits import Processor, lean
from stillwatch.text.watermark import Watermark, score
from tests.server.watermark.tensor import tensor

MARK = Watermark(b"k" * 16, 0.25, 2, delta=2.0, margin=1.5)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 40), st.floats(0, 4), st.floats(0, 4))
def test_only_green_tokens_near_the_best_gain(seed: int, rows: int, size: int, delta: float, margin: float) -> None:
    draw = np.random.default_rng(seed)
    mark = Watermark(draw.bytes(16), 0.5, 1, delta, margin)
    logits = draw.normal(0, 2, (rows, size)).astype(np.float32)
    contexts = draw.integers(0, 100, rows).tolist()
    seeds = [None if draw.random() < 0.3 else mark.seed([token]) for token in contexts]
    expected = logits.copy()
    for row, (context, drawn) in enumerate(zip(contexts, seeds, strict=True)):
        green = mark.green([context], np.arange(size))
        for token in range(size):
            if drawn is not None and green[token] and logits[row, token] >= logits[row].max() - np.float32(margin):
                expected[row, token] += np.float32(delta)
    assert np.array_equal(lean(tensor(logits), seeds, mark), expected)


def test_a_token_that_the_model_is_sure_of_stays_the_likeliest() -> None:
    logits = tensor(np.zeros((1, 1000)))
    logits[0, 7] = 5.0
    for context in range(200):
        leaned = lean(logits.clone(), [MARK.seed([context, 1])], MARK)
        assert leaned.argmax() == 7
        assert np.delete(np.asarray(leaned)[0], 7).max() == 0.0


def test_what_a_processor_writes_is_found(size: int = 500) -> None:
    """A model whose logits are noise: sampled with the processor, and without."""
    draw = np.random.default_rng(3)
    processor = Processor(MARK)
    marked, plain = [[1, 2]], [[1, 2]]
    for _ in range(300):
        for texts, process in ((marked, processor), (plain, lambda _, scores: scores)):
            scores = process(tensor(texts, np.int64), tensor(draw.normal(0, 1, (1, size))))
            weights = np.exp(np.asarray(scores, np.float64)[0])
            texts[0].append(int(draw.choice(size, p=weights / weights.sum())))
    assert score(marked, MARK).p_value < 1e-3
    assert score(plain, MARK).p_value > 1e-3


def test_a_prompt_shorter_than_the_context_is_left_alone() -> None:
    scores = tensor(np.zeros((1, 20)))
    assert not np.any(Processor(MARK)(tensor([[3]], np.int64), scores))


def test_transformers_takes_it_and_the_text_is_found() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=400, n_positions=512, n_embd=32, n_layer=1, n_head=2)
    model = transformers.GPT2LMHeadModel(config).eval()
    start = torch.randint(0, 400, (8, 4))
    more = {"do_sample": True, "max_new_tokens": 120, "pad_token_id": 0}
    marked = model.generate(start, logits_processor=[Processor(MARK)], **more)[:, 4:].tolist()
    plain = model.generate(start, **more)[:, 4:].tolist()
    assert score(marked, MARK).p_value < 1e-6
    assert score(plain, MARK).p_value > 1e-4
