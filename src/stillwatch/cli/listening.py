"""What every server of ours demands before it listens: a whole pair of TLS files, or a reason to do without."""

from pathlib import Path
from typing import Final

from stillwatch.errors import UsageError

_LOCAL: Final = {"127.0.0.1", "::1", "localhost"}


def check_tls(host: str, certificate: Path | None, key: Path | None, insecure_http: bool, what: str) -> None:
    """Refuse half a pair, and plain HTTP on another host than this one unless it is asked for.

    Args:
        host: to listen on.
        certificate: of ``--tls-cert``.
        key: of ``--tls-key``.
        insecure_http: whether something in front does TLS.
        what: would cross the network in the clear.

    Raises:
        UsageError: either.
    """
    if (certificate is None) != (key is None):
        raise UsageError("one makes no sense without the other", where="--tls-cert, --tls-key")
    if certificate is None and host not in _LOCAL and not insecure_http:
        do = "Give --tls-cert and --tls-key, or --insecure-http where a proxy in front does it"
        raise UsageError(f"{what} would cross the network in the clear", where=f"--host {host}", do=do)
