"""Whose request it is, and what is refused because servers could disagree about it."""

import hashlib
from typing import Any

import pytest

from stillwatch.server.gate.identity import KeyRow, Trust, Who, who
from stillwatch.server.gate.refusal import Refused

NAMED = hashlib.sha256(b"K").hexdigest()
KEYS = Trust(keys={NAMED: KeyRow(NAMED, "acme", "org", "paid")})


def sender(trust: Trust, *headers: tuple[bytes, bytes]) -> Who:
    scope: dict[str, Any] = {"method": "POST", "headers": list(headers), "client": None}
    return who(scope, trust)


@pytest.mark.parametrize("value", [b"Bearer K", b"bearer   K ", b"BASIC K", b" K"])
def test_a_key_is_its_accounts_however_it_is_shown(value: bytes) -> None:
    found = sender(KEYS, (b"authorization", value))
    assert (found.account_id, found.organization_id, found.tier) == ("acme", "org", "paid")
    assert sender(KEYS, (b"authorization", value), (b"x-api-key", b"K")).account_id == "acme"


@pytest.mark.parametrize(
    "value", [b"Bearer\tK", b"Bearer K other", b"Bearer K, Bearer L", b"Bearer K,", b"Bearer\xa0K", b"Bearer \x0bK"]
)
def test_a_credential_in_which_servers_could_see_different_keys_is_refused(value: bytes) -> None:
    with pytest.raises(Refused, match="ambiguous_credential"):
        sender(KEYS, (b"authorization", value))


def test_other_schemes_have_parts_and_are_accounts_of_their_own() -> None:
    value = b"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"
    assert sender(KEYS, (b"authorization", value)).account_id.startswith("key-")


def test_an_account_is_spelled_as_the_log_and_the_programmes_spell_it() -> None:
    trust = Trust(account=b"x-account")
    assert sender(trust, (b"x-account", "Zürich".encode())).account_id == "Zürich"
    assert sender(trust, (b"x-account", "Zürich".encode("latin-1"))).account_id == "Zürich"


def test_an_underscore_is_no_hyphen_whatever_server_runs_the_gate() -> None:
    with pytest.raises(Refused, match="malformed"):
        sender(Trust(account=b"x-account"), (b"x-account", b"a"), (b"x_account", b"b"))
