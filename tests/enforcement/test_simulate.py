from stillwatch.enforcement import Measure
from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.plan import Finding
from stillwatch.enforcement.simulate import Case, simulate
from tests.enforcement.made import NOW, policy

KEY = bytes(32)


def traffic(days: int) -> list[tuple[int, str, str, int]]:
    return [(NOW + hour * DAY // 24, who, "m", 10) for hour in range(24 * days) for who in ("a", "b", "good")]


def test_who_would_have_been_touched_and_how() -> None:
    findings = [Finding(who, "c", 1e-6, 0.99) for who in ("a", "good")]
    done = simulate(traffic(6), policy(), KEY, Case(findings, NOW, good={"good", "b"}))
    assert done.requests == 6 * 24 * 3
    assert set(done.accounts) == {"a", "good"}
    assert done.known_good == ("good",)
    assert done.accounts["a"].worst == Measure.STEP_UP
    assert sum(done.accounts["a"].requests.values()) == 6 * 24
    assert done.accounts["a"].output_tokens == 10 * done.accounts["a"].requests[Measure.STEP_UP]


def test_with_approvals_a_block_comes_and_the_budget_is_kept() -> None:
    findings = [Finding(who, "c", 1e-6, 0.99) for who in ("a", "b")]
    made = policy("[budget]\naccounts_a_day = 1\n")
    done = simulate(traffic(6), made, KEY, Case(findings, NOW, approved=True))
    assert done.accounts["a"].worst == Measure.BLOCK
    assert done.accounts["a"].first < done.accounts["b"].first
    assert done.accounts["b"].first >= NOW + DAY


def test_nothing_before_it_was_known() -> None:
    done = simulate(traffic(2), policy(), KEY, Case([Finding("a", "c", 1e-6, 0.99)], NOW + DAY))
    assert done.accounts["a"].first >= NOW + DAY
