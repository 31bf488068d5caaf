"""Whether prompts of one template meet, and strangers do not."""

# ruff: noqa: RUF001 - prompts in several scripts

import random
from itertools import combinations

import pyarrow as pa
import pytest

from stillwatch.text import fingerprint

WORDS = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "tu") for b in ("ren", "sal", "vot", "pil") for c in ("a", "or", "ix")
]
CJK = [chr(0x4E00 + step) for step in range(400)]


def anchors(prompts: list[str]) -> list[set[int]]:
    lists = fingerprint(pa.RecordBatch.from_pydict({"prompt": prompts})).column("prompt_anchors").to_pylist()
    return [set(found or ()) for found in lists]


def fillings(words: int, seed: int, alphabet: list[str] = WORDS, join: str = " ") -> list[str]:
    rng = random.Random(seed)
    return [join.join(rng.choice(alphabet) for _ in range(words)) for _ in range(30)]


def met(prompts: list[str]) -> float:
    found = anchors(prompts)
    pairs = list(combinations(found, 2))
    return sum(bool(a & b) for a, b in pairs) / len(pairs)


@pytest.mark.parametrize(
    "template",
    [
        "Summarise the report below for a busy manager.\n{}",
        "{}\nList the three key risks in the text above.",
        "Read this passage with care.\n{}\nNow state its main claim in a single sentence.",
        "Task: {}\nAnswer:",
        "{} Explain every step of your thinking before the answer.",
        "Question: {}\nIf it cannot be known, say so.\nAnswer:",
    ],
)
@pytest.mark.parametrize("words", [12, 400])
def test_prompts_of_one_template_meet(template: str, words: int) -> None:
    assert met([template.format(filling) for filling in fillings(words, 1)]) == 1.0


def test_a_long_template_is_found_in_the_middle_of_fillings() -> None:
    middle = (
        "\nTake the text above and compare it, point by point, with the text below.\nGive a reason for every point, "
        "quote the words that you rely on, and say where the two texts leave a question open for the reader.\n"
    )
    heads, tails = fillings(30, 1), fillings(30, 2)
    assert met([head + middle + tail for head, tail in zip(heads, tails, strict=True)]) > 0.6


@pytest.mark.parametrize(
    "template", ["请逐步推理并回答下面的问题：{}", "{}。请给出详细的推理过程和答案", "题目：{}\n答案："]
)
def test_scripts_without_spaces_meet_too(template: str) -> None:
    assert met([template.format(filling) for filling in fillings(60, 3, CJK, "")]) == 1.0


def test_reordered_and_reworded_prompts_meet_where_sentences_are_kept() -> None:
    parts = [
        "You help to grade the essays of a summer school.",
        "Be strict about the argument and generous about the style.",
        "End with one grade between zero and twenty.",
    ]
    rng = random.Random(4)
    prompts = []
    for filling in fillings(25, 5):
        order = rng.sample(parts, 3)
        order[rng.randrange(3)] = " ".join(rng.choice(WORDS) for _ in range(9))  # one sentence reworded
        prompts.append(" ".join(order) + "\n" + filling)
    assert met(prompts) > 0.4


def test_strangers_do_not_meet() -> None:
    assert met([" ".join(rng) for rng in (random.Random(seed).sample(WORDS, 30) for seed in range(60))]) == 0.0


def test_a_shared_phrase_of_four_words_is_no_meeting() -> None:
    assert met([f"How do I make {word} {word} soup" for word in WORDS]) == 0.0


def test_people_s_own_prompts_seldom_meet(corpora: object) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(f"{corpora}/benign_prompts.parquet")
    people = table.filter(pa.compute.is_in(table["corpus"], pa.array(["arena-hard-v2", "self-instruct-user"])))  # type: ignore[attr-defined]
    found = anchors(people["prompt"].to_pylist())
    seen: dict[int, int] = {}
    for one in found:
        for anchor in one:
            seen[anchor] = seen.get(anchor, 0) + 1
    assert sum(any(seen[anchor] > 1 for anchor in one) for one in found) / len(found) < 0.15


def test_legitimate_batches_are_families(corpora: object) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(f"{corpora}/batch_prompts.parquet").to_pylist()
    by: dict[str, list[str]] = {}
    for row in table:
        by.setdefault(row["template"], []).append(row["prompt"])
    covered = []
    for prompts in by.values():
        count: dict[int, int] = {}
        for one in anchors(prompts):
            for anchor in one:
                count[anchor] = count.get(anchor, 0) + 1
        covered.append(max(count.values()) / len(prompts) >= 0.5)
    assert sum(covered) / len(covered) > 0.8
