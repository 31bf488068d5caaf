"""Who may: analysts ask and compare, counsel agrees to a disclosure, a stranger gets nothing; limits hold."""

from hashlib import sha256

import httpx
import msgspec
import pytest

from stillwatch.forum.matching import messages, pseudonyms
from stillwatch.forum.matching.messages import Scope
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.matching import compare
from stillwatch.forum.member.matching.client import PACKED, opened
from stillwatch.server import matching_api
from stillwatch.server.openapi import document
from tests.forum.private.served import WAITS, World
from tests.forum.private.test_compare import addresses, begun


def ask(world: World, token: str, method: str, path: str, body: bytes = b"x", media: str = PACKED) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.tokens[token]}", "Content-Type": media}
    return httpx.request(method, f"{world.url}/forum/v1/matching/{path}", headers=headers, content=body)


@pytest.mark.parametrize("operation", matching_api.OPERATIONS, ids=lambda each: each.name)
def test_a_submitter_takes_no_part(standing: World, operation: matching_api.Operation) -> None:
    path = operation.path.removeprefix("/forum/v1/matching/").replace("{session}", "00" * 16).replace("{digest}", "0")
    assert ask(standing, "ada submitter", operation.method, path).status_code == 403


def test_counsel_agrees_and_nobody_else(world: World) -> None:
    session = begun(world, addresses(0, 60), addresses(40, 120))
    token = world.folder / "analyst"
    token.write_text(world.tokens["ada analyst"])
    token.chmod(0o600)
    with opened(world.state("ada"), token, WAITS) as analyst, pytest.raises(RefusedError, match="role counsel"):
        compare.decide(analyst, session, agree=True)
    with world.client("ada") as counsel:
        assert compare.decide(counsel, session, agree=True).stage == "consented"
    with opened(world.state("ada"), token, WAITS) as analyst:
        assert compare.advance(analyst, session).stage == "consented"
    with world.client("bea") as bea:
        compare.decide(bea, session, agree=True)
    with opened(world.state("ada"), token, WAITS) as analyst:
        assert compare.advance(analyst, session).stage == "disclosed"


def test_nobody_asks_in_anothers_name(standing: World) -> None:
    """Neither with another's pseudonym, nor with one's own and another's signature."""
    with standing.client("ada") as ada, standing.client("bea") as bea:
        (pending,) = pseudonyms.ask(ada.scope, bea.me, "client_ip", [b"192.0.2.1"])
        for key in (ada.key, bea.key):
            raw = messages.pack(pending.question(key))
            with pytest.raises(RefusedError, match="403"):
                ada.put(f"questions/{sha256(raw).hexdigest()}", raw)
        raw = messages.pack(pending.question(ada.key))
        with pytest.raises(RefusedError, match="422"):
            bea._ask_trustee(f"questions/{sha256(raw).hexdigest()}", raw)


@pytest.mark.parametrize("name", ["evaluate", "offer", "accept", "tags", "consent", "exchange", "pool", "announce"])
def test_nonsense_and_too_much_are_refused_by_each(standing: World, name: str) -> None:
    operation = next(each for each in matching_api.OPERATIONS if each.name == name)
    session, digest = "00" * 16, sha256(b"x").hexdigest()
    path = operation.path.removeprefix("/forum/v1/matching/").format(session=session, digest=digest)
    for body in (b"x", b"", b"\xc1" * 100, messages.pack(Scope(1, "campaigns"))):
        assert ask(standing, "ada all", "PUT", path, body).status_code in {404, 422}
    assert ask(standing, "ada all", "PUT", path, b"x", "application/json").status_code == 415
    too_long = ask(standing, "ada all", "PUT", path, bytes(operation.most + 1))
    assert too_long.status_code == 413
    assert ask(standing, "ada all", "PUT", path, b"x").headers["content-type"] == "application/json"


def test_the_hub_describes_it_all() -> None:
    told = document(matching_api.OPERATIONS)
    assert len(told["paths"]) == len({each.path for each in matching_api.OPERATIONS}) == 15
    put = told["paths"]["/forum/v1/matching/questions/{digest}"]["put"]
    assert put["requestBody"]["content"] == {PACKED: {"schema": {"type": "string", "format": "binary"}}}
    assert "counsel" in told["paths"]["/forum/v1/matching/comparisons/{session}/consent"]["put"]["description"]


# The trustee ---------------------------------------------------------------------------------------------------------


def test_the_trustee_answers_to_signed_questions_alone(standing: World) -> None:
    url = f"{standing.trustee_url}/v1/questions/"
    with standing.client("ada") as ada:
        (pending,) = pseudonyms.ask(ada.scope, ada.me, "client_ip", [b"192.0.2.1"])
        raw = messages.pack(pending.question(ada.key))
    headers, digest = {"Content-Type": PACKED}, sha256(raw).hexdigest()
    assert httpx.put(url + digest, content=raw, headers=headers).status_code == 200
    assert httpx.put(url + "0" * 64, content=raw, headers=headers).status_code == 422
    assert httpx.put(url + digest, content=raw).status_code == 422
    unsigned = messages.pack(msgspec.structs.replace(messages.read(raw, messages.Question), signature=bytes(64)))
    assert httpx.put(url + sha256(unsigned).hexdigest(), content=unsigned, headers=headers).status_code == 422
    assert httpx.put(url + digest, content=bytes(1 << 20), headers=headers).status_code == 413
    assert httpx.put(url + digest, content=b"", headers=headers).status_code == 422
    assert httpx.post(url + digest, content=raw, headers=headers).status_code == 405
    assert httpx.get(standing.trustee_url).status_code == 404


def test_the_trustee_forgets_a_member_whose_key_is_gone_from_its_file(world: World) -> None:
    with world.client("ada") as ada:
        ada.evaluate(addresses(0, 3))
        (world.folder / "peers.json").write_text("{}")
        with pytest.raises(RefusedError, match="no known key"):
            ada.evaluate(addresses(3, 6))


def test_what_one_keyholder_refuses_is_kept_until_both_have_answered(world: World) -> None:
    peers = (world.folder / "peers.json").read_text()
    with world.client("ada") as ada:
        (world.folder / "peers.json").write_text("{}")
        with pytest.raises(RefusedError):
            ada.evaluate(addresses(0, 3))
        (world.folder / "peers.json").write_text(peers + " ")
        assert ada.evaluate(addresses(0, 3)) == 3
        with world.client("ada") as again:
            assert again.about.evaluated == 3
