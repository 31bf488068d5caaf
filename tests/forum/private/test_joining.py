"""A network that is split over three members becomes one campaign, over HTTP; each sees its own part of it."""

from hashlib import sha256

import numpy as np
import pytest

from stillwatch.errors import UsageError
from stillwatch.forum.hub import times
from stillwatch.forum.ledger import entries
from stillwatch.forum.matching import joining as protocol
from stillwatch.forum.matching import messages
from stillwatch.forum.matching.joining import rarity
from stillwatch.forum.matching.messages import Artifact as Tagged
from stillwatch.forum.matching.messages import Cluster as Sent
from stillwatch.forum.matching.messages import Scope, Submission
from stillwatch.forum.member.errors import RefusedError
from stillwatch.forum.member.matching import joining
from stillwatch.forum.member.matching.identifiers import Artifact, Cluster, Identifiers, clusters_of
from stillwatch.schema.matching import KINDS, Kept
from tests.forum.private.served import NAMES, World

HOUR = 3_600 * times.SECOND
#: Which of 14 proxies and 4 cards of one network each member sees: ada and cyd have nothing in common.
PARTS = {"ada": (range(6), range(2)), "bea": (range(4, 10), range(1, 3)), "cyd": (range(8, 14), range(2, 4))}


def clusters(name: str) -> Identifiers:
    addresses, cards = PARTS[name]
    network = [Artifact("client_ip", f"203.0.113.{i}", 12) for i in addresses]
    network += [Artifact("payment_fingerprint", f"card-{i}", 12) for i in cards]
    own = tuple(Artifact("client_ip", f"10.{NAMES.index(name)}.0.{i}", 12) for i in range(6))
    return Identifiers((Cluster("c-network", 300, tuple(network)), Cluster("c-customers", 20, own)))


def ready(world: World, *names: str) -> None:
    for name in names:
        with world.client(name) as client:
            assert "the group's key" in joining.advance(client, clusters(name)).waits


def joined(world: World) -> dict[str, joining.Progress]:
    ready(world, *NAMES)
    found = {}
    for name in (*NAMES, *NAMES):
        with world.client(name) as client:
            found[name] = joining.advance(client, clusters(name), make=name == "ada")
    return found


def test_each_learns_which_of_its_own_clusters_are_part_of_one_campaign(anywhere: World) -> None:
    found = joined(anywhere)
    for name in NAMES:
        assert found[name].waits == ""
        assert found[name].campaigns == (joining.Joined(("c-network",), 3, 100),)
    told = [type(each).__name__ for each in anywhere.log()]
    assert (told.count("Pooled"), told.count("Joined")) == (3, 1)
    assert anywhere.remarks() == []


def test_the_clusters_are_gone_once_they_are_joined_and_repeating_is_harmless(world: World) -> None:
    before = joined(world)
    with world.hub.store.reading() as tx:
        assert sorted(each.name.split()[-1] for each in tx.records.find(Kept)) == ["views"] * 3
    with world.client("bea") as client:
        assert joining.advance(client, None).campaigns == before["bea"].campaigns


def test_other_clusters_cannot_be_put_up_afterwards(world: World) -> None:
    """Who sees the outcome does not get to try again: neither with other clusters, nor with other participants."""
    joined(world)
    with world.client("bea") as client:
        made = Submission(client.scope, client.me, (Sent(bytes(16), 100, ()),))
        with pytest.raises(RefusedError, match="409"):
            client.put("clusters", messages.pack(made))


def test_who_takes_no_part_puts_up_nothing_and_sees_nothing(world: World) -> None:
    ready(world, "ada", "bea")
    with world.client("ada") as client:
        joining.advance(client, clusters("ada"), make=True)
    with world.client("cyd") as client:
        assert "the group's key" in joining.advance(client, clusters("cyd")).waits
        made = Submission(client.scope, client.me, ())
        for send in (lambda: client.put("clusters", messages.pack(made)),
                     lambda: client.fetch("group-key", messages.SealedKey, member=client.me)):  # fmt: skip
            with pytest.raises(RefusedError, match="404"):
                send()


def test_a_second_maker_gives_way_to_the_first(world: World) -> None:
    ready(world, *NAMES)
    for name in ("ada", "bea", "cyd"):
        with world.client(name) as client:
            found = joining.advance(client, clusters(name), make=True)
    assert len(found.campaigns) == 1


def test_more_artifacts_than_were_evaluated_are_refused(world: World) -> None:
    ready(world, *NAMES)
    with world.client("ada") as client:
        joining.advance(client, clusters("ada"), make=True)
    with world.client("bea") as client:
        tags = tuple(Tagged("network", bytes([i]) * 16, 12) for i in range(5))
        made = Submission(client.scope, client.me, (Sent(bytes(16), 100, tags),))
        with pytest.raises(RefusedError, match="413"):
            client.put("clusters", messages.pack(made))


def test_on_the_last_day_those_who_are_there_are_joined(world: World) -> None:
    ready(world, *NAMES)
    for name in ("ada", "bea"):
        with world.client(name) as client:
            found = joining.advance(client, clusters(name), make=name == "ada")
            assert "2 of 3" in found.waits if name == "bea" else "1 of 3" in found.waits
    holder = world.hub.matching.holder  # type: ignore[union-attr]
    end = holder.ends(holder.share().scope.epoch)
    if end - times.now() > 2 * HOUR:
        world.clock.ahead = end - times.now() - HOUR
    with world.client("bea") as client:
        found = joining.advance(client, None)
    assert found.waits == "" and found.campaigns[0].members == 2


def test_nobody_can_make_a_key_alone(world: World) -> None:
    with world.client("ada") as client, pytest.raises(UsageError, match="nobody else"):
        joining.advance(client, clusters("ada"), make=True)


def test_the_log_says_how_many_clusters_and_not_which(world: World) -> None:
    joined(world)
    pooled = [each for each in world.log() if isinstance(each, entries.Pooled)]
    assert [each.clusters for each in pooled] == [2, 2, 2]


# From accounts to clusters with their rarity -------------------------------------------------------------------------


def test_rarity_is_of_all_that_is_as_rare_among_groups_of_the_clusters_size() -> None:
    innocent = [f"i{n}" for n in range(1000)]
    traits = [(account, "payment_fingerprint", f"p-{account}") for account in innocent]
    traits += [(account, "card_bin", "400000") for account in innocent[:500]]
    traits += [
        ("x1", "payment_fingerprint", "p-x"),
        ("x2", "payment_fingerprint", "p-i7"),
        ("x2", "card_bin", "400000"),
    ]
    traits += [("x1", "client_ip", "192.0.2.007"), ("x1", "template", "t1"), ("x1", "client_ip", "a1b2.c3d4")]
    (found,) = clusters_of(traits, {"c-1": ["x1", "x2"]}, rarity).clusters
    # 500 groups of two: none holds p-x; one in 500 p-x or p-i7; three in four a common card.
    assert found.artifacts == (
        Artifact("card_bin", "400000", 0),
        Artifact("payment_fingerprint", "p-i7", rarity(1, 500)),
        Artifact("payment_fingerprint", "p-x", rarity(0, 500)),
    )


def test_innocent_clusters_of_one_world_have_evidence_of_one_on_average_or_less() -> None:
    """Two providers with customers of the same world: shared proxies, families with one card, mail that many have."""
    draw = np.random.default_rng(11)

    def customers(name: str) -> list[tuple[str, str, str]]:
        found = []
        for i in range(1_500):
            account, family = f"{name}{i}", int(draw.integers(0, 60_000))
            proxies = draw.zipf(1.3, 3) % 60_000
            found += [(account, "client_ip", f"10.0.{value // 256}.{value % 256}") for value in proxies]
            found.append((account, "payment_fingerprint", f"card-{family}"))
            found.append((account, "email_domain", f"mail-{draw.zipf(1.2) % 5_000}.example"))
        return found

    def groups(name: str, traits: list[tuple[str, str, str]]) -> Submission:
        chosen = {f"{name}{k}": [f"{name}{i}" for i in draw.integers(0, 1_500, 5 * 3 ** (k % 3))] for k in range(24)}
        made = [clusters_of(traits, {key: accounts}, rarity).clusters[0] for key, accounts in chosen.items()]
        return Submission(Scope(46, "campaigns"), name, tuple(sent(each) for each in made))

    def sent(cluster: Cluster) -> Sent:
        digests = [(sha256(f"{a.kind} {a.value}".encode()).digest()[:16], a) for a in cluster.artifacts]
        told = tuple(Tagged(KINDS[a.kind], digest, a.rarity) for digest, a in digests)
        return Sent(sha256(cluster.id.encode()).digest()[:16], 10, told)

    first, second = (groups(name, customers(name)) for name in ("ada", "bea"))
    values = [
        protocol._evidence(one, two, protocol.Rules(families=1)) for one in first.clusters for two in second.clusters
    ]
    assert sum(value > 0 for value in values) > 20  # they do share some
    assert 0.05 < sum(values) / len(values) <= 1
    assert protocol.join([first, second]) == []
