"""Every forbidden category through every field: nested, encoded, in ids and hashes, in other alphabets."""

import base64
import codecs
import ipaddress
import json
import random
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forum.guard.made import FIXTURES, GUARD, OPEN, RELEASED, Path, get, outcome, places, put

#: What must not leave, at least two of each category of the policy that never leaves.
FORBIDDEN = {
    "prices": ("our price is 3 USD per million tokens", "40% discount from May", "price:4.20"),
    "costs": ("gross margin of 61 percent", "cost per GPU hour"),
    "customers": ("Example Corp spends 2M a year", "customer list: A, B, C"),
    "capacity": ("we run 20000 GPUs at 93% utilisation", "total volume 5bn tokens a day"),
    "roadmap": ("unreleased model Falcon launches in March", "roadmap: agents next quarter"),
    "model-secrets": ("threshold is 0.93", "1.8T weights, mixture of experts", "training data has books"),
    "terms": ("resellers get a commission of 12%", "exclusive licence until 2028"),
    "dealing": ("we banned them", "please ban account 7", "do not serve Example Corp"),
    "shares": ("market share 31%", "we forecast revenue of 9bn"),
    "staff": ("we pay researchers 900k", "do not hire from us"),
    "content": ("You are a grader. Think step by step.", "prompt: write a poem"),
    "personal": ("ms.example@mail.example", "card 4111 1111 1111 1111", "+49 170 0000000"),
    "exclusion": ("block everything from that country", "keep the newcomer out of the market"),
}
CONFUSABLE = str.maketrans(
    "aceopxyiBHKMT", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0412\u041d\u041a\u041c\u0422"
)


def pairs(text: str) -> str:
    return "\u200b".join(text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capitals": str.upper,
    "backwards": lambda text: text[::-1],
    "other alphabet": lambda text: text.translate(CONFUSABLE),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "mathematical": lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
    "no width": pairs,
    "tags": lambda text: "".join(chr(0xE0000 + ord(c)) for c in text if ord(c) < 128),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "every percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "JSON": lambda text: json.dumps({"note": text}),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "digits": lambda text: "".join(f"{byte:03d}" for byte in text.encode()),
    "slug": lambda text: "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()),
}
PHRASES = sorted({phrase for each in FORBIDDEN.values() for phrase in each})
SPOTS = [(name, path) for name, each in FIXTURES.items() for path in places(each)]
OBJECTS = [(name, path) for name, path in SPOTS if isinstance(get(FIXTURES[name], path), dict)]
LISTS = [(name, path) for name, path in SPOTS if isinstance(get(FIXTURES[name], path), list)]
TEXTS = [(name, path) for name, path in SPOTS if isinstance(get(FIXTURES[name], path), str)]
NAMES = (
    "x_note", "description", "labels", "lang", "external_references", "granular_markings", "name", "aliases", "goals",
    "objective", "x_action_taken", "action", "content", "abstract", "explanation", "authors", "contact_information",
    "sectors", "roles", "defanged", "kill_chain_phases", "extensions", "url", "hashes", "revision", "country", "custom",
)  # fmt: skip

phrases = st.sampled_from(PHRASES)
encodings = st.sampled_from(sorted(ENCODINGS)).map(ENCODINGS.__getitem__)
payloads = st.builds(lambda encode, phrase: encode(phrase), encodings, phrases)
wrapped = st.recursive(
    payloads,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(payloads, inner, min_size=1, max_size=2),
    max_leaves=4,
)  # fmt: skip


def test_every_category_that_never_leaves_is_tried() -> None:
    assert set(FORBIDDEN) == {each.id for each in GUARD.policy.file.category if each.leaves == "never"}


def test_the_fixtures_themselves_leave() -> None:
    assert {name for name, each in FIXTURES.items() if outcome(each) == "release"} == set(RELEASED)


@given(st.sampled_from(SPOTS), wrapped)
@settings(max_examples=400)
def test_in_place_of_anything(spot: tuple[str, Path], payload: Any) -> None:
    name, path = spot
    assert outcome(put(FIXTURES[name], path, payload)) != "release"


@given(st.sampled_from(TEXTS), payloads, st.sampled_from(["before", "after", "within", "after a space", "a new line"]))
@settings(max_examples=400)
def test_within_any_text(spot: tuple[str, Path], payload: str, where: str) -> None:
    name, path = spot
    text = get(FIXTURES[name], path)
    half = len(text) // 2
    told = {
        "before": payload + text, "after": text + payload, "within": text[:half] + payload + text[half:],
        "after a space": f"{text} {payload}", "a new line": f"{text}\n{payload}",
    }[where]  # fmt: skip
    assert outcome(put(FIXTURES[name], path, told)) != "release"


@given(
    st.sampled_from(OBJECTS),
    st.sampled_from(NAMES) | payloads,
    wrapped | st.sampled_from([True, None, 42, 0.5, [], {}]),
)
@settings(max_examples=400)
def test_as_another_property_of_any_object(spot: tuple[str, Path], name: str, payload: Any) -> None:
    fixture, path = spot
    here = get(FIXTURES[fixture], path)
    if name not in here:
        assert outcome(put(FIXTURES[fixture], (*path, name), payload)) != "release"


@given(st.sampled_from(LISTS), wrapped, st.booleans())
def test_as_another_item_of_any_list(spot: tuple[str, Path], payload: Any, first: bool) -> None:
    name, path = spot
    here = get(FIXTURES[name], path)
    assert outcome(put(FIXTURES[name], path, [payload, *here] if first else [*here, payload])) != "release"


@given(st.sampled_from(OBJECTS), payloads, st.data())
def test_as_the_name_of_a_property(spot: tuple[str, Path], payload: str, data: st.DataObject) -> None:
    name, path = spot
    here = get(FIXTURES[name], path)
    old = data.draw(st.sampled_from(sorted(here)))
    told = {payload if each == old else each: value for each, value in here.items()}
    assert outcome(put(FIXTURES[name], path, told)) != "release"


@given(st.sampled_from(SPOTS), phrases)
def test_as_a_number(spot: tuple[str, Path], phrase: str) -> None:
    name, path = spot
    assert outcome(put(FIXTURES[name], path, int.from_bytes(phrase.encode()[:7]))) != "release"


def filled(text: str, size: int, how: str) -> bytes:
    """``text`` over ``size`` bytes: again and again, or followed by zeros or spaces."""
    data = {
        "again": text.encode() * size,
        "zeros": text.encode().ljust(size, b"\0"),
        "spaces": text.encode().ljust(size),
    }
    return data[how][:size]


def with_number(id_: str, number: str) -> str:
    return f"{id_.partition('--')[0]}--{number}"


WRITERS: dict[str, Callable[[str, str], str]] = {
    "bytes, then the fixed bits": lambda text, how: str(uuid.UUID(bytes=filled(text, 16, how), version=4)),
    "bytes past the fixed bits": lambda text, how: shifted(filled(text, 15, how).hex()),
    "capitals": lambda text, how: str(uuid.UUID(bytes=filled(text.upper(), 16, how), version=5)),
    "high bits": lambda text, how: shifted(bytes(b | 128 for b in filled(text, 15, "again")).hex()),
    "decimal digits": lambda text, how: shifted("".join(f"{b:03d}" for b in filled(text, 10, "again"))),
    "two bytes a letter": lambda text, how: shifted(filled(text, 7, how).decode().encode("utf-16-le").hex() + "00"),
    "a counter": lambda text, how: str(uuid.UUID(int=len(text) << 3, version=4)),
}


def shifted(digits: str) -> str:
    """30 hexadecimal digits around the version and variant of a UUID."""
    told = f"{digits[:12]}4{digits[12:15]}8{digits[15:30]}"
    return str(uuid.UUID(told))


IDS = [(name, path) for name, path in TEXTS if "--" in get(FIXTURES[name], path) and name != "technique"]


@given(st.sampled_from(IDS), phrases, st.sampled_from(sorted(WRITERS)), st.sampled_from(["again", "zeros", "spaces"]))
@settings(max_examples=400)
def test_in_any_id(spot: tuple[str, Path], phrase: str, writer: str, how: str) -> None:
    name, path = spot
    told = put(FIXTURES[name], path, with_number(get(FIXTURES[name], path), WRITERS[writer](phrase, how)))
    if (
        path == ("id",)
        and "name" in told
        and FIXTURES[name]["name"].endswith(FIXTURES[name]["id"].partition("--")[2][:8])
    ):
        told["name"] = told["name"][:-8] + told["id"].partition("--")[2][:8]
    assert outcome(told) != "release"


@given(phrases, st.integers(8, 60))
def test_across_the_anchors_of_a_template(phrase: str, count: int) -> None:
    data = filled(phrase, count * 8, "again")
    chosen = sorted({data[at : at + 8].hex() for at in range(0, len(data), 8)})
    told = json.loads(json.dumps(FIXTURES["template"]))
    (extension,) = told["extensions"].values()
    extension |= {"anchors": chosen, "template": chosen[0]}
    assert outcome(told) != "release"


@given(phrases, st.integers(3, 20))
def test_across_addresses(phrase: str, count: int) -> None:
    data = filled(phrase, count * 4, "again")
    found = sorted({str(ipaddress.IPv4Address(data[at : at + 4])) for at in range(0, len(data), 4)})
    alone = " OR ".join(f"ipv4-addr:value = '{each}'" for each in found)
    apart = " OR ".join(f"[ipv4-addr:value = '{each}']" for each in found)
    if len(found) >= 3:
        for pattern in (f"[{alone}]", apart):
            assert outcome({**FIXTURES["address"], "pattern": pattern}) != "release"


@given(phrases)
def test_in_the_hashes_of_a_client(phrase: str) -> None:
    digits = filled(phrase, 12, "again").hex()
    pattern = FIXTURES["client"]["pattern"].replace("2ad17872efc4_7872efc4c6f9", f"{digits[:12]}_{digits[12:]}")
    assert outcome({**FIXTURES["client"], "pattern": pattern}) != "release"


@given(phrases, st.booleans())
def test_in_a_signature(phrase: str, in_key: bool) -> None:
    chance = random.Random(phrase)
    key = filled(phrase, 32, "again") if in_key else chance.randbytes(32)
    value = chance.randbytes(64) if in_key else filled(phrase, 64, "again")
    signed = {
        "extension_type": "property-extension",
        "payload_type": "application/stix+json;version=2.1",
        "signatures": [{"keyid": key.hex(), "sig": base64.b64encode(value).decode()}],
    }
    extension = {"extension-definition--688291e5-2786-4180-9698-0c51ec3dca18": signed}
    assert outcome({**FIXTURES["opinion"], "extensions": extension}) != "release"
    signed["signatures"] = [
        {"keyid": chance.randbytes(32).hex(), "sig": base64.b64encode(chance.randbytes(64)).decode()}
    ]
    assert outcome({**FIXTURES["opinion"], "extensions": extension}) == "release"


@pytest.mark.parametrize(
    "moment",
    ["2026-11-20T00:00:00.004200Z", "2026-11-20T00:00:00.042Z", "2026-11-20T00:00:00+00:42", "2026-11-20 00:00:00Z",
     "20261120T000000Z", "2026-11-20T00:00:00.000000Z", "2026-W47-5T00:00:00Z", "0042-11-20T00:00:00Z",
     "2026-11-20T00:00:60Z", "2026-11-20T24:00:00Z", "٢٠٢٦-11-20T00:00:00Z", "9999-12-31T00:00:00Z"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["created", "modified", "valid_from", "valid_until"])
def test_in_a_time(name: str, moment: str) -> None:
    assert outcome({**FIXTURES["address"], name: moment}) == "withhold"


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0], [0, 0, 1]])
def test_in_the_order_of_a_list(order: list[int]) -> None:
    told = json.loads(json.dumps(FIXTURES["template"]))
    (extension,) = told["extensions"].values()
    extension["anchors"] = [extension["anchors"][place] for place in order]
    assert outcome(told) == "withhold"


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] ", " [ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        "[ ipv4-addr:value ISSUBSET '198.51.100.0/24']", "[ipv4-addr:value ISSUBSET '198.51.100.1/24']",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/024']", "[ipv4-addr:value ISSUBSET '198.051.100.0/24']",
        "[ipv4-addr:value NOT ISSUBSET '198.51.100.0/24']", "[ipv4-addr:value LIKE '198.51.100.%']",
        "[ipv4-addr:value MATCHES 'price']", "[ipv4-addr:value IN ('198.51.100.0')]",
        "[(ipv4-addr:value ISSUBSET '198.51.100.0/24')]", "([ipv4-addr:value ISSUBSET '198.51.100.0/24'])",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] REPEATS 40 TIMES",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] WITHIN 40 SECONDS",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] // price",
        "[ipv4-addr:value ISSUBSET '203.0.113.0/24' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        "[url:value = 'https://price.example/40']", "[email-addr:value = 'a@b.example']",
        "[x-price:value = '40']", "[ipv4-addr:x_price = '40']", "[user-account:user_id = 'examplecorp']",
        "[domain-name:value = 'we-banned-them.example']", "[ipv4-addr:value ISSUBSET '2001:db8::/32']",
        "[ipv4-addr:value ISSUBSET '127.0.0.0/24']", "[ipv4-addr:value ISSUBSET '100.64.0.0/24']",
    ],
)  # fmt: skip
def test_in_the_spelling_of_a_pattern(pattern: str) -> None:
    assert outcome({**FIXTURES["address"], "pattern": pattern}) == "withhold"


@given(st.sampled_from(sorted(FIXTURES)), st.sampled_from(SPOTS), st.data())
@settings(max_examples=400)
def test_whatever_is_put_in_what_leaves_is_ascii_and_nothing_raises(name: str, spot: Any, data: st.DataObject) -> None:
    name, path = spot
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=8,
    )  # fmt: skip
    told = put(FIXTURES[name], path, data.draw(anything))
    decision = GUARD.decide(told, OPEN)
    assert decision.verdict()
    assert decision.lines
    if str(decision.outcome) == "release":
        leaves = [get(told, each) for each in places(told)]
        assert all(text.isascii() and len(text) <= 10_000 for text in leaves if isinstance(text, str))
        assert not any(isinstance(leaf, float) or leaf is None for leaf in leaves)
