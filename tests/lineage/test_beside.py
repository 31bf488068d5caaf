import numpy as np
import pytest
from scipy.stats import kstest

from stillwatch.lineage.beside import together
from stillwatch.lineage.interface import Line


def line(kind: str, p: float | None, *, by_design: bool = True) -> Line:
    return Line(kind, "s", "says", "rests", "not", p, by_design, {})


def test_nothing_is_combined_without_a_reason_or_a_second_kind() -> None:
    both = [line("watermark", 0.01), line("canaries", 0.02)]
    assert together(both, "") is None
    assert together(both[:1], "two draws") is None
    assert together([*both[:1], line("canaries", 0.02, by_design=False)], "two draws") is None
    assert together([*both[:1], line("campaign", None, by_design=False)], "two draws") is None


def test_two_draws_are_combined_as_fisher_does() -> None:
    found = together([line("watermark", 0.01), line("canaries", 0.02)], "two draws")
    product = 0.01 * 0.02
    assert found is not None
    assert found.kinds == ("canaries", "watermark")
    assert found.p_value == pytest.approx(product * (1 - np.log(product)))


def test_several_keys_of_one_kind_count_as_one_with_its_correction() -> None:
    found = together([line("watermark", p) for p in (0.01, 0.4, 0.5)] + [line("canaries", 0.02)], "two draws")
    assert found == together([line("watermark", 0.03), line("canaries", 0.02)], "two draws")


def test_what_is_combined_of_nothing_is_uniform() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.uniform(size=(2000, 2))
    combined = [together([line("watermark", a), line("canaries", b)], "x") for a, b in pairs]
    assert kstest([each.p_value for each in combined if each], "uniform").pvalue > 0.01
