"""The tree against RFC 9162's definition taken literally, the vectors of Certificate Transparency, and pymerkle."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as oracle_consistency
from pymerkle import verify_inclusion as oracle_inclusion

from stillwatch.errors import UsageError
from stillwatch.forum.ledger.errors import LedgerError, ProofError
from stillwatch.forum.ledger.merkle import EMPTY, leaf_hash, node_hash, verify_consistency, verify_inclusion
from stillwatch.forum.ledger.store import MemoryStore
from stillwatch.forum.ledger.tree import Tree

# From the tests of Certificate Transparency's reference implementation.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def some(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % i) for i in range(size)]


def grown(leaves: list[bytes], *cuts: int) -> Tree:
    store = MemoryStore()
    for begin, end in zip((0, *sorted(cuts)), (*sorted(cuts), len(leaves)), strict=True):
        tree = Tree(store, begin)
        tree.append(leaves[begin:end])
    return Tree(store, len(leaves))


def test_vectors_of_certificate_transparency() -> None:
    leaves = [leaf_hash(bytes.fromhex(each)) for each in CT_LEAVES]
    tree = grown(leaves, 1, 3)
    assert [tree.root(size).hex() for size in range(1, 9)] == CT_ROOTS
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == tree.root(0).hex()
    assert [each.hex() for each in tree.inclusion(5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [each.hex() for each in tree.consistency(6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_every_proof_of_every_small_tree_is_the_definitions() -> None:
    leaves = some(40)
    tree = grown(leaves, 7, 8, 31)
    for size in range(1, 41):
        part = leaves[:size]
        assert tree.root(size) == mth(part)
        for index in range(size):
            proof = tree.inclusion(index, size)
            assert proof == path(index, part)
            verify_inclusion(leaves[index], index, size, proof, mth(part))
        for old in range(size + 1):
            proof = tree.consistency(old, size)
            assert proof == (subproof(old, part, True) if old else [])
            verify_consistency(old, size, mth(leaves[:old]), mth(part), proof)


@given(st.integers(1, 1400), st.data())
def test_tiles_change_nothing(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    tree = grown(leaves, *data.draw(st.lists(st.integers(0, size), max_size=5)))
    old, index = data.draw(st.integers(0, size)), data.draw(st.integers(0, size - 1))
    assert tree.root() == mth(leaves)
    assert tree.inclusion(index) == path(index, leaves)
    assert tree.consistency(old) == (subproof(old, leaves, True) if old else [])


@given(st.integers(1, 300), st.data())
def test_what_pymerkle_says(size: int, data: st.DataObject) -> None:
    oracle, entries = InmemoryTree(algorithm="sha256"), [b"%d" % i for i in range(size)]
    for each in entries:
        oracle.append_entry(each)
    tree = grown([leaf_hash(each) for each in entries])
    old, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    assert oracle.get_root() == tree.root()
    verify_inclusion(oracle.get_leaf(index + 1), index, size, tree.inclusion(index), tree.root())
    theirs = oracle.prove_inclusion(index + 1)
    oracle_inclusion(oracle.get_leaf(index + 1), tree.root(), theirs)
    assert {each.hex() for each in tree.inclusion(index)} <= {each.hex() for each in theirs.path}
    oracle_consistency(tree.root(old), tree.root(), oracle.prove_consistency(old, size))


@given(st.integers(1, 700), st.data())
def test_a_tampered_inclusion_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    tree = grown(leaves)
    index = data.draw(st.integers(0, size - 1))
    good = (leaves[index], index, size, tree.inclusion(index), tree.root())
    verify_inclusion(*good)
    bad = data.draw(_tampered(good, size))
    assume(bad != good)
    with pytest.raises(ProofError):
        verify_inclusion(*bad)


@st.composite
def _tampered(draw: st.DrawFn, good: tuple, size: int) -> tuple:
    leaf, index, size, proof, root = good
    kind = draw(st.sampled_from(["leaf", "index", "hash", "longer", "shorter", "root", "order"]))
    if kind == "leaf":
        return (draw(st.binary(min_size=32, max_size=32)), index, size, proof, root)
    if kind == "index":
        return (leaf, draw(st.integers(-1, size)), size, proof, root)
    if kind == "root":
        return (leaf, index, size, proof, draw(st.binary(min_size=0, max_size=33)))
    return (leaf, index, size, draw(_changed(proof, kind)), root)


@st.composite
def _changed(draw: st.DrawFn, proof: list[bytes], kind: str) -> list[bytes]:
    if kind == "longer" or not proof:
        return [*proof, draw(st.binary(min_size=32, max_size=32))]
    if kind == "shorter":
        return proof[:-1]
    if kind == "order":
        return proof[::-1]
    place = draw(st.integers(0, len(proof) - 1))
    return [*proof[:place], draw(st.binary(min_size=32, max_size=32)), *proof[place + 1 :]]


@given(st.integers(1, 700), st.data())
def test_a_tampered_consistency_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = some(size)
    tree = grown(leaves)
    old = data.draw(st.integers(1, size))
    proof = tree.consistency(old)
    verify_consistency(old, size, tree.root(old), tree.root(), proof)
    bad = data.draw(_changed(proof, data.draw(st.sampled_from(["hash", "longer", "shorter", "order"]))))
    assume(bad != proof)
    with pytest.raises(ProofError):
        verify_consistency(old, size, tree.root(old), tree.root(), bad)


@given(st.integers(2, 700), st.data())
def test_a_rewritten_log_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    leaves = some(size)
    rewritten = [*leaves[:changed], leaf_hash(b"other"), *leaves[changed + 1 :]]
    mine, other = grown(leaves), grown(rewritten)
    for proof in (mine.consistency(old), other.consistency(old)):
        with pytest.raises(ProofError):
            verify_consistency(old, size, mine.root(old), other.root(), proof)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (3, 3), (0, 0)])
def test_trivial_consistency_takes_no_proof_and_still_compares(old: int, new: int) -> None:
    tree = grown(some(3))
    verify_consistency(old, new, tree.root(old), tree.root(new), [])
    with pytest.raises(ProofError):
        verify_consistency(old, new, tree.root(old), tree.root(new), [bytes(32)])
    with pytest.raises(ProofError):
        verify_consistency(old, new, bytes(32), tree.root(new), [])


def test_sizes_that_cannot_be_are_refused() -> None:
    tree = grown(some(5))
    for call in (
        lambda: tree.root(6),
        lambda: tree.inclusion(5),
        lambda: tree.inclusion(-1),
        lambda: tree.consistency(4, 3),
    ):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(ProofError):
        verify_consistency(1, 1 << 63, bytes(32), bytes(32), [bytes(32)])
    with pytest.raises(ProofError):
        verify_inclusion(bytes(32), 0, 5, [bytes(32)] * 70, bytes(32))


def test_a_missing_hash_is_an_error_and_no_other_root() -> None:
    store = MemoryStore()
    Tree(store, 0).append(some(600))
    store._tiles[0, 1] = store._tiles[0, 1][:-32]
    with pytest.raises(LedgerError, match="incomplete"):
        Tree(store, 600).inclusion(300)


def test_an_older_view_sees_older_proofs() -> None:
    leaves = some(900)
    assert Tree(grown(leaves)._tiles, 300).root() == mth(leaves[:300])
