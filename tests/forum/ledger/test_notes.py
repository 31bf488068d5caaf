"""Signed notes, checkpoints and cosignatures: published vectors, golden files, and what must be refused."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stillwatch.errors import UsageError
from stillwatch.forum.ledger import checkpoint, note
from stillwatch.forum.ledger.checkpoint import Checkpoint
from stillwatch.forum.ledger.errors import LedgerError, ProofError, SignatureError
from stillwatch.forum.ledger.keys import SigningKey
from stillwatch.forum.ledger.ledger import Ledger
from stillwatch.forum.ledger.note import COSIGNATURE, Note, Verifier, parse_verifier
from stillwatch.forum.ledger.store import MemoryStore
from stillwatch.forum.ledger.witness import Request, cosign, cosignatures, parse_request, verify_cosignature
from stillwatch.forum.ledger.witnessed import Witnessed
from tests.forum.ledger.story import LOG, LOG_KEY, ORIGIN, SEEN, WITNESS, WITNESS_KEY, opening_entries, submitted

GOLDEN = Path(__file__).parent / "golden"
# The example in the documentation of golang.org/x/mod/sumdb/note, whose format C2SP signed-note describes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP tlog-cosignature: its log's key is not published, its form is.
C2SP_NOTE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_a_published_note_verifies_and_reads_back_as_it_is() -> None:
    verifier = parse_verifier(GO_KEY)
    assert str(verifier) == GO_KEY
    assert note.verify(note.parse(GO_NOTE), [verifier]) == [verifier]
    assert str(note.parse(GO_NOTE)) == GO_NOTE
    with pytest.raises(SignatureError):
        note.verify(note.parse(GO_NOTE.replace("your problem is", "my problem is")), [verifier])


def test_a_published_checkpoint_reads_back_as_it_is() -> None:
    parsed = note.parse(C2SP_NOTE)
    found = checkpoint.read(parsed.text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert str(parsed) == C2SP_NOTE
    assert str(found) == parsed.text
    assert int.from_bytes(parsed.signatures[1].raw[:8], "big") == 1679315147  # as the specification says


def test_golden_checkpoint_with_a_cosignature() -> None:
    signed = checkpoint.sign(Checkpoint(ORIGIN, 7, bytes(range(32))), LOG_KEY)
    # A witness that saw nothing yet takes any first checkpoint.
    cosigned = cosign(Request(0, (), signed), LOG, None, WITNESS, WITNESS_KEY, 1_800_000_000)
    assert str(cosigned) == (GOLDEN / "checkpoint.txt").read_text("utf-8")
    assert checkpoint.verify(cosigned, LOG) == Checkpoint(ORIGIN, 7, bytes(range(32)))
    found = verify_cosignature(cosigned, SEEN)
    assert found is not None
    assert found.time == 1_800_000_000


def test_cosignature_is_over_the_message_of_the_specification() -> None:
    signed = checkpoint.sign(Checkpoint(ORIGIN, 7, bytes(32)), LOG_KEY)
    line = cosign(Request(0, (), signed), LOG, None, WITNESS, WITNESS_KEY, 1679315147).by(SEEN)[0]
    message = b"cosignature/v1\ntime 1679315147\n" + signed.text.encode()
    assert line.raw == (1679315147).to_bytes(8, "big") + WITNESS_KEY.sign(message)


@pytest.mark.parametrize(
    "raw",
    ["", "\n", "text\n", "text\n\n", "text\n\nno dash\n", "text\n\n— name AAAAAAAA", "text\n\n— na me AAAAAAAA\n",
     "text\n\n— name A=AAAAAA\n", "text\x00\n\n— name AAAAAAAA\n", "text\t\n\n— name AAAAAAAA\n",
     "text\n\n— a+b AAAAAAAA\n",
     "\ud800\n\n— name AAAAAAAA\n", "x" * 70_000 + "\n\n— name AAAAAAAA\n", "text\n\n" + "— name AAAAAAAA\n" * 65],
)  # fmt: skip
def test_what_is_no_note(raw: str) -> None:
    with pytest.raises(LedgerError):
        note.parse(raw)


@given(st.text(max_size=60))
@example("log+00000000+\x80")  # base64 that is not even ASCII
def test_any_text_is_a_note_or_an_error(raw: str) -> None:
    for read in (note.parse, checkpoint.read, parse_request, note.parse_signatures):
        try:
            read(raw)
        except LedgerError:
            continue
    with pytest.raises(UsageError):
        parse_verifier(raw)


@pytest.mark.parametrize(
    "text",
    ["", "a\n", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n1\n" + "A" * 40 + "\n",
     "\n1\n" + "A" * 43 + "=\n",
     "a\n1\n" + "A" * 42 + "B=\n", "a\n9999999999999999999\n" + "A" * 43 + "=\n", "a\n\uff11\n" + "A" * 43 + "=\n"],
)  # fmt: skip
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(LedgerError):
        checkpoint.read(text)


def test_a_checkpoint_is_believed_from_its_own_log_only() -> None:
    other = SigningKey(b"o" * 32)
    signed = checkpoint.sign(Checkpoint(ORIGIN, 1, bytes(32)), LOG_KEY)
    with pytest.raises(SignatureError):
        checkpoint.verify(signed, Verifier(ORIGIN, other.public))
    with pytest.raises(LedgerError):  # signed by the right key, of another origin
        checkpoint.verify(note.sign(str(Checkpoint("other", 1, bytes(32))), ORIGIN, LOG_KEY), LOG)
    forged = Note(signed.text.replace("\n1\n", "\n2\n"), signed.signatures)
    with pytest.raises(SignatureError):
        checkpoint.verify(forged, LOG)


def test_one_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    signed = checkpoint.sign(Checkpoint(ORIGIN, 1, bytes(32)), LOG_KEY)
    wrong = note.Signature(ORIGIN, LOG.key_hash, bytes(64))
    with pytest.raises(SignatureError):
        note.verify(Note(signed.text, (*signed.signatures, wrong)), [LOG])


@pytest.mark.parametrize(
    "written", ["", "a", "a+b", GO_KEY[:-1], GO_KEY.replace("c74f", "c74e"), GO_KEY.replace("Peter", "Paul")]
)
def test_a_key_that_is_not_whole_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        parse_verifier(written)


def _grown(*batches: int) -> Ledger:
    ledger, count = Ledger(MemoryStore(), ORIGIN), 0
    for batch in batches:
        ledger.append(opening_entries()[:1] * batch)
        count += batch
        ledger.sign(LOG_KEY)
    return ledger


def test_a_witness_follows_a_log_that_grows(tmp_path: Path) -> None:
    ledger, witness = _grown(3, 4, 300), Witnessed(tmp_path)
    for size in (3, 7, 7, 307):
        seen = witness.seen(LOG)
        request = parse_request(str(ledger.request(seen.size if seen else 0, size)))
        signed = witness.cosign(request, LOG, WITNESS, WITNESS_KEY, 1_800_000_000 + size)
        assert [each.time for each in cosignatures(signed, [SEEN])] == [1_800_000_000 + size]
        lines = "".join(f"{each}\n" for each in signed.by(SEEN))
        assert ledger.cosigned(size, lines, [SEEN]).by(SEEN) == signed.by(SEEN)
    assert Witnessed(tmp_path).seen(LOG) == Checkpoint(ORIGIN, 307, ledger.tree.root())


def test_a_witness_never_signs_two_histories(tmp_path: Path) -> None:
    ledger, witness = _grown(5), Witnessed(tmp_path)
    witness.cosign(ledger.request(0), LOG, WITNESS, WITNESS_KEY, 1)
    before = witness.seen(LOG)
    rewritten = Ledger(MemoryStore(), ORIGIN)
    rewritten.append([submitted("i1"), *opening_entries()])
    rewritten.sign(LOG_KEY)
    for request in (rewritten.request(5), rewritten.request(0), Request(5, (), _grown(5, 2).request(5).signed)):
        with pytest.raises((ProofError, UsageError)):
            witness.cosign(request, LOG, WITNESS, WITNESS_KEY, 2)
    with pytest.raises(ProofError, match="shrank"):
        witness.cosign(_grown(4).request(0), LOG, WITNESS, WITNESS_KEY, 2)
    with pytest.raises(SignatureError):
        witness.cosign(ledger.request(5), Verifier(ORIGIN, WITNESS_KEY.public), WITNESS, WITNESS_KEY, 2)
    assert witness.seen(LOG) == before


def test_a_damaged_memory_does_not_begin_anew(tmp_path: Path) -> None:
    witness = Witnessed(tmp_path)
    witness.cosign(_grown(5).request(0), LOG, WITNESS, WITNESS_KEY, 1)
    (path,) = tmp_path.glob("*.note")
    for damage in (b"", b"\xff", path.read_bytes()[:30]):
        path.write_bytes(damage)
        with pytest.raises(LedgerError):
            witness.cosign(_grown(6).request(5), LOG, WITNESS, WITNESS_KEY, 2)


def test_a_log_takes_cosignatures_of_witnesses_it_knows() -> None:
    ledger = _grown(3)
    signed = cosign(ledger.request(0), LOG, None, WITNESS, WITNESS_KEY, 5)
    line = f"{signed.by(SEEN)[0]}\n"
    stranger = Verifier(WITNESS, SigningKey().public, COSIGNATURE)
    with pytest.raises(SignatureError):
        ledger.cosigned(3, line, [stranger])
    with pytest.raises(UsageError):
        ledger.cosigned(2, line, [SEEN])
    with pytest.raises(LedgerError):
        ledger.cosigned(3, "nothing", [SEEN])
    wrong = cosign(_grown(3, 1).request(0), LOG, None, WITNESS, WITNESS_KEY, 5).by(SEEN)[0]
    with pytest.raises(SignatureError):
        ledger.cosigned(3, f"{wrong}\n", [SEEN])
    assert not note.parse(ledger.checkpoint(3).note).by(SEEN)
    newer = cosign(ledger.request(0), LOG, None, WITNESS, WITNESS_KEY, 6)
    ledger.cosigned(3, line, [SEEN])
    assert len(ledger.cosigned(3, f"{newer.by(SEEN)[0]}\n", [SEEN]).signatures) == 2
