"""The server's processes: uvicorn around the application, with TLS and with bounds on connections and time."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from stillwatch.errors import UsageError
from stillwatch.server.app import Settings, create
from stillwatch.server.compose import OPERATIONS, compose
from stillwatch.server.limits import Rate, SharedBuckets
from stillwatch.server.matching_keys import keep_time
from stillwatch.server.protocol import Protocol
from stillwatch.server.trustee import create as create_trustee
from stillwatch.server.trustee import open_trustee
from stillwatch.storage.allowances import Allowances
from stillwatch.storage.database import Database

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


@dataclass(frozen=True, slots=True)
class Serving:
    """How the hub is served. It makes the application in whichever process calls it, each with its own connections.

    Args:
        database: its URL.
        keys: directory of the hub's secrets.
        host: to listen on.
        port: to listen on; 0 for a free one.
        tls: files, or none.
        rate: requests a second of each member.
        processes: that examine what is submitted, in each worker.
        policy: file or folder of the guard's policy; None for the shipped one.
        workers: processes that answer requests.
    """

    database: str
    keys: Path
    host: str
    port: int
    tls: Tls | None = None
    rate: float = 100.0
    processes: int = 1
    policy: Path | None = None
    workers: int = 1

    def __call__(self) -> Starlette:
        """The application.

        Raises:
            UsageError, InputError, StorageError: the hub cannot be put together.
        """
        hub = compose(self.database, self.keys, policy=self.policy, processes=self.processes)
        if hub.matching is not None:
            keep_time(hub.store, hub.matching.holder)
        rate, shared = Rate(self.rate, 4 * self.rate), None
        database = Database(self.database, pool=2)
        if not database.sqlite:
            shared = SharedBuckets(rate, Allowances(database, rate.each_second, rate.burst))
        return create(hub, OPERATIONS, Settings(rate, shared, mutual=bool(self.tls and self.tls.client_ca)))


def run(serving: Serving) -> None:
    """Serve until told to stop; requests under way are finished first.

    Raises:
        UsageError, InputError, StorageError: the hub cannot be put together.
    """
    if serving.workers == 1:
        server(serving(), serving.host, serving.port, serving.tls).run()
        return
    if Database(serving.database).sqlite:
        do = "Use PostgreSQL; on SQLite one process answers and --processes examine"
        raise UsageError("SQLite has one writer at a time", where="--workers", do=do)
    compose(serving.database, serving.keys, policy=serving.policy)  # what is wrong is told here, once
    config = _config(serving, serving.host, serving.port, serving.tls, factory=True, workers=serving.workers)
    Multiprocess(config, [config.bind_socket()]).run()


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
    return uvicorn.Server(_config(app, host, port, tls))


def _config(app: object, host: str, port: int, tls: Tls | None, **more: Any) -> uvicorn.Config:
    secured = {}
    if tls:
        demanded = ssl.CERT_REQUIRED if tls.client_ca else ssl.CERT_NONE
        secured = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key, "ssl_ca_certs": tls.client_ca,
                   "ssl_cert_reqs": demanded}  # fmt: skip
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host, port, http=Protocol, ws="none", lifespan="on", log_config=_LOGGING, access_log=False,
        server_header=False, proxy_headers=False, limit_concurrency=512, timeout_keep_alive=30,
        timeout_graceful_shutdown=30,
        **secured,  # type: ignore[arg-type]
        **more,
    )  # fmt: skip
