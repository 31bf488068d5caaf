"""The policy file: what is shipped holds together and does what its examples say; what does not is refused."""

import pytest

from stillwatch.errors import InputError
from stillwatch.forum.guard import shipped
from stillwatch.forum.guard.examples import try_examples
from stillwatch.forum.guard.policy import Policy, load, read, source_text

TEXT = source_text().decode()


def changed(old: str, new: str) -> Policy:
    assert old in TEXT
    return read(TEXT.replace(old, new, 1).encode(), "changed.toml")


@pytest.mark.parametrize("example", try_examples(shipped()), ids=lambda each: each.name)
def test_example(example: object) -> None:
    assert example.passed, example.decision.message  # type: ignore[attr-defined]


def test_every_category_and_every_switch_has_an_example() -> None:
    file = shipped().file
    tried = {each.category for each in file.example}
    assert tried >= {each.id for each in file.category if each.leaves == "never"}
    assert {name for each in file.example for name in each.switches} >= {"safe-harbour", "us-rules"}


def test_every_source_and_every_rule_is_used() -> None:
    file = shipped().file
    cited = {source for each in (*file.rule, *file.category, *file.switch) for source in each.sources}
    assert {each.id for each in file.source} - cited <= {"cisa-1504"}  # says what the forum is not
    used = TEXT
    for rule in file.rule:
        assert used.count(f'"{rule.name}"') > 1, rule.name


def test_an_example_that_fails_is_told() -> None:
    policy = changed('expect = "release"', 'expect = "withhold"')
    assert [each.passed for each in try_examples(policy)].count(False) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[policy]", "[policy", "no policy"),
        ('version = "1.0.0"', 'version = "1"', "no policy"),
        ('sources = ["stix-2.1"]', "sources = []", "no policy"),
        ('sources = ["stix-2.1"]', 'sources = ["hearsay"]', "no source hearsay"),
        ('category = "confidence"', 'category = "gossip"', "no category gossip"),
        ('sentence = "The type of an object is one of these."', 'sentence = ""', "no policy"),
        ('kind = "one_of"', 'kind = "anything"', "no policy"),
        ('kind = "one_of"', 'kind = "one_of"\nunless = "friends"', "no policy"),
        ('name = "spec-version"', 'name = "type"', "given twice"),
        ('of = "names-single-addresses"', 'of = "nothing-there"', "no rule 'nothing-there'"),
        ('of = "names-single-addresses"', 'of = "addresses-kept-short"', "refer to each other"),
        ('opinion = "opinion-value"', 'opinion = "ranges-alone"', "nothing says what 'opinion'"),
        ('opinion = "opinion-value"', 'opinion = "for-the-purpose"', "nothing says what 'opinion'"),
        ('switch = "safe-harbour"\non', 'switch = "martial-law"\non', "no switch martial-law"),
        ('extension = "reasoning-replay"', 'extension = "prices"', "no extension 'prices'"),
        ('signatures = "signatures"', 'prices = "signatures"', "no prices"),
        ("expression = '", "expression = '(", "no regular expression"),
        ("at_least = 5", "at_least = 2", "no policy"),
        ('of = "address"\nexpect', 'of = "nowhere"\nexpect', "no fixture nowhere"),
    ],
)  # fmt: skip
def test_a_policy_that_does_not_hold_together(old: str, new: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        changed(old, new)


def test_a_sign_off_holds_for_what_it_was_given_for(tmp_path) -> None:  # type: ignore[no-untyped-def]
    block = '\n[[sign_off]]\nname = "A. Counsel"\nrole = "{}"\ndate = 2026-11-21\ndigest = "{}"\n'
    path = tmp_path / "policy.toml"
    path.write_text(TEXT + block.format("counsel", shipped().digest))
    signed = load(path)
    assert signed.approved
    assert signed.digest == shipped().digest
    path.write_text(TEXT.replace("at_least = 5", "at_least = 3") + block.format("counsel", shipped().digest))
    assert not load(path).approved
    path.write_text(TEXT + block.format("engineer", shipped().digest))
    assert load(path).signed_off
    assert not load(path).approved
    assert not shipped().approved


def test_the_digest_does_not_depend_on_layout() -> None:
    assert read(("# a comment\n" + TEXT).encode(), "").digest == shipped().digest
    assert (
        read(TEXT.replace("Objects are of STIX 2.1.", "Objects are of STIX.").encode(), "").digest != shipped().digest
    )


def test_a_policy_that_is_too_large_or_no_text(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "policy.toml"
    path.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(InputError, match="1 MiB"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="no policy"):
        load(path)


def test_an_example_at_a_place_that_is_not_there() -> None:
    policy = changed('remove = ["/valid_until"]', 'remove = ["/nowhere"]')
    with pytest.raises(InputError, match="nothing to remove"):
        try_examples(policy)
