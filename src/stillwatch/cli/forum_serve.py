"""``stillwatch forum serve``: the hub."""

import os
from pathlib import Path

import click

from stillwatch.cli.forum_hub import hub_options, policy_option
from stillwatch.cli.listening import check_tls
from stillwatch.errors import MissingExtra, UsageError

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("serve")
@hub_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0 takes a free one.")
@click.option("--tls-cert", type=_FILE, help="Certificate chain (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--client-ca", type=_FILE,
              help="Demand a client certificate under this CA: the member's registered one.")  # fmt: skip
@click.option("--insecure-http", is_flag=True, help="Serve without TLS on another host than this one, behind a proxy.")
@click.option("--rate", type=click.FloatRange(min=0.1), default=100.0, show_default=True,
              help="Requests a second of each member; four times as many at once.")  # fmt: skip
@policy_option
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Processes that answer requests; more than one needs PostgreSQL.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 64), default=lambda: min(os.cpu_count() or 1, 8),
              show_default="one a core, at most 8", help="That check signatures and ask the guard.")  # fmt: skip
def serve(
    database: str, keys: Path, host: str, port: int, tls_cert: Path | None, tls_key: Path | None,
    client_ca: Path | None, insecure_http: bool, rate: float, policy: Path | None, workers: int, processes: int,
) -> None:  # fmt: skip
    """Serve TAXII 2.1 at /taxii2/ and the rest at /forum/v1/, described at /forum/v1/openapi.json."""
    try:
        from stillwatch.server.run import Serving, Tls, run
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "forum") from None
    check_tls(host, tls_cert, tls_key, insecure_http, "tokens")
    if client_ca and tls_cert is None:
        raise UsageError("needs --tls-cert and --tls-key", where="--client-ca")
    tls = Tls(tls_cert, tls_key, client_ca) if tls_cert and tls_key else None
    each = max(1, processes // workers)
    run(Serving(database, keys, host, port, tls, rate, each, policy, workers))
