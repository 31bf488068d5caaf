"""End to end beside OpenMined PSI, which finds the same; a split network is joined from identifiers."""

import os

import numpy as np
import private_set_intersection.python as openmined
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.forum.matching import group_key, joining
from stillwatch.forum.matching.keys import Share
from stillwatch.forum.matching.memory import Forum
from stillwatch.forum.matching.messages import Artifact, Cluster, Scope, Submission, Terms

SCOPE = Scope(46, "campaigns")
NAMES = ("ada", "bea", "cyd")


def forum() -> Forum:
    shares = {name: Share(name, SCOPE, name.encode().ljust(32, b"\x00")) for name in ("hub", "trustee")}
    return Forum(shares, {name: Ed25519PrivateKey.generate() for name in (*NAMES, *shares)}, threads=2)


@pytest.mark.parametrize(("first", "second", "shared"), [(300, 400, 150), (50, 60, 10), (40, 40, 40), (30, 30, 9)])
def test_the_intersection_is_openmineds(first: int, second: int, shared: int) -> None:
    sides = {"ada": [f"192.0.2.{i}" for i in range(first)]}
    sides["bea"] = [f"192.0.2.{i}" for i in range(first - shared, first - shared + second)]
    client, server = openmined.client.CreateWithNewKey(True), openmined.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(1e-12, first, sides["bea"], openmined.DataStructure.RAW)
    oracle = client.GetIntersection(setup, server.ProcessRequest(client.CreateRequest(sides["ada"])))
    made = forum()
    found = {name: made.pseudonyms(name, "client_ip", [v.encode() for v in values]) for name, values in sides.items()}
    _, told = made.compare(Terms(os.urandom(16), SCOPE, ("client_ip",), "ada", "bea"), found)
    if shared < 10:
        assert told == {}
    else:
        assert told["ada"] == sorted(oracle)
        assert {sides["bea"][row] for row in told["bea"]} == set(sides["ada"]) & set(sides["bea"])


def test_a_network_split_over_three_members_from_its_identifiers() -> None:
    """Each sees some proxies and some cards; neighbours overlap; each also has a cluster of its own customers."""
    made, key = forum(), group_key.generate()
    parts = {"ada": (range(6), range(2)), "bea": (range(4, 10), range(1, 3)), "cyd": (range(8, 14), range(2, 4))}
    told = []
    for number, (member, (addresses, cards)) in enumerate(parts.items()):
        own = [b"10.%d.0.%d" % (number, i) for i in range(6)]
        network = [b"203.0.113.%d" % i for i in addresses]
        tags = {
            "network": joining.group_tags(key, made.pseudonyms(member, "client_ip", network + own)),
            "payment": joining.group_tags(
                key, made.pseudonyms(member, "payment_fingerprint", [b"%d" % i for i in cards])
            ),
        }
        campaign = [Artifact(family, row.tobytes(), 12) for family in tags for row in tags[family][:6]]
        customers = [Artifact("network", row.tobytes(), 12) for row in tags["network"][6:]]
        clusters = (Cluster(os.urandom(16), 1_000, tuple(campaign)), Cluster(os.urandom(16), 10, tuple(customers)))
        told.append(Submission(SCOPE, member, clusters))
    views = joining.views(joining.join([made.carry(submission) for submission in told]))
    assert {member: [view.own for view in seen] for member, seen in views.items()} == {
        submission.member: [(submission.clusters[0].id,)] for submission in told
    }
    assert {(view.members, view.accounts) for seen in views.values() for view in seen} == {(3, 1_000)}
    with_other_key = joining.group_tags(group_key.generate(), made.pseudonyms("ada", "client_ip", [b"203.0.113.4"]))
    assert not any(artifact.tag == with_other_key[0].tobytes() for artifact in told[1].clusters[0].artifacts)


def test_messages_are_packed_and_counted() -> None:
    made = forum()
    found = made.pseudonyms("ada", "client_ip", [b"x", b"y"])
    assert found.shape == (2, 64) and found.dtype == np.uint8
    assert set(made.sent) == {"Announcement", "Question", "Answer"}
