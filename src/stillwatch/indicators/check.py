"""Whether objects are what Stillwatch mints: every property, text, time, pattern and reference."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillwatch.indicators.decay import read_time
from stillwatch.indicators.interface import Fault
from stillwatch.indicators.patterns import MATCHED, PatternError, parse
from stillwatch.schema import shape, stix
from stillwatch.schema.profile import SHAPES


def check(objects: Sequence[Any], identity: str = "") -> tuple[Fault, ...]:
    """Everything that is wrong with ``objects``, in their order.

    ``identity`` is the id that a forum assigned to their maker, which need not be among them. Narrower than STIX 2.1:
    what is not minted here is a fault, though another tool may take it.
    """
    found: list[Fault] = []
    known = {*stix.published(), identity}
    seen: set[tuple[str, str]] = set()
    for place, each in enumerate(objects):
        name = each.get("id") if isinstance(each, dict) else None
        name = name if isinstance(name, str) else f"object {place + 1}"
        found += (Fault(name, at, why) for at, why in faults_of(each))
        version = (name, str(each.get("modified", "")) if isinstance(each, dict) else "")
        if version in seen:
            found.append(Fault(name, "/id", "is here twice in the same version"))
        seen.add(version)
        known.add(name)
    for each in objects:
        if isinstance(each, dict):
            found += (
                Fault(str(each.get("id")), at, f"refers to {ref}, which is not here")
                for at, ref in references(each)
                if ref not in known
            )
    return tuple(found)


def faults_of(each: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with one object: a JSON pointer and a reason for each fault."""
    if not isinstance(each, dict) or not isinstance(each.get("type"), str):
        yield "", "is no STIX object"
        return
    published = stix.published().get(str(each.get("id")))
    if published is not None:
        if _unsigned(each) != published:
            yield "", "is not what was published under this id"
        return
    if each["type"] not in SHAPES:
        yield "/type", f"{each['type'][:60]!r} is no type that is minted"
        return
    found = list(shape.faults(each, SHAPES[each["type"]]))
    yield from found
    if not found:
        yield from _extensions(each)
        yield from _times(each)
        yield from _meaning(each)


def references(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Ids that an object refers to, with the JSON pointers of where it does."""
    for name, value in each.items():
        if name.endswith("_ref"):
            yield f"/{name}", str(value)
        elif name.endswith("_refs") and isinstance(value, list):
            yield from ((f"/{name}/{place}", str(ref)) for place, ref in enumerate(value))
    extensions = each.get("extensions")
    if isinstance(extensions, dict) and each.get("type") != "marking-definition":
        yield from ((f"/extensions/{ref}", ref) for ref in extensions)


def _unsigned(each: dict[str, Any]) -> dict[str, Any]:
    """``each`` without a signature."""
    extensions = each.get("extensions")
    if not isinstance(extensions, dict) or stix.SIGNATURE.id not in extensions:
        return each
    kept = {name: content for name, content in extensions.items() if name != stix.SIGNATURE.id}
    rest = {name: value for name, value in each.items() if name != "extensions"}
    return rest | ({"extensions": kept} if kept else {})


def _extensions(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, content in each.get("extensions", {}).items():
        at, extension = f"/extensions/{name}", stix.BY_ID.get(name)
        if extension is None or each["type"] not in extension.on:
            yield at, "is no extension of this type of object"
        else:
            yield from ((at + below, why) for below, why in shape.faults(content, extension.schema))


def _times(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        times = {name: read_time(each[name]) for name in _ORDER if name in each}
    except ValueError:
        yield "", "has a time that no calendar has"
        return
    for early, late in (("created", "modified"), ("first_seen", "last_seen"), ("valid_from", "valid_until")):
        if early in times and late in times:
            same = times[early] == times[late] and late == "valid_until"
            if same or times[late] < times[early]:
                yield f"/{late}", f"is not after {early}"


_ORDER = ("created", "modified", "first_seen", "last_seen", "valid_from", "valid_until")


def _meaning(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if each["type"] == "indicator":
        yield from _indicator(each)
    elif each["type"] == "relationship":
        ends = tuple(each[end].partition("--")[0] for end in ("source_ref", "target_ref"))
        if (each["relationship_type"], *ends) not in _TIES:
            yield "/relationship_type", f"no {each['relationship_type']} from {ends[0]} to {ends[1]}"
    if "name" in each and each["name"].rpartition(" ")[2] != each["id"].partition("--")[2][:8]:
        yield "/name", "does not end in the first digits of the id"


_TIES = {
    ("indicates", "indicator", "campaign"),
    ("indicates", "indicator", "infrastructure"),
    ("uses", "campaign", "infrastructure"),
    ("uses", "campaign", "attack-pattern"),
}


def _indicator(each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    matched = MATCHED.get(each["pattern"])
    own = set(each.get("extensions", {})) - {stix.SIGNATURE.id}
    if own != ({matched.id} if matched else set()):
        yield "/extensions", "is not the extension that the pattern names"
    if matched:
        return
    try:
        parse(each["pattern"])
    except PatternError as error:
        yield "/pattern", error.what
