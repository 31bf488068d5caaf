"""Half a pair of TLS files, and plain HTTP beyond this machine, are refused."""

from pathlib import Path

import pytest

from stillwatch.cli.listening import check_tls
from stillwatch.errors import UsageError

FILE = Path("pem")


@pytest.mark.parametrize(("certificate", "key"), [(FILE, None), (None, FILE)])
def test_half_a_pair_is_refused(certificate: Path | None, key: Path | None) -> None:
    with pytest.raises(UsageError, match="one makes no sense without the other"):
        check_tls("127.0.0.1", certificate, key, True, "tokens")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "hub.example", "127.0.0.1.example"])  # noqa: S104
def test_plain_http_beyond_this_machine_is_asked_for(host: str) -> None:
    with pytest.raises(UsageError, match="tokens would cross the network in the clear"):
        check_tls(host, None, None, False, "tokens")
    check_tls(host, None, None, True, "tokens")
    check_tls(host, FILE, FILE, False, "tokens")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_tls(host: str) -> None:
    check_tls(host, None, None, False, "tokens")
