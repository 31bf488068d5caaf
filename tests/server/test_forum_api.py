"""What is under /forum/v1/, over HTTP."""

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra forum")

from stillwatch.forum.ledger import SigningKey, sign_object
from stillwatch.forum.ledger.acknowledgement import acknowledge
from stillwatch.forum.ledger.checkpoint import read
from stillwatch.forum.ledger.entries import stamp
from stillwatch.forum.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from stillwatch.forum.ledger.note import COSIGNATURE, NOTE, Verifier, parse
from stillwatch.forum.ledger.witness import parse_request, verify_cosignature
from stillwatch.forum.ledger.witnessed import Witnessed
from stillwatch.forum.member.hub import is_hub
from stillwatch.server.compose import OPERATIONS
from tests.forum.hub.made import make
from tests.forum.hub.people import REASON, fetch
from tests.server.served import Served, serve

WITNESS = SigningKey()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    for world in make(tmp_path):
        witness = Verifier("witness.example/w", WITNESS.public, COSIGNATURE)
        hub: Any = replace(world.hub, witnesses=(witness,))
        yield serve(replace(world, hub=hub))


@pytest.fixture
def object_(served: Served) -> str:
    (found,) = served.world.acme.author.objects(1)
    served.world.submit(served.world.acme, found)
    return str(found["id"])


def test_the_document_has_every_operation_and_says_whose_it_is(served: Served) -> None:
    answer = served.get("openapi.json", "acme")
    said = answer.json()
    found = {(path, method.upper()) for path, methods in said["paths"].items() for method in methods}
    assert found == {(each.path, each.method) for each in OPERATIONS}
    assert served.client.get("/forum/v1/openapi.json").status_code == 401

    class Transport:
        def request(self, method: str, path: str, accept: str) -> Any:
            return type("Answer", (), {"body": answer.content})

    assert is_hub(Transport())  # type: ignore[arg-type]
    fields = {name for each in said["components"]["schemas"].values() for name in each.get("properties", ())}
    assert not {name for name in fields if "action" in name or "taken" in name or "ban" in name}


def test_a_report_is_counted_and_its_author_is_told_to_nobody(served: Served, object_: str) -> None:
    path = f"collections/shared/objects/{object_}"
    assert served.post(f"{path}/reports", "globex", {"kind": "confirmation"}).status_code == 200
    assert served.get(f"{path}/standing", "acme").json()["standing"] == "unconfirmed"
    assert served.post(f"{path}/reports", "globex", {"kind": "false_positive"}).status_code == 422
    assert served.post(f"{path}/reports", "globex", {"kind": "sighting", "action": "banned"}).status_code == 400
    assert served.post(f"{path}/reports", "acme", {"kind": "confirmation"}).status_code == 409


def test_counsel_reads_decides_and_the_object_is_out(served: Served) -> None:
    world = served.world
    found = world.acme.author.objects(1)[0]
    world.submit(world.acme, sign_object(found | {"description": "As told by a friend"}, world.acme.author.key))
    (held,) = served.get("quarantine/", "house counsel").json()["waiting"]
    assert served.get("quarantine/", "globex counsel").json()["waiting"] == []
    assert served.get(f"quarantine/{held['id']}/", "globex counsel").status_code == 404
    whole = served.get(f"quarantine/{held['id']}/", "house counsel").json()
    assert whole["object"]["description"] == "As told by a friend" and whole["verdict"]["outcome"] == "quarantine"
    said = {"decision": "release", "reason": REASON, "digest": held["digest"]}
    assert served.post(f"quarantine/{held['id']}/decision", "house counsel", said).status_code == 200
    assert served.post(f"quarantine/{held['id']}/decision", "house counsel", said).status_code == 409
    assert fetch(world, world.globex) == [found["id"]]


def test_an_appeal_upheld_is_recalled_and_acknowledged(served: Served, object_: str) -> None:
    world = served.world
    fetch(world, world.globex)
    said = {"collection": "shared", "object": object_, "statement": "This range is our university's."}
    assert served.post("appeals/", "globex counsel", said).status_code == 403
    made = served.post("appeals/", "house counsel", said)
    assert made.status_code == 201
    assert served.get("appeals/", "globex").json() == {"appeals": []}
    (appeal,) = served.get("appeals/", "acme").json()["appeals"]
    answer = {"outcome": "upheld", "reason": REASON}
    assert served.post(f"appeals/{appeal['id']}/answer", "acme", answer).json()["state"] == "upheld"
    (recall,) = served.get("recalls/", "globex").json()["recalls"]
    assert (recall["object"], recall["kind"]) == (object_, "erased")
    signed = acknowledge(recall["id"], recall["actor"], stamp(world.hub.clock()), world.globex.author.key)
    path = f"recalls/{recall['id']}/acknowledgement"
    assert served.post(path, "acme", signed).status_code == 404
    assert served.post(path, "globex", signed).status_code == 200
    assert served.get("recalls/", "globex").json() == {"recalls": []}
    assert world.remarks() == []


def test_a_pseudonym_is_resolved_for_a_reason_of_the_list(served: Served) -> None:
    path = f"pseudonyms/{served.world.acme.author.identity}/resolution"
    assert served.post(path, "house operator", {"reason": "abuse"}).json()["member"] == "acme"
    assert served.post(path, "house operator", {"reason": "curiosity"}).status_code == 400
    assert served.post(path, "house auditor", {"reason": "abuse"}).status_code == 403


def test_the_log_proves_itself_to_everybody_and_is_read_by_the_auditor_alone(served: Served, object_: str) -> None:
    assert served.get("ledger/entries", "globex auditor").status_code == 403
    entries = [each.encode() for each in served.get("ledger/entries", "house auditor").json()["entries"]]
    old = read(parse(served.get("ledger/checkpoint", "globex").text).text)
    assert old.size == len(entries) > 4

    def proof(kind: str, **query: int) -> list[bytes]:
        hashes = served.get(f"ledger/{kind}", "globex", **query).json()["hashes"]
        return [base64.b64decode(each) for each in hashes]

    for index, entry in enumerate(entries):
        path = proof("inclusion", index=index, size=old.size)
        verify_inclusion(leaf_hash(entry), index, old.size, path, old.root)
    fetch(served.world, served.world.globex)
    new = read(parse(served.get("ledger/checkpoint", "globex").text).text)
    assert new.size == old.size + 1
    verify_consistency(old.size, new.size, old.root, new.root, proof("consistency", old=old.size, new=new.size))
    assert len(served.get("ledger/checkpoints", "globex").json()["checkpoints"]) == 2
    assert served.get("ledger/inclusion", "globex", index=new.size, size=new.size).status_code == 404
    assert served.get("ledger/consistency", "globex", old=9, new=8).status_code == 404


def test_a_witness_cosigns_over_http_and_an_unknown_one_does_not(served: Served, tmp_path: Path) -> None:
    log = Verifier("forum.example/log", served.world.hub.key.public, NOTE)
    asked = served.get("ledger/request", "globex auditor", old=0)
    assert asked.headers["content-type"].startswith("text/plain")
    headers = {
        "Authorization": f"Bearer {served.tokens['globex auditor']}",
        "Content-Type": "text/plain; charset=utf-8",
    }
    for name, key, status in (("witness.example/w", WITNESS, 200), ("witness.example/x", SigningKey(), 422)):
        signed = Witnessed(tmp_path / name[-1]).cosign(parse_request(asked.text), log, name, key, int(time.time()))
        size = read(signed.text).size
        lines = "".join(f"{each}\n" for each in signed.signatures if each.name == name)
        sent = served.client.post(
            "/forum/v1/ledger/cosignatures", params={"size": size}, content=lines, headers=headers
        )
        assert sent.status_code == status
    kept = parse(served.get("ledger/checkpoint", "acme", size=size).text)
    assert verify_cosignature(kept, Verifier("witness.example/w", WITNESS.public, COSIGNATURE))
    assert len(kept.signatures) == 2
