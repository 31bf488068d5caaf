"""STIX 2.1 as the forum speaks it: fixed ids, our extension definitions with their JSON schemas, TLP 2.0, ATLAS.

Objects themselves are plain dicts of JSON values. Every id here is fixed for ever; change a schema only by giving the
extension a new version, a property only by adding an optional one. Whatever a member may say is an enumeration, a band
or a pattern: no property of an extension takes free text, and ``NAME`` and ``DESCRIPTIONS`` close the two text fields
that the standard asks for.

Source: STIX 2.1 (OASIS Standard, June 2021), 7.3 extension definitions; TLP 2.0 (FIRST, 2022) by the extension of the
OASIS CTI committee's common objects; MITRE ATLAS 5.5.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

#: A STIX object.
Object = dict[str, Any]

SPEC_VERSION: Final = "2.1"
#: The project as a source: it made the extension definitions and the ATLAS references, and nothing else.
PROJECT: Final = "identity--4856b857-ca66-447f-afc5-39e8b0c4ccc0"
PUBLISHED: Final = "2026-11-21T00:00:00.000Z"

#: Bands of a number of accounts: the least number of each and its name.
ACCOUNT_BANDS: Final = (
    (10_000, "10000-or-more"), (1_000, "1000-to-9999"), (100, "100-to-999"), (10, "10-to-99"), (0, "under-10"),
)  # fmt: skip
#: Bands of a share of the campaign's accounts.
PART_BANDS: Final = ((0.95, "nearly-all"), (0.75, "most"), (0.5, "half"))


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of ours: a property extension with a JSON schema of its own.

    Attributes:
        id: of its extension definition.
        name: short name, also that of its file in ``schema/stix_extensions``.
        on: types of object it may stand on.
        pattern: the whole pattern of an indicator that is matched by this extension; "" if it is not for indicators.
    """

    id: str
    name: str
    on: frozenset[str]
    pattern: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema (draft 2020-12), of the keywords that ``schema.shape`` knows."""
        return _schema(self.name)


@lru_cache(maxsize=32)
def _schema(name: str) -> dict[str, Any]:
    text = resources.files("stillwatch.schema").joinpath(f"stix_extensions/{name}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _matched(name: str) -> str:
    """The pattern of an indicator that STIX observables cannot express: true of what its extension is true of."""
    return f"[x-stillwatch-account:matches = '{name}']"


TEMPLATE: Final = Extension(
    "extension-definition--78b39e15-192f-40a0-a847-0c55a10679ad", "template-fingerprint", frozenset({"indicator"}),
    _matched("template-fingerprint"),
)  # fmt: skip
COHORT: Final = Extension(
    "extension-definition--32a3d73c-6959-4c3d-a119-8c7ee9eeb226", "account-cohort", frozenset({"indicator"}),
    _matched("account-cohort"),
)  # fmt: skip
PROXY: Final = Extension(
    "extension-definition--980a0de9-6216-4114-ba8d-b1fec428b826", "proxy-cluster",
    frozenset({"indicator", "infrastructure"}), _matched("proxy-cluster"),
)  # fmt: skip
OBJECTIVE: Final = Extension(
    "extension-definition--6728cf2d-11fc-455c-b364-c1b3bf6bad7b", "extraction-objective", frozenset({"campaign"})
)
REPLAY: Final = Extension(
    "extension-definition--e3dc85a1-955a-464a-bdf9-0f851f1a175c", "reasoning-replay", frozenset({"indicator"}),
    _matched("reasoning-replay"),
)  # fmt: skip
CLIENT: Final = Extension(
    "extension-definition--051d8150-16eb-4025-9185-d31c461119d6", "client-fingerprint", frozenset({"network-traffic"})
)
SIGNATURE: Final = Extension(
    "extension-definition--688291e5-2786-4180-9698-0c51ec3dca18", "signature",
    frozenset({"campaign", "indicator", "infrastructure", "attack-pattern", "relationship", "sighting", "identity",
               "opinion", "note"}),
)  # fmt: skip

EXTENSIONS: Final = (TEMPLATE, COHORT, PROXY, OBJECTIVE, REPLAY, CLIENT, SIGNATURE)
BY_ID: Final = {extension.id: extension for extension in EXTENSIONS}

#: TLP 2.0, strictest last. The markings are not ours: ids and contents as OASIS published them.
TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP: Final = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_TLP_CREATED: Final = "2022-10-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique of MITRE ATLAS, and the id under which every member speaks of it (ATLAS's own ids change)."""

    atlas: str
    name: str
    phase: str  # ATLAS tactic
    id: str


TECHNIQUES: Final = {
    each.atlas: each
    for each in (
        Technique("AML.T0008.005", "AI Service Proxies", "resource-development",
                  "attack-pattern--89b208f5-1e3d-42a3-a6a9-d48e0cb5a149"),
        Technique("AML.T0012", "Valid Accounts", "initial-access",
                  "attack-pattern--7b5ba613-d850-47ec-a85c-19d978d1ce82"),
        Technique("AML.T0021", "Establish Accounts", "resource-development",
                  "attack-pattern--1fc5dc8a-952a-4796-8b14-b5bb35b71afb"),
        Technique("AML.T0024.002", "Extract AI Model", "exfiltration",
                  "attack-pattern--bbfc9abf-7059-41a5-b31f-e7ccfc10aedb"),
        Technique("AML.T0040", "AI Model Inference API Access", "ai-model-access",
                  "attack-pattern--df1ac041-e74a-47f6-a363-dfa8e0606e7c"),
        Technique("AML.T0048.004", "AI Intellectual Property Theft", "impact",
                  "attack-pattern--0cdc7a36-b4f4-4e0d-b595-e323612228f4"),
        Technique("AML.T0065", "LLM Prompt Crafting", "resource-development",
                  "attack-pattern--81fa855a-db64-44de-8d30-eca485a66c6c"),
    )
}  # fmt: skip

#: The label of what a drill made: no hub but a drill's takes it, and no log but a simulated one is searched for it.
DRILL: Final = "drill"


def of_drill(found: Object) -> bool:
    """Whether an object is marked as a drill's."""
    labels = found.get("labels")
    return isinstance(labels, list) and DRILL in labels


#: ``name`` of the minted types: a word for what it is, and the first eight digits of its id.
NAME: Final = r"^(Extraction campaign|Indicator|Infrastructure|Forum member) [0-9a-f]{8}$"
#: ``description`` of an indicator, by what it is matched by. No other text is minted.
DESCRIPTIONS: Final = {
    "address-range": "Requests come from this address range, which several accounts of the campaign share.",
    "client-software": "Requests carry this client fingerprint, which accounts of the campaign share.",
    TEMPLATE.name: "Prompts are made from this template; several accounts of the campaign fill it differently.",
    COHORT.name: "Accounts are made together and behave alike, as those of the campaign do.",
    PROXY.name: "Accounts call through a network of proxies or a reseller, as those of the campaign do.",
    REPLAY.name: "Accounts send back reasoning blocks that were issued elsewhere, as those of the campaign do.",
}


def project() -> Object:
    """The identity of the project."""
    return {
        "type": "identity", "spec_version": SPEC_VERSION, "id": PROJECT, "created": PUBLISHED, "modified": PUBLISHED,
        "name": "Stillwatch", "identity_class": "system", "object_marking_refs": [TLP["clear"]],
    }  # fmt: skip


def definition(extension: Extension) -> Object:
    """The extension-definition object of ``extension``, its JSON schema inside."""
    schema = extension.schema
    return {
        "type": "extension-definition", "spec_version": SPEC_VERSION, "id": extension.id, "created_by_ref": PROJECT,
        "created": PUBLISHED, "modified": PUBLISHED, "name": f"Stillwatch {extension.name}",
        "description": schema["description"], "schema": json.dumps(schema, sort_keys=True, separators=(",", ":")),
        "version": "1.0.0", "extension_types": ["property-extension"], "object_marking_refs": [TLP["clear"]],
    }  # fmt: skip


def marking(level: str) -> Object:
    """The marking-definition of a level of TLP 2.0, as OASIS published it."""
    return {
        "type": "marking-definition", "spec_version": SPEC_VERSION, "id": TLP[level], "created": _TLP_CREATED,
        "name": f"TLP:{level.upper()}",
        "extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }  # fmt: skip


def attack_pattern(technique: Technique) -> Object:
    """The attack-pattern object that refers to ``technique``."""
    return {
        "type": "attack-pattern", "spec_version": SPEC_VERSION, "id": technique.id, "created_by_ref": PROJECT,
        "created": PUBLISHED, "modified": PUBLISHED, "name": technique.name,
        "kill_chain_phases": [{"kill_chain_name": "mitre-atlas", "phase_name": technique.phase}],
        "external_references": [{"source_name": "mitre-atlas", "external_id": technique.atlas}],
        "object_marking_refs": [TLP["clear"]],
    }  # fmt: skip


#: Objects that are the same for everybody and may always travel, by id.
@lru_cache(maxsize=1)
def published() -> dict[str, Object]:
    """Every object of this module by its id: identity, extension definitions, markings, attack patterns."""
    objects = (
        project(), *map(definition, EXTENSIONS), *map(marking, TLP), *map(attack_pattern, TECHNIQUES.values()),
    )  # fmt: skip
    return {each["id"]: each for each in objects}
