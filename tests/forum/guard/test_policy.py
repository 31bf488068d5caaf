"""The policy file: what is shipped holds together and does what its examples say; what does not is refused."""

import re
from pathlib import Path

import pytest

from stillwatch.errors import InputError
from stillwatch.forum.guard import chapters, shipped
from stillwatch.forum.guard.chapters import source_text
from stillwatch.forum.guard.examples import try_examples
from stillwatch.forum.guard.policy import Policy, load, read

TEXT = source_text().decode()
CHAPTERS = sorted((Path(chapters.__file__).parent / "policy").iterdir())


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
        ('version = "1.1.0"', 'version = "1"', "no policy"),
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
        ("[appeals]\ndays = 14", "[appeals]\ndays = 0", "no policy"),
        ('unanswered = "suspend-until-answered"', 'unanswered = "forget"', "no policy"),
        ('answered"\nsources = ["forum-agreement"]', 'answered"\nsources = ["hearsay"]', "no source hearsay"),
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


def test_the_digest_does_not_depend_on_chapters_but_on_which_category_is_first() -> None:
    opening, *rest = re.split(r"(?m)^(?=\[\[rule\]\])", TEXT)
    rules = [each if each.endswith("\n\n") else each + "\n" for each in rest]
    kept = [each for each in rules if "[[" not in each[3:]]
    others = [each for each in rules if "[[" in each[3:]]
    assert len(kept) > 90
    assert read("".join([opening, *reversed(kept), *others]).encode(), "").digest == shipped().digest
    first, second, third, *more = re.split(r"(?m)^(?=\[\[category\]\])", TEXT)
    swapped = "".join([first, third, second, *more])
    assert read(swapped.encode(), "").digest != shipped().digest


def test_a_folder_of_chapters_is_one_policy(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for chapter in CHAPTERS:
        (tmp_path / chapter.name).write_bytes(chapter.read_bytes())
    (tmp_path / "README.md").write_text("not a chapter")
    (tmp_path / ".01-sources.toml").write_text("nor this")
    assert load(tmp_path).digest == shipped().digest
    assert source_text(tmp_path) == source_text()
    signed = f'[[sign_off]]\nname = "A"\nrole = "counsel"\ndate = 2026-11-21\ndigest = "{shipped().digest}"\n'
    (tmp_path / "99-sign-off.toml").write_text(signed)
    assert load(tmp_path).approved
    (tmp_path / CHAPTERS[-1].name).unlink()
    assert not load(tmp_path).approved


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"# first\nname = 'falls into the table before'\n[x]\n", "00.toml: a chapter that does not begin"),
        (b"x = [\n", "00.toml: no policy"),
        (b"\xff", "00.toml: no policy"),
        (b"[policy]\ntitle = 'twice'\n", "no policy"),
        (b"[[rumour]]\nname = 'x'\n", "no policy"),
        (b"#" * 1024 * 1024, "1 MiB"),
    ],
)
def test_a_chapter_that_does_not_fit(tmp_path, text: bytes, says: str) -> None:  # type: ignore[no-untyped-def]
    for chapter in CHAPTERS:
        (tmp_path / chapter.name).write_bytes(chapter.read_bytes())
    (tmp_path / "00.toml").write_bytes(text)
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert says in str(caught.value)


def test_a_folder_without_chapters(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no chapters"):
        load(tmp_path)


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


def test_what_an_objection_leads_to_is_said_signed_for_and_the_strict_default() -> None:
    silent = read(TEXT.partition("[appeals]")[0].encode(), "x")
    assert silent.file.appeals.unanswered == shipped().file.appeals.unanswered == "suspend-until-answered"
    assert (silent.file.appeals.days, silent.digest != shipped().digest) == (14, True)
    assert changed("days = 14", "days = 15").digest != shipped().digest
