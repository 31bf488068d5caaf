import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats.written import p_value, percent, power_of_ten, stated


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.5, "0.5"),
        (0.081, "0.081"),
        (0.0004, "4.0 × 10⁻⁴"),
        (1.8e-7, "1.8 × 10⁻⁷"),
        (4.1e-118, "4.1 × 10⁻¹¹⁸"),
        (1e-300, "< 10⁻³⁰⁰"),
        (0.0, "< 10⁻³⁰⁰"),
        (float("nan"), "not measured"),
    ],
)
def test_a_probability_is_written_as_scientists_do(p: float, text: str) -> None:
    assert p_value(p) == text


def test_an_equation_is_an_inequation_at_the_floor() -> None:
    assert [stated("p", p) for p in (0.042, 1e-300)] == ["p = 0.042", "p < 10⁻³⁰⁰"]
    assert power_of_ten(15) == "10¹⁵"


@given(st.floats(1e-300, 1.0, exclude_min=True))
def test_a_probability_can_be_read_back(p: float) -> None:
    digits = p_value(p).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")).replace(" × 10", "e")
    assert float(digits) == pytest.approx(p, rel=0.06)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0025, "0.25 %"), (0.01, "1 %"), (0.0996, "10 %"), (0.955, "96 %"), (1.0, "100 %")],
)
def test_a_share_is_written_in_per_cent(share: float, text: str) -> None:
    assert percent(share) == text
    assert percent(float("nan")) == "unknown"


@given(st.floats(0, 1))
def test_only_all_of_it_is_a_hundred_per_cent(share: float) -> None:
    assert (percent(share) == "100 %") == (share * 100 >= 100)
    assert float(percent(share).removesuffix(" %")) == pytest.approx(share * 100, rel=0.051, abs=1e-300)
