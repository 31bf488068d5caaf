"""Private matching under ``/forum/v1/matching/``.

What ``forum.matching`` calls messages goes as MessagePack. Every write may be repeated, so that a member can go on
after any interruption.
"""

import base64
from hashlib import sha256
from typing import Any, Final

import msgspec

from stillwatch.forum.hub import times
from stillwatch.forum.hub.errors import Unprocessable
from stillwatch.forum.hub.matching import comparisons, joining, matching
from stillwatch.forum.hub.matching.keyholder import evaluated
from stillwatch.forum.matching.messages import MAX_ELEMENTS, TAG
from stillwatch.schema.matching import Comparison
from stillwatch.server.forum_api import ROOT, Strict
from stillwatch.server.operations import Call, Operation, Reply

_DONE: Final = msgspec.msgpack.encode({})
_SMALL: Final = 16 << 10
_QUESTION: Final = MAX_ELEMENTS * 32 + _SMALL
#: As many tags as the shipped quota allows evaluations, to a power of two.
_TAGS: Final = (1 << 21) * TAG + _SMALL
_CLUSTERS: Final = 64 << 20


class KeyholderResource(msgspec.Struct):
    """Who has a share of the key, and where it is asked."""

    name: str
    url: str


class MatchingResource(msgspec.Struct):
    """The epoch that runs, and what is left of the caller's quota at the hub."""

    epoch: int
    purpose: str
    ends: str
    hub: str
    trustee: KeyholderResource
    quota: int
    evaluated: int


class AnnouncementResource(msgspec.Struct):
    """A public share of the epoch, packed in base64; the log's entry that says so, and the proof that it is there."""

    message: str
    index: int
    entry: str
    proof: list[str]


class Announcements(msgspec.Struct):
    """The public shares of the epoch, and the checkpoint that the proofs lead to."""

    checkpoint: str
    announcements: list[AnnouncementResource]


class ComparisonResource(msgspec.Struct, omit_defaults=True):
    """A comparison of the caller's member; messages are packed, in base64."""

    session: str
    epoch: int
    first: str
    second: str
    kinds: list[str]
    state: str
    time: str
    offer: str
    acceptance: str = ""
    count: str = ""
    first_consent: str = ""
    second_consent: str = ""


class Comparisons(msgspec.Struct):
    """Those of the epoch that runs, the oldest first."""

    comparisons: list[ComparisonResource]


class Exchanges(msgspec.Struct):
    """Members' keys of the epoch, as packed messages in base64."""

    exchanges: list[str]


class CampaignView(msgspec.Struct):
    """A joined campaign: the caller's own clusters of it, at least so many members, at least so many accounts."""

    campaign: str
    own: list[str]
    members: int
    accounts: int


class Round(msgspec.Struct):
    """How far the joining of clusters is in this epoch, and what the caller sees of it."""

    participants: int
    submitted: int
    joined: bool
    campaigns: list[CampaignView]


class MemberQuery(Strict):
    """Which of the caller's pseudonyms."""

    member: str


def about(call: Call) -> MatchingResource:
    """The epoch, the keyholders, the quota."""
    found, share = matching.of(call.hub), matching.current(call.hub)
    with call.hub.store.reading() as tx:
        spent = evaluated(tx, call.who.member, share.scope.epoch)
    trustee = KeyholderResource(found.trustee.name, found.trustee.url)
    ends = times.text(found.holder.ends(share.scope.epoch))
    quota = found.holder.quota.an_epoch
    return MatchingResource(
        share.scope.epoch, share.scope.purpose, ends, found.holder.name, trustee, quota, spent
    )  # fmt: skip


def announcements(call: Call) -> Announcements:
    """The public shares."""
    signed, found = matching.announcements(call.hub)
    return Announcements(
        signed.note,
        [
            AnnouncementResource(
                _base64(raw), each.index, each.entry.decode(), [_base64(hash_) for hash_ in each.proof]
            )
            for raw, each in found
        ],
    )


def announce(call: Call) -> Reply:
    """Take the trustee's."""
    matching.announce(call.hub, call.body)
    return Reply(_DONE)


def question(call: Call) -> Reply:
    """Evaluate with the hub's share."""
    if sha256(call.body).hexdigest() != call.path["digest"]:
        raise Unprocessable("not the SHA-256 of the question", where="digest")
    return Reply(matching.answer(call.hub, call.who, call.body))


def listed(call: Call) -> Comparisons:
    """The caller's comparisons."""
    return Comparisons([_comparison(each) for each in comparisons.listed(call.hub, call.who)])


def one(call: Call) -> ComparisonResource:
    """One of them; if both lists are there and nobody has counted, it is done now."""
    return _comparison(comparisons.settle(call.hub, call.who, call.path["session"]))


def offer(call: Call) -> Reply:
    """Take an offer."""
    comparisons.offer(call.hub, call.who, call.path["session"], call.body)
    return Reply(_DONE)


def accept(call: Call) -> Reply:
    """Take an acceptance."""
    comparisons.accept(call.hub, call.who, call.path["session"], call.body)
    return Reply(_DONE)


def decline(call: Call) -> Reply:
    """End an offer."""
    comparisons.decline(call.hub, call.who, call.path["session"])
    return Reply(b"{}")


def tags(call: Call) -> Reply:
    """Take a list."""
    comparisons.tags(call.hub, call.who, call.path["session"], call.body)
    return Reply(_DONE)


def consent(call: Call) -> Reply:
    """Take a decision."""
    comparisons.consent(call.hub, call.who, call.path["session"], call.body)
    return Reply(_DONE)


def disclosure(call: Call) -> Reply:
    """Tell what is shared."""
    return Reply(comparisons.disclosure(call.hub, call.who, call.path["session"]))


def exchange(call: Call) -> Reply:
    """Take the caller's key."""
    joining.exchange(call.hub, call.who, call.body)
    return Reply(_DONE)


def exchanges(call: Call) -> Exchanges:
    """The group's keys."""
    found = joining.exchanges(call.hub, call.who, call.query.member)
    return Exchanges([_base64(each) for each in found])


def group_key(call: Call) -> Reply:
    """Take the group's key for one member."""
    joining.group_key(call.hub, call.who, call.body)
    return Reply(_DONE)


def key_for(call: Call) -> Reply:
    """The group's key for the caller."""
    return Reply(joining.key_for(call.hub, call.who, call.query.member))


def clusters(call: Call) -> Reply:
    """Take clusters."""
    joining.submit(call.hub, call.who, call.body)
    return Reply(_DONE)


def campaigns(call: Call) -> Round:
    """What came of it."""
    found = joining.views(call.hub, call.who, call.query.member)
    views = [
        CampaignView(each.campaign.hex(), [own.hex() for own in each.own], each.members, each.accounts)
        for each in found.views
    ]
    return Round(found.participants, found.submitted, found.joined, views)


def _comparison(found: Comparison) -> ComparisonResource:
    optional = (found.acceptance, found.count, found.first_consent, found.second_consent)
    return ComparisonResource(
        found.session, found.epoch, found.first, found.second, list(found.kinds), found.state, times.text(found.time),
        _base64(found.offer), *(_base64(each or b"") for each in optional),
    )  # fmt: skip


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_M = f"{ROOT}matching/"
_C = f"{_M}comparisons/{{session}}/"
_ANALYST, _READS = ("analyst",), ("analyst", "counsel")
_None = dict[str, str]


def _put(path: str, name: str, summary: str, run: Any, most: int, roles: tuple[str, ...] = _ANALYST) -> Operation:
    return Operation("PUT", path, name, summary, run, bytes, body=bytes, roles=roles, failures=(404, 409, 422),
                     packed=True, most=most)  # fmt: skip


OPERATIONS = (
    Operation("GET", _M, "matching", "The epoch, the keyholders, your quota.", about, MatchingResource, roles=_READS,
              failures=(404, 409)),
    Operation("GET", f"{_M}announcements", "announcements", "The public shares of the epoch.", announcements,
              Announcements, roles=_READS, failures=(404, 409)),
    _put(f"{_M}announcements", "announce", "Bring the trustee's announcement.", announce, _SMALL),
    _put(f"{_M}questions/{{digest}}", "evaluate", "Have blinded identifiers evaluated.", question, _QUESTION),
    Operation("GET", f"{_M}comparisons/", "comparisons", "Your comparisons in this epoch.", listed, Comparisons,
              roles=_READS, failures=(404, 409)),
    Operation("GET", _C, "comparison", "One of them.", one, ComparisonResource, roles=_READS, failures=(404, 409, 422)),
    Operation("DELETE", _C, "decline", "Decline an offer, or take it back.", decline, _None, roles=_ANALYST,
              failures=(404, 409)),
    _put(f"{_C}offer", "offer", "Offer another member a comparison.", offer, _SMALL),
    _put(f"{_C}acceptance", "accept", "Accept an offer.", accept, _SMALL),
    _put(f"{_C}tags", "tags", "Send your list of tags.", tags, _TAGS),
    _put(f"{_C}consent", "consent", "Decide on the disclosure.", consent, _SMALL, ("counsel",)),
    Operation("GET", f"{_C}disclosure", "disclosure", "Which of your tags are shared.", disclosure, bytes,
              roles=_READS, failures=(404, 409, 422), packed=True),
    _put(f"{_M}exchange", "exchange", "Tell your key for group keys.", exchange, _SMALL),
    Operation("GET", f"{_M}exchanges", "exchanges", "The keys of your group.", exchanges, Exchanges, MemberQuery,
              roles=_READS, failures=(403, 404, 409)),
    _put(f"{_M}group-key", "seal_group_key", "Give a member the group's key.", group_key, _SMALL),
    Operation("GET", f"{_M}group-key", "group_key", "The group's key, sealed to you.", key_for, bytes, MemberQuery,
              roles=_READS, failures=(403, 404, 409), packed=True),
    _put(f"{_M}clusters", "pool", "Put up your clusters for joining.", clusters, _CLUSTERS),
    Operation("GET", f"{_M}campaigns", "joined", "What your clusters are part of.", campaigns, Round, MemberQuery,
              roles=_READS, failures=(403, 404, 409, 422)),
)  # fmt: skip
