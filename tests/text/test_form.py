import pyarrow as pa
import pytest

from stillwatch.text import fingerprint
from stillwatch.text.form import BRIEF, CAPITAL, GENERIC, IMPERATIVE, IMPERSONAL, SINGLE, STATED

EVERY = IMPERATIVE | IMPERSONAL | CAPITAL | STATED | BRIEF | SINGLE | GENERIC


def form(prompt: str) -> int:
    return int(fingerprint(pa.RecordBatch.from_pydict({"prompt": [prompt]}))["prompt_form"][0].as_py())


def test_a_bare_task_has_every_bit() -> None:
    assert form("Write a short poem about the sea.") == EVERY
    assert (
        form("\n  Summarize the given paragraph in one sentence:\n\nI went home. Did you?") == EVERY
    )  # the first line


@pytest.mark.parametrize(
    ("prompt", "missing"),
    [
        ("Please write a short poem about it.", IMPERATIVE),
        ("Write us a short poem about it.", IMPERSONAL),
        ("Write what i'd say about it all.", IMPERSONAL),
        ("write a short poem about the sea.", CAPITAL),
        ("Write a short poem about what?", STATED),
        ("Write a poem.", BRIEF),
        ("Write a poem " + "on and " * 20 + "on.", BRIEF),
        ("Write a poem (a short poem). make it rhyme. keep it dark.", SINGLE),
        ("Write a short poem about Paris.", GENERIC),
    ],
)
def test_each_bit_is_lost_alone(prompt: str, missing: int) -> None:
    assert form(prompt) == EVERY & ~missing


def test_null_is_null_and_blank_is_nothing() -> None:
    found = fingerprint(pa.RecordBatch.from_pydict({"prompt": [None, "", " \n\t "]}))["prompt_form"].to_pylist()
    assert found == [None, 0, 0]
