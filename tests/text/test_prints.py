# ruff: noqa: RUF001 - prompts in several scripts

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import UsageError
from stillwatch.schema.prints import PRINTS
from stillwatch.text import fingerprint
from stillwatch.text.hashing import siphash
from tests.text import reference

KEY = 0x0123456789ABCDEF_FEDCBA9876543210

#: Pieces that exercise every rule of the tokeniser and of the cues, and any text at all.
PIECES = st.sampled_from(
    [
        *"a Z z é É ß İ ж Ж й ё ά ñ ї ա ا ش ह ไ ท 是 的 。 の ル 한 국 々 ﬁ ａ Ｂ ５ 𠀀 😀 👩‍💻 ２ ３ ٣ ½".split(),
        *"\u00ad \u200b \u200d \ufeff \u0301 \t \n : ： , . - ' [ ] ` @ { \x00 \x7f \u2028".split(" "),
        *"\r\n|\n\n|Question:|\nAnswer:|3.14|2026-11-21|12|gpt4o|naïve|co-operate|internationalisation".split("|"),
        *"Write a poem.|Why? I ask.|(Sort it)|it is Ann|think step by step|score 4 out of 5|请逐步思考".split("|"),
        *"chain of thought|write a Python function|JSON only".split("|"),
        *"abcdefg|abcdefgh|abcdefghi|abcdefghabcdefgh|the|same|language|in|of|reasoning|behind|answer".split("|"),
    ]
)
TEXTS = st.one_of(
    st.lists(st.tuples(PIECES, st.sampled_from(["", " ", " ", "\n"])).map("".join), max_size=60).map("".join),
    st.text(max_size=80),
)
ROWS = st.lists(st.tuples(*[st.none() | TEXTS] * 3), max_size=6)


def batch(rows: list[tuple[str | None, ...]], kind: Any = None) -> pa.RecordBatch:
    kind = kind or pa.string()
    columns = [pa.array([row[place] for row in rows], pa.string()).cast(kind) for place in range(3)]
    return pa.RecordBatch.from_arrays(columns, ["system_prompt", "prompt", "response"])


def same(result: pa.RecordBatch, rows: list[tuple[str | None, ...]], key: int = 0) -> bool:
    """Whether ``result`` is what the reference gives for ``rows``."""
    return result.to_pylist() == [reference.fingerprint(*row, key=key) for row in rows]


@given(ROWS, st.sampled_from([0, 1, KEY]))
def test_kernels_give_what_the_reference_gives(rows: list[tuple[str | None, ...]], key: int) -> None:
    result = fingerprint(batch(rows), key)
    assert result.schema == PRINTS
    result.validate(full=True)
    assert same(result, rows, key)


def test_long_texts_too() -> None:
    words = [f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(9_000)]
    rows = [(" ".join(words), " ".join(words[:3000] * 2), " ".join(words)), ("是" * 5_000, "是的" * 900, None)]
    assert same(fingerprint(batch(rows)), rows)


@given(ROWS, st.integers(0, 6), st.integers(0, 6))
def test_a_slice_has_the_prints_of_its_rows(rows: list[tuple[str | None, ...]], start: int, length: int) -> None:
    assert same(fingerprint(batch(rows).slice(start, length)), rows[start : start + length])


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()])
def test_every_arrow_type_of_text_is_read(kind: Any) -> None:
    rows = [("You are terse.", "Why is the sky blue today?", "Rayleigh."), (None, None, None), ("", "", "")]
    assert fingerprint(batch(rows, kind)) == fingerprint(batch(rows))
    assert fingerprint(batch(rows, kind).slice(1)) == fingerprint(batch(rows).slice(1))


def test_an_absent_column_is_null_and_others_are_ignored() -> None:
    result = fingerprint(pa.RecordBatch.from_pydict({"n": [1, 2], "prompt": ["Hello there", None]}))
    assert result.column("system_hash").null_count == result.column("response_words").null_count == 2
    assert result.column("prompt_words").to_pylist() == [2, None]
    assert fingerprint(pa.RecordBatch.from_pydict({"prompt": pa.nulls(2)})).column("prompt_words").null_count == 2


def test_text_without_a_word_has_no_hash_to_meet_by() -> None:
    row = fingerprint(batch([("?!", "…", "-")])).to_pylist()[0]
    assert row["prompt_hash"] is row["prompt_anchors"] is row["prompt_sketch"] is row["system_hash"] is None
    assert (row["prompt_words"], row["prompt_cues"], row["response_words"]) == (0, 0, 0)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_bytes_that_are_not_utf8_do_no_harm(texts: list[bytes]) -> None:
    binary = pa.array(texts, pa.binary())
    column = pa.StringArray.from_buffers(len(binary), *binary.buffers()[1:])
    result = fingerprint(pa.RecordBatch.from_arrays([column], ["prompt"]))
    assert all(0 <= words <= len(text) for words, text in zip(result["prompt_words"].to_pylist(), texts, strict=True))


@pytest.mark.parametrize(
    "alike",
    [
        [
            "Solve problem 17, please.",
            "solve   PROBLEM 4 — please",
            "Solve problem 3.14: please!",
            "Solve\nproblem 2 please",
        ],
        ["Écris un résumé", "ecris un resume", "E\u0301cris un re\u0301sume\u0301", "Ｅcris un résu\u00admé"],
        ["Пошагово РЕШИ", "пошагово реши"],
    ],
)
def test_case_accents_digits_space_and_punctuation_are_folded(alike: list[str]) -> None:
    hashes = fingerprint(pa.RecordBatch.from_pydict({"prompt": alike})).column("prompt_hash").to_pylist()
    assert len(set(hashes)) == 1


def test_prompts_that_differ_in_a_word_differ() -> None:
    prompts = ["a b c", "a b d", "b a c", "ab c", "a b", "a b c c", "a 1 c", "a 一 c", "abcdefgh", "abcdefghi"]
    assert len(set(fingerprint(pa.RecordBatch.from_pydict({"prompt": prompts}))["prompt_hash"].to_pylist())) == 10


def test_keys_hide_text_and_leave_cues_alone() -> None:
    rows = [("Be terse and kind to all who ask you.", "Think step by step: what is the height of the tower?", "x y")]
    plain, keyed, other = (fingerprint(batch(rows), key).to_pylist()[0] for key in (0, KEY, KEY + 1))
    for name in ("prompt_hash", "system_hash", "prompt_sketch"):
        assert len({plain[name], keyed[name], other[name]}) == 3
    for name in ("prompt_anchors", "system_anchors"):
        assert not set(plain[name]) & set(keyed[name]) and len(plain[name]) == len(keyed[name])
    for name in ("prompt_words", "prompt_cues", "prompt_form", "response_words"):
        assert plain[name] == keyed[name] == other[name]


@pytest.mark.parametrize("key", [-1, 1 << 128])
def test_a_key_out_of_range_is_refused(key: int) -> None:
    with pytest.raises(UsageError, match="key"):
        fingerprint(batch([]), key)


def test_siphash_meets_its_authors_vector() -> None:
    k0, k1, message = (np.uint64(int.from_bytes(bytes(range(at, at + 8)), "little")) for at in (0, 8, 0))
    assert int(siphash(message, k0, k1)) == 0x93F5F5799A932462


def test_another_process_gives_the_same_prints() -> None:
    script = (
        "import pyarrow as pa; from stillwatch.text import fingerprint;"
        "print(fingerprint(pa.RecordBatch.from_pydict({'prompt': ['Why is the sky blue at noon?']})).to_pylist())"
    )
    told = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env={"PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    ]
    assert told[0].stdout == told[1].stdout != b""


def test_sketches_are_nearer_within_a_topic() -> None:
    prompts = [
        "How do I sort a list of numbers in Python without using the built-in function?",
        "Write a Python function that sorts a list of numbers in descending order",
        "Which spices go well with roast lamb and potatoes for a winter dinner?",
        "Suggest a winter dinner with lamb, potatoes and warm spices",
    ]
    sketches = fingerprint(pa.RecordBatch.from_pydict({"prompt": prompts})).column("prompt_sketch").to_pylist()
    vectors = np.array([np.frombuffer(sketch, np.int8) for sketch in sketches], float)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 127, atol=3)
    cosine = vectors @ vectors.T / 127**2
    assert min(cosine[0, 1], cosine[2, 3]) > 0.3 > max(cosine[0, 2], cosine[0, 3], cosine[1, 2], cosine[1, 3])
