"""Numbers, times and foreign text as a person reads them; every shell of Stillwatch says them the same way."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from stillwatch.stats.written import p_value as p_value
from stillwatch.stats.written import percent as percent
from stillwatch.stats.written import stated as stated

MONTHS = "January February March April May June July August September October November December".split()
SMALL = "no one two three four five six seven eight nine ten".split()
LONGEST = 4000  # characters of one foreign string that are worth showing

_VISIBLE = {"\n": "↵ ", "\t": " ", "\xa0": " "}
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


def printable(text: str, limit: int = LONGEST) -> str:
    """Text from a log, made safe to show: control, format and direction characters become visible escapes.

    An escape sequence would drive a terminal and a direction override would make a domain read backwards, in a
    terminal as in a browser (CVE-2021-42574). Longer text is cut at ``limit`` characters, with an ellipsis.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _VISIBLE.get(char, _escape(char)) for char in text)


def _escape(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def large(number: int) -> str:
    """A count: exact below a million, then to three significant digits (``12.1 million``)."""
    if number < 10**6:
        return f"{number:,}"
    rounded = float(f"{number:.3g}")
    scale, name = next((scale, name) for scale, name in _SCALES if rounded >= scale)
    return f"{rounded / scale:,.12g} {name}"


def number_word(number: int) -> str:
    """``two`` for 2, ``no`` for 0, digits above ten."""
    return SMALL[number] if number < len(SMALL) else large(number)


def plural(number: int, noun: str) -> str:
    """``1 account``, ``25,000 accounts``."""
    return f"{large(number)} {noun}" + ("" if number == 1 else "s")


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def odds(p: float) -> str:
    """The same probability in plain words: ``about 1 in 310 million``."""
    if not math.isfinite(p):
        return "not measured"
    if p >= 0.3:
        return "what chance gives anyway"
    if p < 1e-12:
        return "less than 1 in a trillion"
    rarity = round(float(f"{1 / p:.2g}"))
    return f"about 1 in {large(rarity)}"


def score(bits: float) -> str:
    """Bits of evidence, to one decimal."""
    return f"{bits:,.1f}" if math.isfinite(bits) else "not measured"


def utc(moment: datetime) -> datetime:
    """``moment`` in UTC; a time without a zone is UTC already, as in every log Stillwatch reads."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def day(moment: datetime) -> str:
    """``14 June 2026``."""
    at = utc(moment)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def minute(moment: datetime) -> str:
    """``14 June 2026, 09:12``."""
    return f"{day(moment)}, {utc(moment):%H:%M}"


def minutes(first: datetime, last: datetime) -> str:
    """A stretch of time: ``14 June 2026, 09:12 to 11:40``, with the second day where it is another."""
    one, other = utc(first), utc(last)
    return f"{minute(one)} to {f'{other:%H:%M}' if one.date() == other.date() else minute(other)}"


def days(first: datetime, last: datetime) -> str:
    """A period by its days: ``14 June 2026``, ``1–15 June 2026``, ``28 May – 3 June 2026``."""
    one, other = utc(first), utc(last)
    if one.date() == other.date():
        return day(one)
    if (one.year, one.month) == (other.year, other.month):
        return f"{one.day}–{day(other)}"
    return f"{day(one).removesuffix(f' {other.year}')} – {day(other)}"


def span(length: timedelta) -> str:
    """A duration in its largest whole unit: ``13 days``, ``5 hours``, ``1 minute``."""
    seconds = length.total_seconds()
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            return plural(round(seconds / unit), name)
    return plural(round(seconds), "second")
