"""The canary: what it may touch, that nothing else changes, and that the test is exact."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scipy.stats import binom, binomtest

from stillwatch.errors import InputError
from stillwatch.text.canary import Canary, Lists, make, read, rendered, renderer, sites, trace

CANARY = Canary(b"k" * 16)
LINES = (
    "", "", "Here are the main reasons for it:", "**The three steps are these:**", "Plain text.", "- one", "* two",
    "  - nested", "    * deeper", "1. Do the following four things:", "   - under a number", "   * there too", "+ plus",
    "- ", "*", "- - -", "***", "---", "  lazy: text", "      - code", "    code", "```", "````", "  ```\n  - x\n  ```",
    "- ```\n  - x\n  ```", "# A heading", "> quoted", "> - there", "<div>", "\t- tab", "-\ttab", "*emphasis* here",
    "a - b", "- **b**", "-", "  -", "- [ ] task",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)


def _html(text: str) -> str:
    return MarkdownIt("commonmark").render(text)


def _other(text: str) -> str:
    """Every list that may be exchanged, exchanged."""
    lists = Lists(lambda context, mark: True)
    return lists.feed(text) + lists.end()


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("Here are the main reasons for it:\n- one\n-\n- three")
@example("Here are the main reasons for it:\n- one\nlazy:\n- two\n\n* three")
@example("Here are the main reasons for it:\n  - one\n  ```\n  - x\n  ```\n\t- code")
@example("Here are the main reasons for it:\n   - one\n    * goes on\n-\n- three")
@example("Here are the main reasons for it:\n- one\n- - -\n*\n\n* two")
@example("Here are the main reasons for it:\n- one\n+ heading\n  -")
def test_what_is_rendered_is_the_same(text: str) -> None:
    # markdown-it takes the second line for code, which cannot interrupt a paragraph (CommonMark 0.31, section 4.4)
    assume("      - code\n\t- tab" not in text)
    assert _html(_other(text)) == _html(text)
    assert len(_other(text)) == len(text)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 9), max_size=60), st.sampled_from(["alice", "bob"]))
def test_how_it_is_cut_does_not_matter(text: str, cuts: list[int], account: str) -> None:
    lists, out, at = renderer(CANARY, account), [], 0
    for cut in cuts:
        out.append(lists.feed(text[at : at + cut]))
        at += cut
    out.append(lists.feed(text[at:]))
    assert "".join(out) + lists.end() == rendered(text, CANARY, account)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(["alice", "bob"]))
def test_what_was_given_a_mark_has_it(text: str, account: str) -> None:
    marked = rendered(text, CANARY, account)
    assert sites([text]).keys() <= sites([marked]).keys()
    assert all(CANARY.mark(account, context) == mark for context, mark in sites([marked]).items())
    assert rendered(marked, CANARY, account) == marked


@pytest.mark.parametrize(
    "text",
    [
        "Here is what the file says:\n\n```yaml\nThese are the four values:\n- a\n- b\n```\n",
        "---\ntitle: x\n---\nHere are the main reasons for it:\n- a",
        '{"note": "Here are the main reasons for it:\n- a"}',
        "items:\n- a\n- b",
        "This is the YAML that you asked for:\n- a\n- b",
        "Here is the diff of both versions:\n\n- old line\n+ new line",
        "The four terms of this equation are:\n\n$$\n- x\n- y\n$$",
        "<pre>\nHere are the main reasons for it:\n- a\n</pre>",
        "Here are the main reasons for it:\n\n    - code\n    - code",
        "x = my_function(first, second, third, fourth):\n- a",
        "Nothing that introduces a list.\n- a\n- b",
        "````md\n```\nHere are the main reasons for it:\n- a\n````",
        "Here are the main reasons for it:\n+ a\n+ b",
    ],
)
def test_what_may_be_data_or_code_is_left_alone(text: str) -> None:
    assert _other(text) == text
    assert sites([text]) == {}


def test_a_very_long_line_is_passed_on_whole() -> None:
    text = "Here are the main reasons for it:\n- " + "word " * 5000 + "\n" + " " * 300 + "- b\n- c"
    assert _other(text) == text.replace("\n- ", "\n* ")


def _answers(account: str, count: int, start: int = 0) -> list[str]:
    draw = np.random.default_rng(7)
    marks = draw.integers(0, 2, count + start)
    texts = [
        f"About question {n}.\n\nThe points that matter for question {n} are:\n\n{m} first\n{m} second\n"
        for n, m in enumerate("-*"[each] for each in marks)
    ][start:]
    return [rendered(text, CANARY, account) for text in texts] if account else texts


def test_an_accounts_texts_are_traced_to_it_and_to_no_other() -> None:
    people = [f"account-{n}" for n in range(50)]
    found, together = trace(_answers("account-7", 60), CANARY, people)
    assert found[0].account == "account-7"
    assert found[0].score == (60, 60, 0.5, pytest.approx(60**0.5), pytest.approx(2.0**-60))
    assert found[1].score.p_value * 50 > 0.01
    assert together.scored == 50 * 60
    none, _ = trace(_answers("", 60), CANARY, people)
    assert none[0].score.p_value * 50 > 0.01


def test_a_pool_of_accounts_is_found_together_where_none_is_alone() -> None:
    people = [f"account-{n}" for n in range(20)]
    texts = [text for n, name in enumerate(people) for text in _answers(name, 20, 20 * n)]
    found, together = trace(texts, CANARY, people)
    assert found[0].score.p_value > 1e-4
    assert together.p_value < 1e-5


def test_over_keys_the_test_errs_as_often_as_it_says() -> None:
    texts, runs = [*_answers("", 30), *_answers("", 30)], 1500
    for people in (["a"], ["a", "b", "c"]):
        scores = [trace(texts, Canary(n.to_bytes(16, "big")), people)[1] for n in range(runs)]
        count = 30 * len(people)
        assert {each.scored for each in scores} == {count}
        for level in (0.5, 0.1, 0.02):
            attained = binom.sf(binom.isf(level, count, 0.5), count, 0.5)
            assert binomtest(sum(each.p_value <= level for each in scores), runs, attained).pvalue > 1e-4


def test_an_introduction_with_both_marks_says_nothing() -> None:
    text = "Here are the main reasons for it:\n{} a"
    assert sites([text.format("-"), text.format("-")]) == {"here are the main reasons for it": "-"}
    assert sites([text.format("-"), text.format("*")]) == {}


def test_a_key_file(tmp_path: Path) -> None:
    made = make(tmp_path / "canary.json")
    assert read(tmp_path / "canary.json") == made
    (tmp_path / "mark.json").write_text('{"key": "a2trtra2tra2tra2tra2tra2tra2tra2tra2tra2tra=", "gamma": 0.5}')
    with pytest.raises(InputError):
        read(tmp_path / "mark.json")
