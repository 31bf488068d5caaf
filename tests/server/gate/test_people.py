"""Which entries a policy believes to be a person's."""

import base64
import string

import pytest
from msgspec.structs import replace

pytest.importorskip("cryptography", reason="needs the extra forum")

from stillwatch.enforcement.ledger import Entry, History
from stillwatch.errors import InputError
from stillwatch.forum.ledger import SigningKey
from stillwatch.server.gate.people import believed, signed
from tests.enforcement.made import policy

ANN, BEN, EVE = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
APPROVED = Entry("approved", 5, campaign="c", by="ann", text="seen")


def named(**keys: SigningKey) -> str:
    lines = [f'{name} = "{base64.b64encode(key.public).decode()}"' for name, key in keys.items()]
    return "[approval.keys]\n" + "\n".join(lines) + "\n"


def test_a_key_of_the_policy_is_believed_and_no_other() -> None:
    person = believed(policy(named(ann=ANN, ben=BEN)))
    found = [person(signed(APPROVED, key)) for key in (ANN, BEN, EVE)]
    assert found == [base64.b64encode(ANN.public).decode(), base64.b64encode(BEN.public).decode(), ""]
    entry = signed(APPROVED, ANN)
    other = signed(APPROVED, BEN)
    for wrong in (
        APPROVED, replace(entry, campaign="d"), replace(entry, by="ben"), replace(entry, time=6),
        replace(entry, signature=other.signature), replace(entry, key=other.key), replace(entry, signature=""),
        replace(entry, signature="?"), replace(entry, key="?"), replace(entry, signature=entry.signature[:-4]),
    ):  # fmt: skip
        assert person(wrong) == ""


def test_a_signature_has_one_spelling_so_that_a_copy_is_seen_to_be_one() -> None:
    entry, person = signed(APPROVED, ANN), believed(policy(named(ann=ANN, ben=BEN)))
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    last = letters.index(entry.signature[-3])
    again = replace(entry, signature=f"{entry.signature[:-3]}{letters[last ^ 1]}==")
    assert base64.b64decode(again.signature) == base64.b64decode(entry.signature)
    history = History([Entry("measured", 1, "a", "c", rung="step_up"), entry, again], person)
    assert history.approvals("a", "c") == 1
    assert history.unproven == [again]


def test_without_keys_nobody_approves_and_releases_are_by_name() -> None:
    person = believed(policy())
    assert person(signed(APPROVED, ANN)) == ""
    assert person(replace(APPROVED, what="released")) == "ann"
    assert believed(policy(named(ann=ANN, ben=BEN)))(replace(APPROVED, what="released")) == ""


@pytest.mark.parametrize("keys", [{"ann": ANN}, {"ann": ANN, "ben": ANN}, {"ann": ANN, "ben": BEN, "eve": BEN}])
def test_keys_that_cannot_be_enough_or_are_not_different_are_no_policy(keys: dict[str, SigningKey]) -> None:
    with pytest.raises(InputError, match="different keys"):
        policy(named(**keys))
