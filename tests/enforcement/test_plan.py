from hypothesis import given
from hypothesis import strategies as st

from stillwatch.enforcement import Measure, Request, Verdict, decide
from stillwatch.enforcement.interface import DAY, FORUM
from stillwatch.enforcement.ledger import Entry, History, stage
from stillwatch.enforcement.plan import Finding, Plan, delay, plan
from tests.enforcement.made import NOW, RUNGS, policy, snapshot

KEY = bytes(range(32))


def found(
    *accounts: str, campaign: str = "c", q: float = 1e-6, score: float = 0.99, origin: str = "local"
) -> list[Finding]:
    return [Finding(account, campaign, q, score, origin) for account in accounts]


class Story:
    """Rounds of planning, one after the other, over one ledger."""

    def __init__(self, text: str = "") -> None:
        self.policy, self.entries, self.verdicts = policy(text), list[Entry](), tuple[Verdict, ...]()

    def round(self, findings: list[Finding], now: int = NOW) -> Plan:
        made = plan(findings, self.verdicts, History(self.entries), self.policy, KEY, {}, now)
        self.entries += made.entries
        self.verdicts = made.verdicts
        return made

    def person(self, what: str, now: int, **more: str) -> None:
        self.entries.append(Entry(what, now, **more))  # type: ignore[arg-type]

    @property
    def granted(self) -> dict[str, Measure]:
        return {verdict.account_id: verdict.granted for verdict in self.verdicts}


def test_the_budget_of_a_day_leaves_the_rest_to_a_person() -> None:
    story = Story("[budget]\naccounts_a_day = 2\n")
    made = story.round(found("a", "b", "c"))
    assert story.granted == {"a": Measure.STEP_UP, "b": Measure.STEP_UP, "c": Measure.OBSERVE}
    assert [waits[0] for waits in made.waiting] == ["c"]
    story.round(found("a", "b", "c"), NOW + DAY - 1)
    assert story.granted["c"] == Measure.OBSERVE
    story.person("released", NOW + 5, account="c", by="x")
    story.round(found("a", "b", "c"), NOW + 6)
    assert story.granted["c"] == Measure.STEP_UP


def test_the_next_day_has_a_budget_of_its_own() -> None:
    story = Story("[budget]\naccounts_a_day = 1\n")
    story.round(found("a", "b"))
    story.round(found("a", "b"), NOW + DAY)
    assert story.granted == {"a": Measure.STEP_UP, "b": Measure.STEP_UP}


def test_a_block_takes_two_people_who_saw_the_account() -> None:
    story = Story()
    made = story.round(found("a"))
    assert made.unapproved == ("c",)
    story.person("approved", NOW + 1, campaign="c", by="x")
    story.person("approved", NOW + 2, campaign="c", by="x")
    story.round(found("a"), NOW + 3)
    assert story.granted["a"] == Measure.STEP_UP
    story.person("approved", NOW + 4, campaign="c", by="y")
    story.round(found("a", "late"), NOW + 5)
    assert story.granted == {"a": Measure.BLOCK, "late": Measure.STEP_UP}


def test_a_campaign_named_anew_starts_no_clock_and_keeps_its_approvals() -> None:
    story = Story()
    story.round(found("a", "b", campaign="old"))
    before = {verdict.account_id: verdict for verdict in story.verdicts}
    for who in "xy":
        story.person("approved", NOW + 1, campaign="old", by=who)
    story.round(found("a", "b", "n", campaign="new"), NOW + 2)
    after = {verdict.account_id: verdict for verdict in story.verdicts}
    assert {after[name].campaign_id for name in "abn"} == {"old"}
    assert (after["a"].onset, after["a"].measure_id) == (before["a"].onset, before["a"].measure_id)
    assert story.granted == {"a": Measure.BLOCK, "b": Measure.BLOCK, "n": Measure.STEP_UP}


def test_who_approved_one_campaign_has_not_seen_who_comes_from_another() -> None:
    story = Story()
    story.round(found("a", campaign="other") + found("p", "q"))
    for who in "xy":
        story.person("approved", NOW + 1, campaign="c", by=who)
    story.round(found("a", "p", "q"), NOW + 2)
    assert story.granted == {"a": Measure.STEP_UP, "p": Measure.BLOCK, "q": Measure.BLOCK}
    for who in "xy":
        story.person("approved", NOW + 3, campaign="c", by=who)
    story.round(found("a", "p", "q"), NOW + 4)
    assert story.granted["a"] == Measure.BLOCK


def test_an_approval_does_not_outlive_the_measure() -> None:
    story = Story()
    story.round(found("a"))
    for who in "xy":
        story.person("approved", NOW + 1, campaign="c", by=who)
    story.round([], NOW + 30 * DAY)
    story.round(found("a"), NOW + 31 * DAY)
    assert story.granted == {"a": Measure.STEP_UP}


def test_a_warning_does_not_shield_from_what_the_own_log_shows() -> None:
    story = Story()
    story.round([*found("a"), *found("a", q=0.0, score=1.0, campaign="heard", origin=FORUM)])
    assert story.granted == {"a": Measure.STEP_UP}
    story.round(found("a", q=0.0, score=1.0, campaign="heard", origin=FORUM), NOW + DAY)
    assert story.granted == {"a": Measure.STEP_UP}
    story.round(found("a", q=0.0, score=1.0, campaign="heard", origin=FORUM), NOW + 30 * DAY)
    assert story.verdicts == ()


def test_a_forums_campaign_keeps_the_name_by_which_it_is_confirmed() -> None:
    story = Story()
    story.round(found("a", "b", campaign="before", origin=FORUM))
    story.round(found("a", "b", campaign="heard", origin=FORUM), NOW + 1)
    assert {verdict.campaign_id for verdict in story.verdicts} == {"heard"}
    story.person("confirmed", NOW + 2, account="a", campaign="heard", by="x")
    story.round(found("a", "b", campaign="heard", origin=FORUM), NOW + 3)
    assert story.granted == {"a": Measure.STEP_UP, "b": Measure.OBSERVE}


def test_the_record_ends_a_measure_that_the_verdict_no_longer_bears() -> None:
    story = Story()
    story.round(found("a"))
    made = story.round(found("a", q=0.5, score=0.1), NOW + 1)
    assert [(entry.what, entry.account) for entry in made.entries] == [("ended", "a")]
    assert not History(story.entries).measured
    assert not story.round(found("a", q=0.5, score=0.1), NOW + 2).entries


def test_a_publisher_that_died_before_its_snapshot_leaves_no_measure_that_cannot_be_appealed() -> None:
    story = Story()
    story.round(found("a"))
    story.verdicts = ()
    story.round(found("a"), NOW + 5)
    (verdict,) = story.verdicts
    assert History(story.entries).find(verdict.measure_id).account == "a"


def test_an_appeal_upheld_lifts_the_measure_until_a_person_says_otherwise() -> None:
    story = Story()
    story.round(found("a"))
    story.person("appealed", NOW + 1, account="a", campaign="c", measure="m", text="we are a school")
    story.person("upheld", NOW + 2, account="a", campaign="c", measure="m", by="x")
    made = story.round(found("a", campaign="another name"), NOW + 3)
    assert story.granted == {"a": Measure.OBSERVE}
    assert made.waiting and not made.entries
    story.person("released", NOW + 4, account="a", by="x")
    story.round(found("a"), NOW + 5)
    assert story.granted == {"a": Measure.STEP_UP}


def test_a_rejected_appeal_changes_nothing() -> None:
    story = Story()
    story.round(found("a"))
    story.person("appealed", NOW + 1, account="a", campaign="c", measure="m")
    story.person("rejected", NOW + 2, account="a", campaign="c", measure="m", by="x")
    story.round(found("a"), NOW + 3)
    assert story.granted == {"a": Measure.STEP_UP}


def test_what_detection_no_longer_says_runs_out() -> None:
    story = Story()
    story.round(found("a"))
    story.round([], NOW + 29 * DAY)
    assert story.granted == {"a": Measure.STEP_UP}
    made = story.round([], NOW + 30 * DAY)
    assert story.verdicts == ()
    assert [entry.what for entry in made.entries] == ["ended"]


def test_the_forum_is_granted_nothing_without_local_evidence() -> None:
    story = Story()
    story.round(found("a", origin=FORUM))
    assert story.granted == {"a": Measure.OBSERVE}
    story.person("confirmed", NOW + 1, account="a", campaign="c", by="x", text="same template, 40 requests")
    story.round(found("a", origin=FORUM), NOW + 2)
    assert story.granted == {"a": Measure.STEP_UP}


def test_every_measure_is_written_down_once_with_evidence_and_appeal() -> None:
    story = Story()
    finding = Finding("a", "c", 1e-6, 0.99, evidence="one template, 300 accounts")
    first = story.round([finding])
    assert [(e.what, e.rung, e.text) for e in first.entries] == [("measured", "step_up", "one template, 300 accounts")]
    assert first.entries[0].appeal == "https://appeals.example/x"
    assert story.round([finding], NOW + 1).entries == ()


@given(st.text(), st.text(), st.integers(1, 30 * DAY))
def test_delays_are_in_their_bounds_and_repeat(account: str, campaign: str, within: int) -> None:
    drawn = delay(KEY, account, campaign, within)
    assert 0 <= drawn < within
    assert drawn == delay(KEY, account, campaign, within)


def test_delays_are_spread_and_unknown_without_the_key() -> None:
    drawn = [delay(KEY, f"a{n}", "c", 1000) for n in range(4000)]
    assert all(280 < sum(low <= d < low + 100 for d in drawn) < 520 for low in range(0, 1000, 100))
    other = [delay(bytes(32), f"a{n}", "c", 1000) for n in range(4000)]
    assert sum(a == b for a, b in zip(drawn, other, strict=True)) < 40


@given(st.permutations(found("a", "b", "c", "d") + found("b", campaign="e", q=1e-9)))
def test_the_order_of_findings_does_not_matter(findings: list[Finding]) -> None:
    made = [plan(each, (), History(()), policy("[budget]\naccounts_a_day = 3\n"), KEY, {}, NOW) for each in
            (findings, sorted(findings, key=lambda f: f.account_id))]  # fmt: skip
    assert made[0] == made[1]


def test_old_findings_published_again_are_not_said_again() -> None:
    story = Story()
    finding = Finding("a", "c", 1e-6, 0.99, affirmed=NOW)
    story.round([finding])
    story.round([finding], NOW + 29 * DAY)
    assert story.granted == {"a": Measure.STEP_UP}
    story.round([finding], NOW + 30 * DAY)
    assert story.verdicts == ()


@given(st.integers(0, 6 * 24), st.sampled_from([0.4, 0.6, 0.85, 0.92, 0.99]))
def test_the_record_says_of_every_moment_what_the_gate_does_then(hours: int, score: float) -> None:
    story = Story()
    story.round(found("a", score=score))
    now = NOW + hours * DAY // 24
    measured = History(story.entries).measured.get("a")
    rung = stage(measured, now)[0] if measured else "observe"
    done = decide(Request("a"), snapshot(story.verdicts, made=now), story.policy, now)
    assert rung == done.measure.label


def test_a_course_that_the_policy_changed_is_recorded_anew() -> None:
    story = Story()
    story.round(found("a"))
    (entry,) = story.entries
    assert entry.rung == "step_up" and [rung for rung, _ in entry.course] == ["withhold", "pace", "step_up"]
    rungs = RUNGS.replace('after = "2d"', 'after = "3d"')
    story.policy = policy(rungs=rungs)
    story.round(found("a"), NOW + 1)
    assert story.entries[-1].course == (*entry.course[:2], ("step_up", story.verdicts[0].onset + 3 * DAY))
    assert story.round(found("a"), NOW + 2).entries == ()
