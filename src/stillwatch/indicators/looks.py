"""From a finding to what its indicators look for: which of what the accounts share may be told, and in what words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from math import ceil
from typing import Any, Final

from stillwatch.indicators.findings import Finding, Shared, Template
from stillwatch.indicators.patterns import Network, client_pattern, range_pattern
from stillwatch.schema import shape, stix

#: An address range or client software is told if so many accounts of the campaign show it,
MIN_ACCOUNTS: Final = 3
#: and so large a part of all accounts that show it are the campaign's. Of an address range all must be.
PRECISION: Final = 0.9
#: Behaviours that an account must show of those told: all but one in five.
SHOWN: Final = 0.8
MOST_ANCHORS: Final = 256
#: What an indicator over accounts can be believed at most: honest customers behave like that too.
UNSURE: Final = 50

#: First words of user agents that are public software, so that a version of it names nobody.
PRODUCTS: Final = frozenset(
    "aiohttp Anthropic/JS Anthropic/Python Apache-HttpClient AsyncAnthropic/Python AsyncOpenAI/Python axios curl Deno "
    "Go-http-client got Guzzle HTTPie Java Java-http-client libcurl node node-fetch okhttp OpenAI/JS "
    "OpenAI/Python PostmanRuntime python-httpx python-requests reqwest Ruby undici Wget".split()
)
_VERSION: Final = {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,5}){0,3}$", "maxLength": 24}


@dataclass(frozen=True, slots=True)
class Look:
    """What one indicator looks for.

    Attributes:
        kind: what it is matched by, a key of ``schema.stix.DESCRIPTIONS``.
        name: what tells it from the campaign's other indicators of the kind.
        pattern: the STIX pattern.
        extension: content of the extension that the pattern defers to.
        accounts: accounts of the campaign that it is true of, and how many others.
        elsewhere: accounts outside the campaign that it is true of.
        most: confidence that it may have at most.
    """

    kind: str
    name: str
    pattern: str
    accounts: int
    elsewhere: int
    extension: Mapping[str, Any] = field(default_factory=dict)
    most: int = 100


def band(accounts: int) -> str:
    """``accounts`` as a band."""
    return next(name for least, name in stix.ACCOUNT_BANDS if accounts >= least)


def looks(finding: Finding, hosting: tuple[Network, ...] | None, left_out: list[str]) -> Iterator[Look]:
    """What ``finding`` can be searched for; what is held back is added to ``left_out``, a line each kind."""
    shared = finding.shared or ()
    yield from _ranges(finding, [s for s in shared if s.kind == "client_prefix"], hosting, left_out)
    yield from _software(finding, shared, left_out)
    yield from _templates(finding, left_out)
    yield from _cohort(finding, shared)
    yield from _proxy(finding, shared)
    yield from _replays(shared)


def _ranges(
    finding: Finding, prefixes: list[Shared], hosting: tuple[Network, ...] | None, left_out: list[str]
) -> Iterator[Look]:
    told = 0
    for each in prefixes:
        try:
            network = ip_network(each.value)
        except ValueError:  # a pseudonym
            continue
        if each.accounts >= MIN_ACCOUNTS and not each.elsewhere and network.is_global and _hosted(network, hosting):
            told += 1
            yield Look("address-range", str(network), range_pattern(network), each.accounts, each.elsewhere)
    if told < len(prefixes):
        left_out.append(
            f"{finding.id}: {len(prefixes) - told} address ranges that fewer than {MIN_ACCOUNTS} of its accounts use, "
            "or other accounts too, or that are not public or not hosted: for private matching alone"
        )


def _hosted(network: Network, hosting: tuple[Network, ...] | None) -> bool:
    if hosting is None:
        return True
    first, last = network.network_address, network.broadcast_address
    return any(network.version == own.version and first in own and last in own for own in hosting)


def _software(finding: Finding, shared: tuple[Shared, ...], left_out: list[str]) -> Iterator[Look]:
    candidates = [each for each in shared if each.kind in {"client", "tls_fingerprint", "header_order"}]
    told = 0
    for each in candidates:
        shown = shows(each.kind, each.value)
        if shown and each.accounts >= max(MIN_ACCOUNTS, PRECISION * (each.accounts + each.elsewhere)):
            told += 1
            yield Look("client-software", each.value, client_pattern(shown), each.accounts, each.elsewhere)
    if told < len(candidates):
        left_out.append(
            f"{finding.id}: {len(candidates) - told} client fingerprints that too few of its accounts show or too many "
            "others, or whose user agent may name somebody"
        )


def shows(kind: str, value: str) -> dict[str, str]:
    """The parts of a client trait by the names of ``patterns.PATHS``; none unless every one of them may be told."""
    schema = stix.CLIENT.schema["properties"]
    known = {"tls_fingerprint": schema["tls"], "header_order": schema["headers"]}
    fields = ("tls_fingerprint", "user_agent", "header_order") if kind == "client" else (kind,)
    parts = value.split(" | ")
    shown = dict(zip(fields, parts, strict=False)) if len(parts) == len(fields) else {}
    public = all(
        public_agent(part) if name == "user_agent" else not any(shape.faults(part, known[name]))
        for name, part in shown.items()
    )
    return shown if public else {}


def public_agent(text: str) -> bool:
    """Whether a user agent is public software and its version, and nothing else."""
    for mark in ("/", " "):
        product, found, version = text.rpartition(mark)
        if found and product in PRODUCTS and not any(shape.faults(version, _VERSION)):
            return True
    return False


def _templates(finding: Finding, left_out: list[str]) -> Iterator[Look]:
    untold = 0
    for template in finding.templates:
        look = _template(template)
        if template.needed <= len(template.anchors) and not any(shape.faults(look.extension, stix.TEMPLATE.schema)):
            yield look
        else:
            untold += 1
    if untold:
        left_out.append(
            f"{finding.id}: {untold} templates without an anchor that enough accounts share, or of a log without text"
        )


def _template(template: Template) -> Look:
    anchors = sorted(set(template.anchors))[:MOST_ANCHORS]
    content = {
        "extension_type": "property-extension",
        "scheme": "stillwatch-anchors-1",
        "template": anchors[0] if anchors else "",  # the family's own id may be an anchor that is not told
        "anchors": anchors,
        "needed": template.needed,
        "accounts": band(template.accounts),
    }
    return Look(stix.TEMPLATE.name, template.id, stix.TEMPLATE.pattern, template.accounts, 0, content)


def _part(share: float) -> str:
    return next((name for least, name in stix.PART_BANDS if share >= least), "")


def _cohort(finding: Finding, shared: tuple[Shared, ...]) -> Iterator[Look]:
    allowed = stix.COHORT.schema["properties"]["behaviours"]["items"]["properties"]
    most: dict[str, Shared] = {}
    for each in shared:
        said = each.kind in allowed["trait"]["enum"] and each.value in allowed["bin"]["enum"] and each.measured
        if said and _part(each.accounts / each.measured):
            most.setdefault(each.kind, each)
    told = [
        {"trait": name, "bin": each.value, "part": _part(each.accounts / each.measured)}
        for name, each in sorted(most.items())
    ][:24]
    if len(told) < 2:
        return
    content: dict[str, Any] = {
        "behaviours": told,
        "needed": max(2, ceil(SHOWN * len(told))),
        "accounts": band(len(finding.accounts)),
    }
    for unit in ("hour", "day"):
        part = max((s.accounts / s.measured for s in shared if s.kind == f"created_{unit}" and s.measured), default=0.0)
        if part >= stix.PART_BANDS[-1][0]:
            content["made_within"] = unit
            break
    yield Look(stix.COHORT.name, "cohort", stix.COHORT.pattern, len(finding.accounts), 0, content, UNSURE)


def proxy(finding: Finding, shared: tuple[Shared, ...], ranges: int) -> dict[str, Any]:
    """The content of the proxy-cluster extension, as the finding bears it out."""
    properties = stix.PROXY.schema["properties"]
    bins = {s.kind: s.value for s in reversed(shared) if s.kind in properties and s.value in properties[s.kind]["enum"]}
    relayed = any(line.signal == "relay" for line in finding.evidence)
    many = "10-or-more" if ranges >= 10 else "2-to-9" if ranges >= 2 else str(ranges) if ranges else "none"
    return {
        "cluster_kind": "reseller" if relayed else "proxy" if bins else "unknown",
        **bins,
        "networks": many,
        "accounts": band(len(finding.accounts)),
    }


def _proxy(finding: Finding, shared: tuple[Shared, ...]) -> Iterator[Look]:
    content = proxy(finding, shared, 0)
    if len(content.keys() & {"addresses", "address_turnover", "user_agents"}) >= 2:
        del content["networks"]
        yield Look(stix.PROXY.name, "proxy", stix.PROXY.pattern, len(finding.accounts), 0, content, UNSURE)


def _replays(shared: tuple[Shared, ...]) -> Iterator[Look]:
    bins = stix.REPLAY.schema["properties"]["share"]["enum"]
    for kind, issued_to in (("foreign_replay", "another-account"), ("session_replay", "another-session")):
        for each in (s for s in shared if s.kind == kind and s.value in bins):
            content = {"issued_to": issued_to, "share": each.value, "accounts": band(each.accounts)}
            yield Look(stix.REPLAY.name, issued_to, stix.REPLAY.pattern, each.accounts, each.elsewhere, content)
