"""The server process: uvicorn around the application, with TLS and with bounds on connections and time."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS, compose
from stillwatch.server.limits import Rate
from stillwatch.server.matching_keys import keep_time
from stillwatch.server.protocol import Protocol
from stillwatch.server.trustee import create as create_trustee
from stillwatch.server.trustee import open_trustee

_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for name in ("uvicorn", "stillwatch")
    },
}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: certificate chain, its key, and the CA of client certificates if every client has to show one."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


def run(database: str, keys: Path, host: str, port: int, tls: Tls | None, rate: float, processes: int) -> None:
    """Serve until told to stop; requests under way are finished first.

    Raises:
        UsageError, StorageError: the hub cannot be put together.
    """
    hub = compose(database, keys, processes=processes)
    if hub.matching is not None:
        keep_time(hub.store, hub.matching.holder)
    settings = Settings(rate=Rate(rate, 4 * rate), mutual=bool(tls and tls.client_ca))
    server(create(hub, OPERATIONS, settings), host, port, tls).run()


def run_trustee(database: str, keys: Path, peers: Path, host: str, port: int, tls: Tls | None) -> None:
    """Serve as the trustee of private matching until told to stop.

    Raises:
        UsageError, InputError, StorageError: its secrets, the members' keys or the database cannot be used.
    """
    found = open_trustee(database, keys, peers)
    keep_time(found.store, found.holder)
    server(create_trustee(found), host, port, tls).run()


def server(app: object, host: str, port: int, tls: Tls | None = None) -> uvicorn.Server:
    """The uvicorn server around an application."""
    secured = {}
    if tls:
        demanded = ssl.CERT_REQUIRED if tls.client_ca else ssl.CERT_NONE
        secured = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key, "ssl_ca_certs": tls.client_ca,
                   "ssl_cert_reqs": demanded}  # fmt: skip
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host, port, http=Protocol, ws="none", lifespan="off", log_config=_LOGGING, access_log=False,
        server_header=False, proxy_headers=False, limit_concurrency=512, timeout_keep_alive=30,
        timeout_graceful_shutdown=30,
        **secured,  # type: ignore[arg-type]
    )  # fmt: skip
    return uvicorn.Server(config)
