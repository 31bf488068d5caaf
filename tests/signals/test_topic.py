import numpy as np
import pytest
from numpy.typing import NDArray

from stillwatch.schema.evidence import Activity
from stillwatch.signals.topic import Topic

DIMENSIONS = 32


def activity(
    accounts: int, each: int, interest: NDArray[np.float64], spread: float, tasks: float, seed: int
) -> Activity:
    """Accounts whose prompts scatter round an interest of their own, which scatters round ``interest``."""
    rng = np.random.default_rng(seed)
    rows = accounts * each
    account = np.repeat(np.arange(accounts), each).astype(np.int32)
    centres = interest + spread * rng.normal(size=(accounts, DIMENSIONS))
    vectors = centres[account] + rng.normal(size=(rows, DIMENSIONS))
    sketch = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127).astype(np.int8)
    form = (rng.random((rows, 7)) < 0.5) @ (1 << np.arange(7))
    form = np.where(rng.random(rows) < tasks, 127, form).astype(np.int32)
    zero = np.zeros(rows, np.int64)
    return Activity(
        accounts=tuple(f"a{seed}-{at}" for at in range(accounts)), models=("m",),
        account=account, time=np.arange(rows),
        model=zero.astype(np.int32), session=zero, prompt_hash=rng.integers(1, 2**62, rows), template=zero,
        words=zero.astype(np.int32), cues=zero.astype(np.int32), form=form, sketch=sketch, system_hash=zero,
        input_tokens=zero, output_tokens=zero, reasoning_tokens=zero, refused=zero.astype(np.int8),
    )  # fmt: skip


NOWHERE = np.zeros(DIMENSIONS)
REST = activity(300, 12, NOWHERE, 1.0, 0.0, 1)


def joined(parts: list[Activity]) -> Activity:
    """One activity of the accounts of all ``parts``."""
    first = np.cumsum([0, *(len(part.accounts) for part in parts)])
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Activity.__dataclass_fields__
        if name not in ("accounts", "models")
    }
    columns["account"] = np.concatenate([part.account + low for part, low in zip(parts, first, strict=False)])
    return Activity(tuple(name for part in parts for name in part.accounts), ("m",), **columns)


def test_a_pool_that_asks_for_bare_tasks_of_one_kind_stands_out() -> None:
    reading = Topic().test(activity(30, 10, NOWHERE, 0.3, 0.6, 2), REST, 7)
    assert reading.p_value == pytest.approx(1 / 60)
    assert reading.value is not None and reading.value > 5
    assert "30 accounts" in reading.summary


def test_groups_with_interests_are_not_accused_where_customers_come_in_such_groups() -> None:
    """Row by row such a group is nothing like the rest: a test of rows would accuse each of them."""
    rng = np.random.default_rng(0)

    def group(seed: int) -> Activity:
        return activity(10, 8, rng.normal(size=DIMENSIONS) * 0.4, 0.5, 0.0, seed)

    rest = joined([group(200 + seed) for seed in range(24)])
    p_values = [Topic().test(group(100 + seed), rest, seed).p_value for seed in range(16)]
    assert all(p is not None for p in p_values)
    assert np.mean([p is not None and p <= 0.02 for p in p_values]) <= 0.2


def test_the_same_arguments_give_the_same_reading() -> None:
    group = activity(10, 10, NOWHERE, 0.3, 0.3, 3)
    assert Topic().test(group, REST, 5) == Topic().test(group, REST, 5)


def test_repeats_of_one_prompt_count_once() -> None:
    group = activity(10, 10, NOWHERE, 0.3, 0.0, 4)
    same = np.repeat(np.arange(10) * 10, 10)
    group.prompt_hash[:], group.sketch[:], group.form[:] = group.prompt_hash[same], group.sketch[same], 127
    reading = Topic().test(group, REST, 5)
    assert reading.p_value is None and "too few prompts" in reading.abstained


@pytest.mark.parametrize(
    ("cluster", "rest", "why"),
    [
        (activity(2, 50, NOWHERE, 1.0, 0.0, 5), REST, "three accounts"),
        (activity(60, 5, NOWHERE, 1.0, 0.0, 6), activity(100, 5, NOWHERE, 1.0, 0.0, 7), "too few other accounts"),
        (activity(5, 2, NOWHERE, 1.0, 0.0, 8), REST, "too few prompts"),
    ],
)
def test_it_abstains_where_there_is_too_little(cluster: Activity, rest: Activity, why: str) -> None:
    reading = Topic().test(cluster, rest, 1)
    assert reading.p_value is None and why in reading.abstained
