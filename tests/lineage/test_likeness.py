import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.lineage.likeness import compare, doubly_centred
from stillwatch.lineage.views import VIEWS

TEXT = st.text(alphabet="ab .,\n1#-", max_size=40)
ROWS = st.lists(st.lists(st.none() | TEXT, min_size=3, max_size=3), min_size=2, max_size=6)


def weights(row, view):
    """Weighted n-grams of every answer to one prompt, in plain Python."""
    counts = [Counter(view.grams(t).tolist()) if t and t.strip() else None for t in row]
    own = {at for at, c in enumerate(counts) if c}
    users = Counter(gram for at in own for gram in counts[at])
    return [
        {g: (1 + math.log(n)) * math.log((len(own) + 1) / users[g]) for g, n in counts[at].items()}
        if at in own else None
        for at in range(len(row))
    ]  # fmt: skip


def cosine(one, other):
    if one is None or other is None:
        return math.nan
    norms = [math.sqrt(sum(w * w for w in each.values())) for each in (one, other)]
    return sum(w * other.get(g, 0.0) for g, w in one.items()) / (norms[0] * norms[1])


def mean(values):
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else math.nan


@settings(max_examples=60)
@given(ROWS, st.sampled_from(sorted(VIEWS)))
def test_it_is_the_plain_cosine(rows, name) -> None:
    found = compare(rows, VIEWS[name], of=1, threads=2)
    weighed = [weights(row, VIEWS[name]) for row in rows]
    for i in range(3):
        for j in range(3):
            each = [cosine(w[i], w[j]) for w in weighed]
            assert found.same[i, j] == pytest.approx(mean(each), nan_ok=True, abs=1e-9)
            if i == 1:
                assert found.by_prompt[:, j] == pytest.approx(each, nan_ok=True, abs=1e-6)
            crossed = [
                cosine(weighed[at][a], weighed[(at + 2) % len(rows)][b])
                for at in range(0, len(rows), 4)
                for a, b in ((i, j),)
            ]
            back = [cosine(weighed[at][j], weighed[(at + 2) % len(rows)][i]) for at in range(0, len(rows), 4)]
            assert found.cross[i, j] == pytest.approx((mean(crossed) + mean(back)) / 2, nan_ok=True, abs=1e-9)


def test_centring_takes_out_what_a_model_has_with_everybody() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(6, 6))
    base += base.T
    np.fill_diagonal(base, 1.0)
    hub = rng.normal(size=6)
    one, other = doubly_centred(base), doubly_centred(base + hub[:, None] + hub[None, :])
    # Additive hubs vanish up to the scale and the missing diagonal.
    assert np.corrcoef(one[np.triu_indices(6, 1)], other[np.triu_indices(6, 1)])[0, 1] > 0.8


def test_no_answers_are_no_likeness() -> None:
    found = compare([[None, None], ["", " "]], VIEWS["words"])
    assert np.isnan(found.same).all()
    assert (np.nan_to_num(found.centred) == 0).all()
