import msgspec
import numpy as np
import pytest
from scipy.stats import kstest

from stillwatch.errors import InputError
from stillwatch.lineage.beside import Sources, gather, together
from stillwatch.lineage.interface import Card, Line, Panel, Role
from stillwatch.text.watermark import Watermark


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


def test_a_mark_in_tokens_is_looked_for_in_the_tokens_given(tmp_path) -> None:
    mark = Watermark(bytes(range(32)), width=1)
    (tmp_path / "mark").write_bytes(msgspec.json.encode(mark))
    (tmp_path / "mark").chmod(0o600)
    ids = np.arange(1000)
    leaning = [int(ids[mark.green([at], ids)][at % 7]) for at in range(300)]
    tokens = [token for at, green in enumerate(leaning) for token in (at, green)]
    cards = (Card("s", Role.SUSPECT, "s"), Card("c", Role.CONTROL, "c"))
    panel = Panel(cards, ("1",), (("some words", "other words"),))
    own = {"s": {"1": tokens}, "c": {"1": list(range(600))}}
    in_tokens, *_ = gather(Sources((tmp_path / "mark",), tokens=own), panel, {}, {}, "t")
    in_words, *_ = gather(Sources((tmp_path / "mark",)), panel, {}, {}, "t")
    assert in_tokens.p_value < 1e-9
    assert in_tokens.controls["c"] > 1e-4
    assert "words" in in_words.source
    assert in_words.p_value > 0.01
    with pytest.raises(InputError, match="no tokens of 's'"):
        gather(Sources((tmp_path / "mark",), tokens={"c": own["c"]}), panel, {}, {}, "t")
