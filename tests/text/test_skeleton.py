# ruff: noqa: RUF001 - prompts in several scripts

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.text.skeleton import LIMIT, SLOT, skeleton

FILLINGS = [
    "why do cats purr at night",
    "the price of copper in Chile",
    "a red bicycle with no brakes",
    "how tides form",
]


def test_fixed_words_stay_and_fillings_become_slots() -> None:
    template = "You are a careful tutor.\nQuestion: {}\nExplain your answer, then stop."
    expected = f"You are a careful tutor. Question: {SLOT} Explain your answer, then stop."
    assert skeleton([template.format(filling) for filling in FILLINGS]) == expected


def test_slots_at_either_end() -> None:
    assert (
        skeleton([f"{filling}. Translate this into French" for filling in FILLINGS])
        == f"{SLOT} . Translate this into French"
    )
    assert skeleton([f"Summarise the text: {filling}" for filling in FILLINGS]) == f"Summarise the text: {SLOT}"


def test_one_other_wording_does_not_hide_the_fixed_words() -> None:
    prompts = [f"Summarise the text: {filling} please" for filling in [*FILLINGS, "one", "two", "three", "four"]]
    assert skeleton([*prompts, "An entirely different prompt of nine words or so here"]).startswith(
        "Summarise the text:"
    )


def test_scripts_without_spaces() -> None:
    assert skeleton([f"请逐步回答：{filling}？谢谢你" for filling in ("苹果是什么", "三角形有几边", "北京在哪里")]) == (
        f"请逐步回答： {SLOT} ？谢谢你"
    )


def test_nothing_in_common_and_too_few() -> None:
    assert skeleton(FILLINGS) == skeleton(["only one prompt"]) == skeleton([]) == skeleton(["same", "same"]) == ""


@given(st.lists(st.text(max_size=60), max_size=5))
def test_bounded_and_the_same_in_any_order(prompts: list[str]) -> None:
    told = skeleton(prompts)
    assert len(told) <= LIMIT and told == skeleton(prompts[::-1])
    assert not any(character in told for character in "\n\x1b\x00")


def test_long_prompts_are_read_from_both_ends() -> None:
    prompts = [f"Read this with care. {(filling + ' ') * 400} Now say what it means." for filling in FILLINGS]
    assert skeleton(prompts) == f"Read this with care. {SLOT} Now say what it means."
