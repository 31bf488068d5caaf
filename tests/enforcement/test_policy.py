import pytest

from stillwatch.enforcement import load, read
from stillwatch.enforcement.check import failures
from stillwatch.enforcement.interface import Measure
from stillwatch.enforcement.policy import span
from stillwatch.errors import InputError
from tests.enforcement.made import HEAD, policy


def test_the_shipped_policy_observes_and_passes_its_tests() -> None:
    assert load().cap == Measure.OBSERVE
    assert {test.mode for test in load().file.test} == {None, "observe", "enforce"}
    assert failures(load()) == []
    assert failures(load().in_mode("enforce")) == []


def test_a_test_is_of_the_mode_that_it_names() -> None:
    state = "q_value = 0.005\nscore = 0.6\n"
    text = "".join(
        f'[[test]]\nname = "{m}"\nmode = "{m}"\nexpect = "withhold"\n{state}' for m in ("observe", "enforce")
    )
    made = policy(text)
    for mode in (made, made.in_mode("observe")):
        assert [(failed.name, failed.got) for failed in failures(mode)] == [("observe", "observe")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[nonsense]\n", "nonsense"),
        ('[[rung]]\nmeasure = "hang"\nq_value = 0.1\nscore = 0.1\nlasts = "1d"\n', "measure|hang"),
        ('[[rung]]\nmeasure = "pace"\nq_value = 0.1\nscore = 0.1\nlasts = "0d"\n', "no time"),
        ('[[rung]]\nmeasure = "pace"\nq_value = 2\nscore = 0.1\nlasts = "1d"\n', "q_value"),
        ('[[rung]]\nmeasure = "pace"\nq_value = 0.1\nscore = 0.1\n', "lasts"),
        ('[[rung]]\nmeasure = "pace"\nq_value = 0.1\nscore = 0.1\nlasts = "1d"\n'
         '[[rung]]\nmeasure = "block"\nq_value = 0.2\nscore = 0.1\nlasts = "1d"\n', "asks for less"),
        ("[approval]\nblock = 1\n", "block"),
        ("[budget]\naccounts_a_day = -1\n", "accounts_a_day"),
        ('[failure]\ndefault = "ajar"\n', "ajar|default"),
        ("[policy]\n", "policy"),
        ('[[test]]\nname = "x"\nexpect = "allow"\n[[test]]\nname = "x"\nexpect = "allow"\n', "twice"),
    ],
)  # fmt: skip
def test_a_policy_that_does_not_hold_together_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        policy(text, rungs="")


def test_a_step_up_needs_somewhere_to_verify() -> None:
    head = HEAD.replace("[step_up]\n", "").replace('url = "https://verify.example/x"\n', "")
    with pytest.raises(InputError, match="nowhere to verify"):
        policy(head=head)


@pytest.mark.parametrize("text", [b"\xff", b"a = ", b""])
def test_what_is_no_policy_is_an_error(text: bytes) -> None:
    with pytest.raises(InputError):
        read(text, "x")


def test_spans() -> None:
    assert [span(text) for text in ("1s", "2m", "3h", "4d")] == [10**6, 120 * 10**6, 10_800 * 10**6, 345_600 * 10**6]


STORIES = [
    ("observe", 'q_value = 0.5\nscore = 0.9', ""),
    ("withhold", "q_value = 0.005\nscore = 0.6", ""),
    ("pace", 'q_value = 0.005\nscore = 0.85\nage = "1d"', ""),
    ("step_up", 'q_value = 0.0\nscore = 1.0\nage = "9d"\napprovals = 1', ""),
    ("block", 'q_value = 0.0\nscore = 1.0\nage = "9d"\napprovals = 2', ""),
    ("observe", 'q_value = 0.0\nscore = 1.0\nage = "9d"\napprovals = 2\nreleased = false', ""),
    ("observe", 'q_value = 0.0\nscore = 1.0\nage = "9d"\nforum = true\napprovals = 2', ""),
    ("withhold", 'q_value = 0.0\nscore = 1.0\nforum = true\nconfirmed = true', ""),
    ("allow", 'q_value = 0.0\nscore = 1.0\nage = "9d"\napprovals = 2\nprogramme = true', ""),
    ("observe", 'q_value = 0.0\nscore = 1.0\nage = "40d"\naffirmed = "31d"\napprovals = 2', ""),
    ("block", 'stale = true', '[failure]\ndefault = "closed"\n'),
    ("observe", "stale = true", ""),
]  # fmt: skip


@pytest.mark.parametrize(("expect", "state", "more"), STORIES)
def test_a_policys_own_tests_pass_and_fail(expect: str, state: str, more: str) -> None:
    for told in Measure:
        made = policy(f'{more}[[test]]\nname = "t"\nexpect = "{told.label}"\n{state}\n')
        assert [failed.got for failed in failures(made)] == ([] if told.label == expect else [expect])
