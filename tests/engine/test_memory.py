import pytest

from stillwatch.engine.memory import parse_bytes
from stillwatch.errors import UsageError


@pytest.mark.parametrize(
    ("amount", "size"),
    [("4GB", 4 * 10**9), ("512MiB", 512 * 2**20), ("1.5g", 1_500_000_000), (" 2 tb ", 2 * 10**12), ("100", 100)],
)
def test_amounts(amount: str, size: int) -> None:
    assert parse_bytes(amount) == size


@pytest.mark.parametrize("amount", ["", "GB", "four", "4 XB", "-4GB", "4GB4", "0.0001", "1e3"])
def test_what_is_no_amount(amount: str) -> None:
    with pytest.raises(UsageError, match="no amount of memory"):
        parse_bytes(amount)
