"""How a probability or a share is written in a sentence, here and in every report: one way, that a person can read."""

import math

from stillwatch.stats.evidence import LEAST

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float) -> str:
    """A share in per cent to two significant digits (``12 %``, ``0.25 %``); what is not all is never ``100 %``."""
    if not math.isfinite(share):
        return "unknown"
    value = share * 100
    if value < 9.95:
        return f"{value:.2g} %"
    return f"{value:.0f} %" if value < 99.5 or value >= 100 else f"{math.floor(value * 10) / 10:.1f} %"


def power_of_ten(exponent: int) -> str:
    """``10⁻⁹`` for -9."""
    return f"10{str(exponent).translate(_SUPERSCRIPT)}"


def p_value(p: float) -> str:
    """A probability as scientists write it: ``0.042``, ``3.2 × 10⁻⁹``."""
    if not math.isfinite(p):
        return "not measured"
    if p <= LEAST:
        return "< 10⁻³⁰⁰"
    if p >= 0.001:
        return f"{p:.2g}"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa} × {power_of_ten(int(exponent))}"


def stated(name: str, p: float) -> str:
    """An equation, or at the floor an inequation: ``p = 0.042``, ``p < 10⁻³⁰⁰``."""
    text = p_value(p)
    return f"{name} {text}" if text.startswith("<") else f"{name} = {text}"
