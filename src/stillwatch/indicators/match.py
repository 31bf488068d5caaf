"""Indicators against a local log: which accounts each is true of, and why.

A match is a reason to look at an account with one's own evidence; it is no evidence, and nothing here acts on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.indicators.decay import confidence_at, expired, read_time
from stillwatch.indicators.interface import Match, Matched
from stillwatch.indicators.network import NetworkLook, match_networks
from stillwatch.indicators.patterns import ADDRESS, MATCHED, Node, PatternError, holds, names, networks, parse
from stillwatch.indicators.template import match_templates
from stillwatch.schema import shape, stix

#: Requests of an account that must show client software or a template, as a share: one in twenty, as for the signals.
LEAST_SHARE = 20

_CLIENTS = """
SELECT account_id, user_agent, tls_fingerprint, header_order, SUM(n) AS n FROM account_clients
GROUP BY account_id, user_agent, tls_fingerprint, header_order
"""
#: Trait -> the property of the proxy-cluster extension that asks for its bin.
_PROXY = ("addresses", "address_turnover", "user_agents")
_REPLAY = {"another-account": "foreign_replay", "another-session": "session_replay"}


def traits_needed(objects: Iterable[stix.Object]) -> frozenset[str]:
    """Kinds of trait that matching ``objects`` asks for."""
    return frozenset(trait for each in objects for trait, _ in _asked(each)[0])


def match(
    objects: Sequence[stix.Object],
    engine: Engine,
    traits: pa.Table,
    fields: frozenset[str],
    at: datetime,
) -> Matched:
    """Accounts of the log that the indicators among ``objects`` are true of.

    Args:
        objects: STIX objects; relationships say which campaign an indicator is of. The latest version of each counts.
        engine: holds ``prints``, ``account_activity``, ``account_addresses`` and ``account_clients`` of the log.
        traits: rows of ``schema.evidence.TRAITS`` of the kinds that ``traits_needed`` names, as far as measured.
        fields: columns of the log with values, as ``requests.client_ip``.
        at: when the indicators must hold: the end of the log.
    """
    latest = _latest(objects)
    indicators = [each for each in latest if each["type"] == "indicator"]
    silent: list[str] = []
    live = [each for each in indicators if _in_force(each, at, silent)]
    requests = _requests(engine)
    found: list[tuple[str, str, int, str]] = []
    matched = [(each, MATCHED[each["pattern"]]) for each in live if each["pattern"] in MATCHED]
    prompts = [each for each, extension in matched if extension == stix.TEMPLATE]
    if prompts and "prints.prompt_anchors" not in fields:
        silent += (f"{each['id']}: the log has no prompts" for each in prompts)
    elif prompts:
        found += _enough(match_templates(prompts, engine), requests)
    found += _by_traits([each for each, e in matched if e != stix.TEMPLATE], traits, silent)
    addressed, software = _read([each for each in live if each["pattern"] not in MATCHED], fields, silent)
    found += match_networks(addressed, engine)
    found += _enough(_by_software(software, engine), requests)
    campaigns = _campaigns(latest)
    confidence = {each["id"]: confidence_at(each, at) for each in live}
    rows = sorted(found)
    return Matched(
        tuple(
            Match(account, name, campaigns.get(name, ()), confidence[name], n, why) for account, name, n, why in rows
        ),
        tuple(silent),
    )


def _latest(objects: Sequence[stix.Object]) -> list[stix.Object]:
    found: dict[str, stix.Object] = {}
    for each in objects:
        held = found.get(each["id"])
        if held is None or _modified(each) > _modified(held):
            found[each["id"]] = each
    return list(found.values())


def _modified(each: stix.Object) -> datetime:
    return read_time(str(each.get("modified", each.get("created", "1970-01-01T00:00:00Z"))))


def _in_force(each: stix.Object, at: datetime, silent: list[str]) -> bool:
    if expired(each, at):
        silent.append(f"{each['id']}: revoked, or no longer valid when the log ends")
        return False
    if each["pattern"] in MATCHED and not _whole(each):
        silent.append(f"{each['id']}: its extension is missing, or is not what is minted")
        return False
    if each["pattern_type"] != "stix":
        silent.append(f"{each['id']}: a pattern of type {each['pattern_type'][:40]!r}")
        return False
    return True


def _read(
    indicators: Iterable[stix.Object], fields: frozenset[str], silent: list[str]
) -> tuple[list[NetworkLook], list[tuple[str, Node]]]:
    """Indicators by what they look at: addresses, or client software."""
    addressed: list[NetworkLook] = []
    software: list[tuple[str, Node]] = []
    for each in indicators:
        try:
            node = parse(each["pattern"])
        except PatternError as error:
            silent.append(f"{each['id']}: {error.what}")
            continue
        looked, ranges = names(node), networks(node)
        absent = [n for n in sorted(looked) if f"requests.{'client_ip' if n == ADDRESS else n}" not in fields]
        if absent:
            silent.append(f"{each['id']}: the log has no {' and no '.join(absent)}")
        elif ranges is not None:
            addressed.append((each["id"], ranges))
        elif ADDRESS in looked:
            silent.append(f"{each['id']}: addresses joined with other things are not matched here")
        else:
            software.append((each["id"], node))
    return addressed, software


def _requests(engine: Engine) -> dict[str, int]:
    rows = engine.sql("SELECT account_id, requests FROM account_activity")
    return dict(zip(rows["account_id"].to_pylist(), rows["requests"].to_pylist(), strict=True))


def _enough(
    found: Iterable[tuple[str, str, int, str]], requests: Mapping[str, int]
) -> Iterable[tuple[str, str, int, str]]:
    for account, name, n, why in found:
        if n * LEAST_SHARE >= requests[account]:
            yield account, name, n, f"{n:,} of its {requests[account]:,} requests {why}"


def _by_software(looks: Sequence[tuple[str, Node]], engine: Engine) -> Iterable[tuple[str, str, int, str]]:
    if not looks:
        return
    counts: dict[tuple[str, str], int] = {}
    known: dict[tuple[Any, ...], list[str]] = {}
    fields = ("user_agent", "tls_fingerprint", "header_order")
    for row in engine.sql(_CLIENTS).to_pylist():
        shown = tuple(row[name] for name in fields)
        if shown not in known:
            client = dict(zip(fields, shown, strict=True))
            known[shown] = [name for name, node in looks if holds(node, client)]
        for name in known[shown]:
            counts[row["account_id"], name] = counts.get((row["account_id"], name), 0) + int(row["n"])
    yield from ((account, name, n, "show the client software") for (account, name), n in counts.items())


def _whole(each: stix.Object) -> bool:
    """Whether the extension that the pattern of ``each`` names is there and is sound."""
    extension = MATCHED[each["pattern"]]
    content = each.get("extensions", {}).get(extension.id)
    return content is not None and not any(shape.faults(content, extension.schema))


def _asked(each: stix.Object) -> tuple[list[tuple[str, str]], int]:
    """The (trait, bin) pairs that an indicator asks for, and how many of them an account must have."""
    extension = MATCHED.get(each.get("pattern", "")) if each.get("type") == "indicator" else None
    if extension is None or extension == stix.TEMPLATE or not _whole(each):
        return [], 0
    content = each["extensions"][extension.id]
    if extension == stix.COHORT:
        return [(b["trait"], b["bin"]) for b in content["behaviours"]], content["needed"]
    if extension == stix.REPLAY:
        return [(_REPLAY[content["issued_to"]], content["share"])], 1
    pairs = [(name, content[name]) for name in _PROXY if name in content]
    return pairs, len(pairs)


def _by_traits(
    indicators: Sequence[stix.Object], traits: pa.Table, silent: list[str]
) -> Iterable[tuple[str, str, int, str]]:
    wanted = {pair for each in indicators for pair in _asked(each)[0]}
    holders: dict[tuple[str, str], set[str]] = {}
    measured: set[str] = set()
    for account, kind, value in zip(
        *(traits[name].to_pylist() for name in ("account_id", "kind", "value")), strict=True
    ):
        measured.add(kind)
        if (kind, value) in wanted:
            holders.setdefault((kind, value), set()).add(account)
    for each in indicators:
        pairs, needed = _asked(each)
        absent = [trait for trait, _ in pairs if trait not in measured]
        if len(pairs) - len(absent) < max(needed, 1):
            silent.append(f"{each['id']}: the log does not show {', '.join(absent) or 'what it asks for'}")
            continue
        counts: dict[str, int] = {}
        for pair in pairs:
            for account in holders.get(pair, ()):
                counts[account] = counts.get(account, 0) + 1
        for account, shown in counts.items():
            if shown >= needed:
                told = ", ".join(
                    f"{trait} {bin_}" for trait, bin_ in pairs if account in holders.get((trait, bin_), ())
                )
                yield account, each["id"], 0, f"it shows {shown} of {len(pairs)} behaviours: {told}"


def _campaigns(objects: Sequence[stix.Object]) -> dict[str, tuple[str, ...]]:
    """The campaigns that each indicator indicates."""
    found: dict[str, set[str]] = {}
    for each in objects:
        target = str(each.get("target_ref", ""))
        if each["type"] == "relationship" and each["relationship_type"] == "indicates" and not each.get("revoked") \
                and target.startswith("campaign--"):  # fmt: skip
            found.setdefault(each["source_ref"], set()).add(target)
    return {name: tuple(sorted(refs)) for name, refs in found.items()}
