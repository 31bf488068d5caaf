"""Whatever is ordered, a whole log comes of it."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.lab import KNOBS, SCENARIOS
from tests.lab.conftest import make

_DEGREES = st.dictionaries(st.sampled_from([knob.name for knob in KNOBS]), st.floats(0, 1), max_size=4)


@settings(max_examples=12)
@given(
    scenario=st.sampled_from([each.name for each in SCENARIOS]),
    requests=st.sampled_from([1, 3, 50, 1000, 3000]),
    seed=st.integers(0, 10**6),
    days=st.sampled_from([None, 0.05, 1.0, 40.0, 300.0]),
    share=st.sampled_from([None, 0.01, 0.95]),
    evade=_DEGREES,
)
def test_every_order_is_filled(
    scenario: str, requests: int, seed: int, days: float | None, share: float | None, evade: dict[str, float]
) -> None:
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        log = make(Path(folder), scenario, requests=requests, seed=seed, days=days, share=share, evade=evade)
    assert len(log.requests) == sum(group["requests"] for group in log.groups) == requests
    joined = log.requests.select(["account_id", "timestamp"]).join(log.accounts, "account_id")
    assert joined["created_at"].null_count == 0
    assert pc.all(pc.less(joined["created_at"], joined["timestamp"])).as_py()
