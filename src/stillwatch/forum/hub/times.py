"""Times as the hub keeps them: microseconds since 1970-01-01 UTC, exact, and RFC 3339 outside."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from stillwatch.forum.hub.errors import Malformed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?Z", re.ASCII)
SECOND = 1_000_000
DAY = 86_400 * SECOND


def now() -> int:
    """This moment."""
    return (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)


def text(moment: int) -> str:
    """``moment`` with all six digits, as TAXII asks of ``date_added``."""
    return (_EPOCH + timedelta(microseconds=moment)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=65_536)
def moment(written: str, exact: bool = False) -> int:
    """The microsecond of an RFC 3339 time in UTC; digits beyond are cut off, or refused if it has to be ``exact``.

    Raises:
        Malformed: it is no such time.
    """
    found = _RFC3339.fullmatch(written)
    if not found or (exact and found[3] and found[3][6:].strip("0")):
        raise Malformed(f"{written[:40]!r} is no RFC 3339 time in UTC to the microsecond")
    try:
        whole = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    except ValueError:
        raise Malformed(f"{written[:40]!r} is no time that exists") from None
    return (whole - _EPOCH) // timedelta(microseconds=1) + int((found[3] or "0")[:6].ljust(6, "0"))
