"""STIX indicators, and lists of a provider's own, as what the gate looks for."""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillwatch.enforcement.matchers import ALWAYS, Look
from stillwatch.errors import InputError
from stillwatch.indicators.decay import read_time
from stillwatch.indicators.patterns import ADDRESS, Comparison, Node, PatternError, networks, parse
from stillwatch.schema import stix

#: Ways in which one pattern can be true, at most.
MOST_WAYS: Final = 256


class Watched(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a provider's own list: an account's name or a reasoning block's hash, found by private matching say."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Literal["pseudonym", "block"]
    value: Annotated[str, Meta(min_length=1, max_length=300)]
    campaign: str = ""


def read_watched(path: Path) -> list[Look]:
    """A list of NDJSON.

    Raises:
        InputError: a line is none.
    """
    found, decoder = [], msgspec.json.Decoder(Watched)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            row = decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise InputError(str(error), where=f"{path}, line {number}") from None
        value = {f"{row.kind}s": (row.value,)}
        found.append(Look(row.id, row.campaign, row.kind, **value))  # type: ignore[arg-type]
    return found


def from_stix(objects: Iterable[stix.Object]) -> tuple[list[Look], list[str]]:
    """What a request alone can show of the indicators among ``objects``; and a line for each other, and why."""
    objects = list(objects)
    campaigns = {
        each["source_ref"]: each["target_ref"]
        for each in objects
        if each["type"] == "relationship" and each.get("relationship_type") == "indicates"
    }
    looks, silent = [], []
    for each in objects:
        if each["type"] == "indicator" and not each.get("revoked"):
            try:
                looks.append(_look(each, campaigns.get(each["id"], "")))
            except PatternError as error:
                silent.append(f"{each['id']}: {error}")
    return looks, silent


def _look(each: stix.Object, campaign: str) -> Look:
    start = int(read_time(each["valid_from"]).timestamp() * 1e6)
    until = int(read_time(each["valid_until"]).timestamp() * 1e6) if each.get("valid_until") else ALWAYS
    template = each.get("extensions", {}).get(stix.TEMPLATE.id)
    if template:
        anchors = tuple(int(anchor, 16) for anchor in template["anchors"])
        return Look(each["id"], campaign, "template", start, until, anchors=anchors, needed=template["needed"])
    tree = parse(each["pattern"])
    found = networks(tree)
    if found is not None:
        return Look(each["id"], campaign, "address", start, until, networks=found)
    return Look(each["id"], campaign, "client", start, until, clients=tuple(_ways(tree)))


def _ways(node: Node) -> list[Mapping[str, str]]:
    """Every way in which a client can show ``node`` to be true.

    Raises:
        PatternError: it looks at addresses beside other things, or there are too many ways.
    """
    if isinstance(node, Comparison):
        if node.name == ADDRESS:
            raise PatternError("addresses beside other things are not looked for in single requests")
        return [{node.name: value} for value in node.values]
    parts = [_ways(part) for part in node.parts]
    if node.how == "OR":
        ways = [way for part in parts for way in part]
    else:
        count = 1
        for part in parts:
            count *= len(part)
        if count > MOST_WAYS:
            raise PatternError(f"can be true in more than {MOST_WAYS} ways")
        ways = [way for chosen in product(*parts) if (way := _joined(chosen)) is not None]
    if not 0 < len(ways) <= MOST_WAYS:
        raise PatternError("can be true in no way, or in too many")
    return ways


def _joined(chosen: Iterable[Mapping[str, str]]) -> Mapping[str, str] | None:
    """All of ``chosen`` at once; None if they contradict each other."""
    way: dict[str, str] = {}
    for part in chosen:
        for name, value in part.items():
            if way.setdefault(name, value) != value:
                return None
    return way
