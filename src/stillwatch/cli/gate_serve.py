"""``stillwatch gate publish|serve``: what gates read, and the gate itself."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from stillwatch.cli.gate_options import FILE, FOLDER, database_option, policy_option, source_options, state_option
from stillwatch.cli.listening import check_tls
from stillwatch.cli.policy import tested
from stillwatch.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from stillwatch.server.gate.publish import Published, Sources
    from stillwatch.server.gate.state import State

_OUT = Console(highlight=False, markup=False, soft_wrap=True)
_KEYS_HELP = """NDJSON, a line for each API key: {"credential": "<SHA-256 of the key, 64 hex digits>",
"account_id": "acme", "organization_id": "org-acme", "tier": "business"}; the last two may be left out."""


def told(published: "Published") -> str:
    """What a run came to, in a line or a few."""
    plan = published.plan
    lines = [
        f"{len(plan.verdicts):,} verdicts, {published.indicators:,} indicators published; {len(plan.entries):,} changes"
    ]
    if plan.waiting:
        lines.append(
            f"{len(plan.waiting):,} accounts are beyond the day's budget or had an appeal upheld: "
            "their measures begin when `gate release` lets them"
        )
    lines += [
        f"the block of {campaign} waits for people: `gate approve {campaign} --by NAME --key FILE`"
        for campaign in plan.unapproved
    ]
    if published.unproven:
        lines.append(
            f"{published.unproven:,} approvals or releases count for nothing: no key of the policy signed them"
        )
    if published.silent:
        lines.append(
            f"{len(published.silent):,} indicators are not looked for in single requests, e.g. {published.silent[0]}"
        )
    return "\n".join(lines)


@click.command("publish")
@state_option
@policy_option
@source_options
def publish(state: "State", policy_file: Path | None, sources: "Sources") -> None:
    """Make the snapshot that gates read out of findings, indicators, programmes and owners."""
    from stillwatch.server.gate.publish import publish as make

    policy = tested(policy_file)
    _OUT.print(told(make(state, policy, sources, time.time_ns() // 1000)))


@click.command("share")
@state_option
def share(state: "State") -> None:
    """Move the ledger, key and snapshot of a directory into a database that gates are to share, which is empty."""
    from stillwatch.server.gate.shared import SharedState

    if not isinstance(state, SharedState):
        raise UsageError("no database to move to", where="--database", do="Give its URL.")
    _OUT.print(f"{state.move():,} entries of the ledger moved")


@click.command("serve")
@click.option("--upstream", metavar="URL", help="The server of the model; without it only other gateways are answered.")
@click.option(
    "--state", envvar="STILLWATCH_GATE", type=FOLDER, help="Directory of the snapshot; without it nothing is known."
)
@database_option
@click.option("--log", type=FOLDER, help="Directory for the log of requests, which `stillwatch watch` reads.")
@policy_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True, help="0 takes a free one.")
@click.option("--envoy-port", type=click.IntRange(0, 65535), help="Answer Envoy's ext_authz over gRPC there too.")
@click.option("--tls-cert", type=FILE, help="Certificate chain (PEM).")
@click.option("--tls-key", type=FILE, help="Its key (PEM).")
@click.option("--insecure-http", is_flag=True, help="Serve without TLS on another host than this one, behind a proxy.")
@click.option("--keys", type=FILE, help=_KEYS_HELP)
@click.option(
    "--account-header", default="", help="Header with the account, set by a gateway in front, by nobody else."
)
@click.option("--tier-header", default="", help="Likewise, the tier.")
@click.option("--organization-header", default="", help="Likewise, the organisation.")
@click.option("--address-header", default="", help="Likewise, the client's address.")
@click.option("--tls-header", default="", help="Likewise, the fingerprint of the client's TLS (JA4).")
@click.option(
    "--canary", type=FILE, envvar="STILLWATCH_CANARY", help="Key of `gate canary keygen`, for a policy with [canary]."
)
@click.option("--max-body", type=click.IntRange(1, 1024), default=32, show_default=True, help="MiB of a request.")
def serve(
    upstream: str | None, state: Path | None, log: Path | None, policy_file: Path | None, host: str, port: int,
    tls_cert: Path | None, tls_key: Path | None, insecure_http: bool, keys: Path | None, account_header: str,
    tier_header: str, organization_header: str, address_header: str, tls_header: str, max_body: int, database: str,
    envoy_port: int | None, canary: Path | None,
) -> None:  # fmt: skip
    """Stand before the model's server (OpenAI- and Anthropic-style APIs), decide on each request, log as it passes.

    STILLWATCH_GATE_SECRET is the token that LiteLLM or Envoy has to show; without it they are not answered.
    """
    try:
        from stillwatch.server.gate.app import Settings
        from stillwatch.server.gate.identity import Trust, read_keys
        from stillwatch.server.gate.serve import Beside, Place, run
        from stillwatch.text.canary import read as read_canary
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "forum") from None
    check_tls(host, tls_cert, tls_key, insecure_http, "keys and prompts")
    account, tier, organization, address, ja4 = (
        name.lower().encode("ascii")
        for name in (account_header, tier_header, organization_header, address_header, tls_header)
    )
    trust = Trust(account, tier, organization, address, ja4, read_keys(keys) if keys else {})
    policy = tested(policy_file)
    if policy.file.canary and canary is None:
        raise UsageError("the policy asks for a canary, and there is no key", where="--canary")
    settings = Settings(trust, max_body << 20, canary=read_canary(canary) if canary else None)
    secret = os.environ.get("STILLWATCH_GATE_SECRET", "")
    if database and state is None:
        raise UsageError("a shared state needs a directory for its copy", where="--database", do="Give --state too.")
    if not secret and (upstream is None or envoy_port is not None):
        do = "Set it to a random token, and let LiteLLM or Envoy show it."
        raise UsageError("no secret by which another gateway could be known", where="STILLWATCH_GATE_SECRET", do=do)
    place = Place(host, port, tls_cert, tls_key)
    run(upstream, policy, state, log, settings, place, secret, Beside(database, envoy_port))
