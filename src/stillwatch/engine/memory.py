"""Amounts of memory as people write them."""

import re

from stillwatch.errors import UsageError

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_bytes(amount: str) -> int:
    """Bytes in ``amount``: a number with KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024).

    Raises:
        UsageError: if it is none, or nothing.
    """
    match = _AMOUNT.fullmatch(amount.strip())
    size = int(float(match[1]) * (1024 if match[3] else 1000) ** _POWER[match[2].upper()]) if match else 0
    if size == 0:
        raise UsageError(f"{amount!r} is no amount of memory", where="--memory", do="Write it like 4GB or 512MiB.")
    return size
