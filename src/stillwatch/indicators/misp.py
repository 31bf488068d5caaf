"""MISP events to and from STIX.

An event carries each indicator in MISP's own terms (an address range as ``ip-src``, other patterns as
``stix2-pattern``, what an extension matches as an object of its properties), under the indicator's own UUID, so that
MISP correlates and tags it; and the whole bundle as an attachment, so that nothing is lost on the way back. Read events
of other makers too: addresses, user agents and STIX patterns that are marked for detection become indicators.
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from ipaddress import ip_network
from typing import Any, Final

from stillwatch.errors import InputError, MissingExtra
from stillwatch.indicators.decay import read_time, write_time
from stillwatch.indicators.files import DEEPEST, MOST_OBJECTS, deeper, objects_in, once
from stillwatch.indicators.patterns import MATCHED, PatternError, client_pattern, networks, parse
from stillwatch.indicators.patterns import range_pattern as of_range
from stillwatch.schema import stix

BUNDLE: Final = "stillwatch-bundle.json"
_ADDRESSES: Final = frozenset({"ip-src", "ip-dst"})
_TLP: Final = {f"tlp:{level}": id_ for level, id_ in stix.TLP.items()} | {"tlp:white": stix.TLP["clear"]}


def to_misp(objects: Sequence[stix.Object], bundle: stix.Object) -> str:
    """A MISP event (JSON) of ``objects``; ``bundle`` is what is attached.

    Raises:
        MissingExtra: the extra ``misp`` is not installed.
    """
    try:
        from pymisp import MISPEvent, MISPObject
    except ImportError as error:
        raise MissingExtra("pymisp", "misp") from error
    event = MISPEvent()
    event.uuid = bundle["id"].partition("--")[2]
    campaigns = [each for each in objects if each["type"] == "campaign"]
    event.info = ", ".join(each["name"] for each in campaigns[:5]) or "Indicators"
    indicators = [each for each in objects if each["type"] == "indicator" and not each.get("revoked")]
    dated = [each["modified"] for each in (*campaigns, *indicators)]
    event.set_date(max(dated)[:10] if dated else bundle_day(objects))
    event.distribution, event.analysis, event.threat_level_id = 0, 2, 2
    for tag in _tags(objects):
        event.add_tag(tag)
    for each in indicators:
        own = {
            "uuid": each["id"].partition("--")[2], "timestamp": int(read_time(each["modified"]).timestamp()),
            "first_seen": each["valid_from"], "comment": each.get("description", "")[:200],
        }  # fmt: skip
        extension = MATCHED.get(each["pattern"])
        if extension is None:
            for type_, value in _native(each["pattern"]):
                category = "Network activity" if type_ in _ADDRESSES else "External analysis"
                event.add_attribute(type_, value, category=category, to_ids=True, **own)
        else:
            told = MISPObject(f"stillwatch-{extension.name}", strict=False, standalone=False)
            told.from_dict(
                **{
                    "name": f"stillwatch-{extension.name}", "meta-category": "misc", "uuid": own["uuid"],
                    "comment": own["comment"], "description": extension.schema["description"],
                    "template_uuid": extension.id.partition("--")[2], "template_version": 1,
                }
            )  # fmt: skip
            for relation, value in _flat(each["extensions"][extension.id]):
                told.add_attribute(
                    relation, type="text", value=value, to_ids=False, disable_correlation=relation != "anchors",
                    uuid=_part(each["id"], f"{relation} {value}"),
                )  # fmt: skip
            event.add_object(told)
    text = json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode("ascii")
    whole = {"category": "External analysis", "uuid": _part(bundle["id"], BUNDLE)}
    event.add_attribute("attachment", BUNDLE, data=BytesIO(text), **whole)
    return json.dumps({"Event": json.loads(event.to_json())}, indent=2, sort_keys=True) + "\n"


def bundle_day(objects: Sequence[stix.Object]) -> str:
    """A date for an event without campaigns and indicators."""
    return max((str(each["created"]) for each in objects), default="1970-01-01")[:10]


def _part(id_: str, name: str) -> str:
    """The UUID of a part of an object: the same in every export of it."""
    return str(uuid.uuid5(uuid.UUID(id_.partition("--")[2]), name))


def _tags(objects: Sequence[stix.Object]) -> list[str]:
    """TLP, the strictest; and the ATLAS techniques, as MISP's galaxy names them."""
    marked = {ref for each in objects if each["type"] == "indicator" for ref in each.get("object_marking_refs", ())}
    levels = [level for level, id_ in stix.TLP.items() if id_ in marked]
    used = {each["id"] for each in objects if each["type"] == "attack-pattern"}
    techniques = [t for t in stix.TECHNIQUES.values() if t.id in used]
    return [f"tlp:{level}" for level in levels[-1:]] + [
        f'misp-galaxy:mitre-atlas-attack-pattern="{each.name} - {each.atlas}"' for each in techniques
    ]


def _native(pattern: str) -> list[tuple[str, str]]:
    """MISP's types and values of a pattern."""
    try:
        ranges = networks(parse(pattern))
    except PatternError:
        ranges = None
    if ranges is not None and len(ranges) == 1:
        return [("ip-src", str(ranges[0]))]
    return [("stix2-pattern", pattern)]


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, " | ".join(map(str, each.values())) if isinstance(each, dict) else str(each)


def from_misp(document: dict[str, Any], where: str) -> Iterator[Any]:
    """The STIX objects of a MISP event, or of a response with several: the bundle that it carries, or its attributes.

    Raises:
        InputError: it is no event.
    """
    response = document.get("response", [document])
    events = response if isinstance(response, list) else [response]
    for each in events:
        event = each.get("Event") if isinstance(each, dict) else None
        if not isinstance(event, dict):
            raise InputError("no MISP event", where=where)
        attributes = list(_attributes(event))
        if len(attributes) > MOST_OBJECTS:
            raise InputError(f"more than {MOST_OBJECTS:,} attributes", where=where)
        carried = next((a for a in attributes if a.get("type") == "attachment" and a.get("value") == BUNDLE), None)
        if carried is not None:
            yield from _carried(carried, where)
        else:
            yield from _converted(event, attributes)


def _attributes(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    groups = [event, *(o for o in _list(event.get("Object")) if isinstance(o, dict) and not o.get("deleted"))]
    for group in groups:
        yield from (a for a in _list(group.get("Attribute")) if isinstance(a, dict) and not a.get("deleted"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _carried(attribute: Mapping[str, Any], where: str) -> list[Any]:
    try:
        text = base64.b64decode(str(attribute.get("data", "")), validate=True).decode("utf-8")
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InputError(f"the attached {BUNDLE} cannot be read", where=where) from error
    if deeper(found, DEEPEST):
        raise InputError(f"the attached {BUNDLE} is deeper than {DEEPEST} levels", where=where)
    return objects_in(found, where)


def _converted(event: Mapping[str, Any], attributes: Sequence[Mapping[str, Any]]) -> Iterator[stix.Object]:
    tags = [str(t.get("name", "")).lower() for t in _list(event.get("Tag")) if isinstance(t, dict)]
    marking = [_TLP[tag] for tag in tags if tag in _TLP][:1]
    if marking and marking[0] != stix.TLP["clear"]:
        yield stix.published()[marking[0]]
    for each in attributes:
        pattern = _pattern(str(each.get("type", "")), str(each.get("value", "")))
        if not pattern or not each.get("to_ids"):
            continue
        stamp = write_time(_stamp(each, event))
        yield {
            "type": "indicator", "spec_version": stix.SPEC_VERSION, "id": f"indicator--{_uuid(each)}",
            "created": stamp, "modified": stamp, "name": "MISP attribute", "indicator_types": ["unknown"],
            "pattern": pattern, "pattern_type": "stix", "pattern_version": stix.SPEC_VERSION, "valid_from": stamp,
            **({"object_marking_refs": marking} if marking else {}),
        }  # fmt: skip


def _pattern(type_: str, value: str) -> str:
    if type_ in {f"{name}|port" for name in _ADDRESSES}:
        type_, value = type_.partition("|")[0], value.partition("|")[0]
    if type_ in _ADDRESSES:
        try:
            return of_range(ip_network(value.strip(), strict=False))
        except ValueError:
            return ""
    if type_ == "user-agent":
        return client_pattern({"user_agent": value})
    return value if type_ == "stix2-pattern" else ""


def _stamp(attribute: Mapping[str, Any], event: Mapping[str, Any]) -> datetime:
    text = str(attribute.get("timestamp", ""))
    if re.fullmatch(r"[0-9]{1,10}", text):
        return datetime.fromtimestamp(int(text), UTC)
    try:
        return datetime.fromisoformat(str(event.get("date", ""))).replace(tzinfo=UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _uuid(attribute: Mapping[str, Any]) -> str:
    try:
        return str(uuid.UUID(str(attribute.get("uuid", ""))))
    except ValueError:
        text = f"{attribute.get('type')} {attribute.get('value')}"
        return str(uuid.uuid5(uuid.NAMESPACE_OID, text))
