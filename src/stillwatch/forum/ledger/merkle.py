"""The Merkle tree of a log (RFC 9162, section 2.1; the same tree as RFC 6962): hashes, and checks of proofs.

Hashes are 32 bytes (SHA-256). Everything here is pure; ``tree`` makes the proofs that this file checks. Checks raise
and never return a verdict that a caller could forget to look at.
"""

import hashlib
from collections.abc import Sequence

from stillwatch.forum.ledger.errors import ProofError

#: Root of the tree without leaves: SHA-256 of nothing.
EMPTY = hashlib.sha256().digest()
HASH = 32
#: A log has fewer entries than this, and a proof no more hashes than its exponent.
LIMIT = 1 << 63


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf of hash ``leaf`` is at ``index`` in the tree of ``size`` leaves (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: it is not proven to be.
    """
    if not 0 <= index < size < LIMIT:
        raise ProofError(f"there is no entry {index} in a log of {size}")
    _check_hashes(leaf, root, *proof)
    place, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long", where=f"entry {index}")
        if place & 1 or place == last:
            found = node_hash(each, found)
            while place and not place & 1:  # the right edge has no sibling on these levels
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if last != 0 or found != root:
        raise ProofError("the entry is not proven to be in the log", where=f"entry {index} of {size}")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the log of ``new`` entries begins with that of ``old`` (RFC 9162, 2.1.4.2).

    ``old`` may be 0, with an empty proof: every log begins with nothing.

    Raises:
        ProofError: it is not proven to.
    """
    if not 0 <= old <= new < LIMIT:
        raise ProofError(f"a log of {new} entries cannot continue one of {old}")
    _check_hashes(old_root, new_root, *proof)
    if old in (0, new):
        if proof or (old == 0 and old_root != EMPTY) or (new == 0 and new_root != EMPTY):
            raise ProofError("the consistency proof is not of these sizes", where=f"{old} to {new}")
        if old == new and old_root != new_root:
            raise ProofError("two logs of one size differ", where=f"size {old}")
        return
    if not proof:
        raise ProofError("the consistency proof is empty", where=f"{old} to {new}")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    first, second = _replay(old - 1, new - 1, path)
    if first != old_root or second != new_root:
        raise ProofError("the later log is not proven to continue the earlier one", where=f"{old} to {new}")


def _replay(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that a consistency path leads to."""
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for each in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if place & 1 or place == last:
            first, second = node_hash(each, first), node_hash(each, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, each)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofError("the consistency proof is too short")
    return first, second


def _check_hashes(*hashes: bytes) -> None:
    if len(hashes) > LIMIT.bit_length() + 2 or any(len(each) != HASH for each in hashes):
        raise ProofError("a proof is at most 64 hashes of 32 bytes")
