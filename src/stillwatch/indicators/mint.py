"""Findings to STIX 2.1: the campaign, what others can look for, infrastructure, techniques, and how they hang together.

What is minted says how an attack is made and nothing of whom it was made on: no account, customer, prompt, address of
one account, or volume; accounts are counted in bands and times are days. The same findings minted under the same key
and identity give the same objects: ids as in ``indicators.ids``, ``created`` the first day of the campaign,
``modified`` the day after its last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from stillwatch.errors import UsageError
from stillwatch.indicators.decay import valid_until, write_day, write_time
from stillwatch.indicators.findings import Finding
from stillwatch.indicators.ids import key_of, object_id
from stillwatch.indicators.interface import Minted
from stillwatch.indicators.looks import Look, band, looks, proxy
from stillwatch.indicators.patterns import Network
from stillwatch.schema import stix

#: Confidence of a campaign by its q-value, on the scale of STIX 2.1, appendix A (DNI): very likely, likely.
_CONFIDENCE: Final = ((1e-3, 85), (1.0, 70))
#: Steps down that scale, and the part of an indicator's accounts that must be the campaign's to stay on the step.
_STEPS: Final = (85, 70, 50, 30)
_PRECISE: Final = (0.95, 0.75)


@dataclass(frozen=True, slots=True)
class Order:
    """How to mint.

    Attributes:
        key: the member's secret, which makes the ids.
        tlp: level of TLP 2.0.
        identity: id of the identity that the hub assigned; "" for one made from the key.
        hosting: networks of hosting providers: address ranges outside them are not told; None where none are known.
        cases: case studies of MITRE ATLAS (``AML.CS0056``) that a person says the campaigns are of.
        drill: whether it is a drill, of findings of simulated traffic; every object is marked so.
    """

    key: bytes
    tlp: str = "amber+strict"
    identity: str = ""
    hosting: tuple[Network, ...] | None = None
    cases: tuple[str, ...] = ()
    drill: bool = False


def mint(findings: Sequence[Finding], order: Order) -> Minted:
    """STIX objects of ``findings``: first those that everybody has, then each campaign's; no id twice.

    Raises:
        UsageError: the findings are of simulated traffic and it is no drill, or the other way round.
    """
    invented = [finding.id for finding in findings if finding.simulated]
    if invented and not order.drill:
        do = "Give --drill: the objects are marked, and go to a drill's collection alone"
        raise UsageError("the traffic is simulated, and nobody is to act on it", where=invented[0], do=do)
    if order.drill and len(invented) < len(findings):
        raise UsageError("findings of real traffic are not for drills", where="--drill", do="Leave --drill out")
    left_out: list[str] = []
    objects: dict[str, stix.Object] = {}
    for finding in findings:
        for each in _Mint(finding, order).objects(left_out):
            objects.setdefault(each["id"], each)
    common = stix.published()
    named = {stix.PROJECT, stix.TLP["clear"]} if objects else set()
    for each in objects.values():
        named |= {*each.get("extensions", {}), *each["object_marking_refs"]}
        named |= {stix.CLIENT.id} if stix.CLIENT.id in each.get("pattern", "") else set()
    first = [each for id_, each in common.items() if id_ in named and id_ not in objects]
    return Minted((*first, *objects.values()), tuple(left_out))


def bundle(objects: Sequence[stix.Object], key: bytes) -> stix.Object:
    """``objects`` in a bundle whose id depends on them."""
    versions = sorted(f"{each['id']} {each.get('modified', each['created'])}" for each in objects)
    whole: stix.Object = {"type": "bundle", "id": object_id(key, "bundle", *versions)}
    return whole | ({"objects": list(objects)} if objects else {})


class _Mint:
    """Makes the objects of one finding."""

    def __init__(self, finding: Finding, order: Order) -> None:
        self._finding, self._order = finding, order
        self._first, self._last = _day(finding.first_seen), _day(finding.last_seen)
        self._by = order.identity or object_id(order.key, "identity")
        self._key = key_of(order.key, order.identity)
        self._confidence = next(level for limit, level in _CONFIDENCE if finding.q_value <= limit)

    def objects(self, left_out: list[str]) -> Iterator[stix.Object]:
        if not self._order.identity:
            yield self._object("identity", self._by, name="Forum member", identity_class="organization")
        campaign = self._campaign()
        yield campaign
        found = list(looks(self._finding, self._order.hosting, left_out))
        infrastructure = self._infrastructure(sum(look.kind == "address-range" for look in found))
        if infrastructure:
            yield infrastructure
            yield self._tie(campaign, "uses", infrastructure)
        for name in self._finding.techniques:
            if name in stix.TECHNIQUES:
                technique = stix.published()[stix.TECHNIQUES[name].id]
                yield technique
                yield self._tie(campaign, "uses", technique)
            else:
                left_out.append(f"{self._finding.id}: the technique {name}, which has no id here")
        for look in found:
            yield from self._indicator(look, campaign, infrastructure)

    def _campaign(self) -> stix.Object:
        content: dict[str, Any] = {
            "extension_type": "property-extension",
            "accounts": band(len(self._finding.accounts)),
        }
        properties = stix.OBJECTIVE.schema["properties"]
        known = properties["targets"]["items"]["enum"]
        targets = [each for each in dict.fromkeys(self._finding.targets) if each in known]
        signals = {
            line.signal.removeprefix("cue_") for line in self._finding.evidence if line.signal.startswith("cue_")
        }
        cues = [each for each in properties["cues"]["items"]["enum"] if each in signals]
        content |= ({"targets": targets} if targets else {}) | ({"cues": cues} if cues else {})
        cases = [{"source_name": "mitre-atlas", "external_id": case} for case in self._order.cases]
        return self._object(
            "campaign", self._id("campaign"), name="Extraction campaign", confidence=self._confidence, **self._seen(),
            **({"external_references": cases} if cases else {}), extensions={stix.OBJECTIVE.id: content},
        )  # fmt: skip

    def _infrastructure(self, ranges: int) -> stix.Object | None:
        content = proxy(self._finding, self._finding.shared or (), ranges)
        if content["cluster_kind"] == "unknown" and not ranges:
            return None
        kind = "unknown" if content["cluster_kind"] == "unknown" else "anonymization"
        return self._object(
            "infrastructure", self._id("infrastructure"), name="Infrastructure", infrastructure_types=[kind],
            confidence=self._confidence, **self._seen(),
            extensions={stix.PROXY.id: {"extension_type": "property-extension", **content}},
        )  # fmt: skip

    def _indicator(
        self, look: Look, campaign: stix.Object, infrastructure: stix.Object | None
    ) -> Iterator[stix.Object]:
        extension = next((e for e in stix.EXTENSIONS if e.name == look.kind), None)
        content = {"extension_type": "property-extension", **look.extension}
        indicator = self._object(
            "indicator", self._id("indicator", look.kind, look.name), name="Indicator",
            description=stix.DESCRIPTIONS[look.kind], indicator_types=["anomalous-activity"], pattern=look.pattern,
            pattern_type="stix", pattern_version=stix.SPEC_VERSION, valid_from=write_day(self._first),
            valid_until=write_day(valid_until(self._last, look.kind)),
            confidence=min(look.most, _stepped(self._confidence, look)),
            **({"extensions": {extension.id: content}} if extension else {}),
        )  # fmt: skip
        yield indicator
        yield self._tie(indicator, "indicates", campaign)
        if infrastructure and look.kind in {"address-range", stix.PROXY.name}:
            yield self._tie(indicator, "indicates", infrastructure)
        yield self._object(
            "sighting", self._id("sighting", look.kind, look.name), sighting_of_ref=indicator["id"],
            where_sighted_refs=[self._by], **self._seen(),
        )  # fmt: skip

    def _tie(self, source: stix.Object, type_: str, target: stix.Object) -> stix.Object:
        id_ = object_id(self._key, "relationship", source["id"], type_, target["id"])
        return self._object(
            "relationship", id_, relationship_type=type_, source_ref=source["id"], target_ref=target["id"]
        )

    def _object(self, type_: str, id_: str, **own: Any) -> stix.Object:
        if "name" in own:
            own["name"] += f" {id_.partition('--')[2][:8]}"
        return {
            "type": type_, "spec_version": stix.SPEC_VERSION, "id": id_, "created_by_ref": self._by,
            "created": write_time(self._first), "modified": write_time(self._last + timedelta(days=1)), **own,
            "object_marking_refs": [stix.TLP[self._order.tlp]],
            **({"labels": [stix.DRILL]} if self._order.drill else {}),
        }  # fmt: skip

    def _id(self, type_: str, *content: str) -> str:
        return object_id(self._key, type_, self._finding.id, *content)

    def _seen(self) -> dict[str, str]:
        return {"first_seen": write_day(self._first), "last_seen": write_day(self._last)}


def _stepped(level: int, look: Look) -> int:
    precision = look.accounts / max(look.accounts + look.elsewhere, 1)
    return _STEPS[min(_STEPS.index(level) + sum(precision < least for least in _PRECISE), len(_STEPS) - 1)]


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
