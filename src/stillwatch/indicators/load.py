"""Import: STIX of any maker, and MISP events, as STIX objects that can be matched and kept."""

import re
from pathlib import Path
from typing import Any, Final

from stillwatch.indicators.check import faults_of
from stillwatch.indicators.decay import read_time
from stillwatch.indicators.files import objects_in, read_json
from stillwatch.indicators.interface import Fault, Imported
from stillwatch.indicators.patterns import MATCHED
from stillwatch.schema import stix

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,62}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What every object of these types has, beside type, id and spec_version.
_NEEDED: Final = {
    "indicator": ("created", "modified", "pattern", "pattern_type", "valid_from"),
    "relationship": ("created", "modified", "relationship_type", "source_ref", "target_ref"),
    "sighting": ("created", "modified", "sighting_of_ref"),
    "campaign": ("created", "modified", "name"),
}


def load(path: Path) -> Imported:
    """STIX objects of the file ``path``: a bundle, a TAXII envelope, an object; or a MISP event, converted.

    Objects that claim to be Stillwatch's (one of our extensions is on them) must be what ours are; others need no more
    than the standard asks. What is refused is told, and nothing is half read.

    Raises:
        InputError: the file cannot be read at all.
        MissingExtra: it is a MISP event, and the extra ``misp`` is not installed.
    """
    document = read_json(path)
    if isinstance(document, dict) and ("Event" in document or "response" in document):
        from stillwatch.indicators.misp import from_misp

        found: list[Any] = list(from_misp(document, str(path)))
    else:
        found = objects_in(document, str(path))
    kept: dict[tuple[str, str], stix.Object] = {}
    refused: list[Fault] = []
    for place, each in enumerate(found):
        fault = _fault(each)
        if fault:
            name = each.get("id") if isinstance(each, dict) else None
            refused.append(Fault(str(name or f"object {place + 1}")[:100], *fault))
        else:
            kept.setdefault((each["id"], str(each.get("modified", ""))), each)
    return Imported(tuple(kept.values()), tuple(refused))


def _fault(each: Any) -> tuple[str, str] | None:
    """Why an object cannot be taken, if it cannot."""
    if not isinstance(each, dict) or not isinstance(each.get("type"), str):
        return "", "is no STIX object"
    if each.get("spec_version") != stix.SPEC_VERSION:
        return "/spec_version", "is not STIX 2.1"
    if not isinstance(each.get("id"), str) or not _ID.fullmatch(each["id"]) or not _of_type(each):
        return "/id", "is no id of this type"
    for name in _NEEDED.get(each["type"], ()):
        if not isinstance(each.get(name), str):
            return f"/{name}", "is missing"
    for name in ("created", "modified", "valid_from", "valid_until"):
        if name in each and not _time(each[name]):
            return f"/{name}", "is no time"
    confidence = each.get("confidence", 0)
    if not isinstance(confidence, int) or not 0 <= confidence <= 100:
        return "/confidence", "is not from 0 to 100"
    extensions = each.get("extensions", {})
    if not isinstance(extensions, dict):
        return "/extensions", "is no object"
    ours = extensions.keys() & (stix.BY_ID.keys() - {stix.SIGNATURE.id}) or str(each.get("pattern")) in MATCHED
    return next(faults_of(each), None) if ours else None


def _of_type(each: dict[str, Any]) -> bool:
    return bool(each["id"].rpartition("--")[0] == each["type"])


def _time(value: Any) -> bool:
    try:
        return isinstance(value, str) and value.endswith("Z") and bool(read_time(value))
    except ValueError:
        return False
