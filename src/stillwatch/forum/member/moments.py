"""Times of other servers, as microseconds since 1970-01-01 UTC, and back."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_TICK: Final = timedelta(microseconds=1)


def moment(written: str) -> int:
    """The microsecond of an RFC 3339 time; digits beyond are cut off.

    Raises:
        ValueError: it is no such time.
    """
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"{written[:40]!r} is no time")
    zone = "+00:00" if found[4] in "Zz" else found[4]
    whole = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
    return (whole - _EPOCH) // _TICK + int((found[3] or "0")[:6].ljust(6, "0"))


def text(at: int) -> str:
    """``at`` with six digits, in UTC."""
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> int:
    """This moment."""
    return (datetime.now(UTC) - _EPOCH) // _TICK


def later(one: str, other: str) -> str:
    """The later of two times as written; one that is no time is none."""
    return max(one, other, key=_rank)


def before(written: str, seconds: float = 0.0) -> str:
    """A time before ``written``: by a microsecond, or by ``seconds``; "" where it is no time."""
    at = _rank(written)
    return text(max(at - max(round(seconds * 1e6), 1), 0)) if at >= 0 else ""


def _rank(written: str) -> int:
    try:
        return moment(written)
    except ValueError:
        return -1
