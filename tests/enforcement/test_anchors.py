import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.enforcement.anchors import anchors_of
from stillwatch.text import fingerprint


@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from("Question: one two three four five\nAnswer 中 文 .".split(" "))).map(" ".join),
    )
)
def test_the_same_as_of_a_batch(prompt: str) -> None:
    (row,) = fingerprint(pa.record_batch({"prompt": [prompt.encode("utf-8", "replace").decode()]})).to_pylist()
    assert anchors_of(prompt) == tuple(anchor % 2**64 for anchor in row["prompt_anchors"] or [])


def test_half_a_character_does_no_harm() -> None:
    assert isinstance(anchors_of("\ud800 one two three four five six"), tuple)
    assert anchors_of("") == ()


@pytest.mark.parametrize("size", [1_000_000])
def test_a_long_prompt(size: int) -> None:
    assert len(anchors_of("word and other " * (size // 15))) >= 4
