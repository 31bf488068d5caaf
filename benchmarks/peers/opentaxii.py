"""OpenTAXII 0.9.3 under gunicorn, as its documentation runs it, on SQLite or PostgreSQL."""

import json
import os
import re
import subprocess
from pathlib import Path

import httpx

from benchmarks.peers.environment import environment
from benchmarks.peers.server import Served, free_port, start


def opentaxii(work: Path, folder: Path, database: str = "", workers: int = 1) -> Served:
    """Start it with an empty collection in ``database`` (a SQLAlchemy URL; SQLite in ``folder`` if empty)."""
    programs, port = environment("opentaxii", work), free_port()
    url = database or f"sqlite:///{(folder / 'opentaxii.db').resolve()}"
    config = folder / "opentaxii.yml"
    config.write_text(json.dumps(_configuration(url, port)))  # JSON is YAML
    env = {"OPENTAXII_CONFIG": str(config.resolve()), "PYTHONPATH": str(Path(__file__).parent / "wsgi")}
    _run(programs, env, "opentaxii-create-account", "-u", "member", "-p", "password", "--admin")
    _run(programs, env, "opentaxii-add-api-root", "-t", "Forum", "--default")
    refused = _run(programs, env, "opentaxii-add-collection", "-r", "none", "-t", "Indicators", may_fail=True)
    root = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", refused)[0]  # it tells ids in its refusals only
    named = ("-t", "Indicators", "-a", "indicators", "--public", "--public-write")
    _run(programs, env, "opentaxii-add-collection", "-r", root, *named)
    bind = ("--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--no-control-socket", "--timeout", "600")
    process = start([programs / "gunicorn", *bind, "opentaxii_app:app"], port, folder / "opentaxii.log", env)
    kind = ("PostgreSQL" if database else "SQLite") + (f", {workers} workers" if workers > 1 else "")
    collections = f"http://127.0.0.1:{port}/taxii2/{root}/collections/"
    accept = {"Accept": "application/taxii+json;version=2.1"}
    listed = httpx.get(collections, headers=accept, auth=("member", "password")).json()["collections"]
    collection = f"{collections}{listed[0]['id']}/"
    return Served(f"OpenTAXII 0.9.3, {kind}", collection, "member", "password", process)


def _configuration(url: str, port: int) -> dict[str, object]:
    made = {"db_connection": url, "create_tables": True}
    return {
        "domain": f"127.0.0.1:{port}",
        "support_basic_auth": True,
        "auth_api": {
            "class": "opentaxii.auth.sqldb.SQLDatabaseAPI",
            "parameters": {**made, "secret": "of a benchmark, on this machine only"},
        },
        "taxii1": None,
        "taxii2": {
            "persistence_api": {"class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI", "parameters": made},
            "max_content_length": 2**27,
            "title": "Forum",
            "public_discovery": True,
        },
        "logging": {"opentaxii": "warning", "root": "warning"},
    }


def _run(programs: Path, env: dict[str, str], *command: str, may_fail: bool = False) -> str:
    ran = subprocess.run(
        [programs / command[0], *command[1:]], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if ran.returncode and not may_fail:
        raise RuntimeError(f"{command[0]} ended with status {ran.returncode}:\n{ran.stderr[-2000:]}")
    return ran.stdout + ran.stderr
