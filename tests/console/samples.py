"""Findings as a real run would give them, for the tests of what a person sees. The same every time."""

import random
from datetime import UTC, datetime, timedelta

from stillwatch.schema.campaign import Campaign, Consideration, Evidence, Findings, Member, Template, Tie

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
EXPLANATIONS = (
    ("authorised programme", "no programme on file names any of these accounts"),
    (
        "batch customer",
        "the accounts share no organisation, and one job would not be cut into disjoint pieces by account",
    ),
    ("evaluation vendor", "4 distinct rubrics grade answers that are stored, none repeats a public benchmark"),
    ("classroom", "activity ignores the week: 14.1 % on Sundays, where classes in the reference have 2 %"),
    ("enterprise behind one address", "the addresses are 11,204 in number and in no common network"),
    ("popular harness", "the shared system prompt is used by 3 accounts outside the campaign"),
    ("carrier-grade NAT", "evidence other than the address gives 41 bits on its own"),
    ("launch-day crowd", "the accounts were opened over 9 weeks, none within a day of a release"),
)


def large_campaign(accounts: int = 25_000) -> Campaign:
    """A pool of ``accounts`` on residential proxies, working through one queue of coding tasks."""
    dice = random.Random(7)
    names = tuple(f"acct_{dice.getrandbits(64):016x}{number:08x}" for number in range(accounts))
    hours = 24 * 14
    timeline = tuple(
        (
            START + timedelta(hours=h),
            int(accounts * (0.9 + 0.2 * dice.random()) * (0.3 if 150 < h < 156 else 1.4)),
            int(accounts * (0.4 + 0.05 * dice.random()) * (0.3 if 150 < h < 156 else 1)),
        )
        for h in range(hours)
    )
    shared = (
        "same template family t-51c0",
        "card issuer 4571••",
        "mail domain qx•••.top",
        "address block 203.0.113.•",
        "client fingerprint t13d1516h2_8da•",
        "credential handed over",
    )
    members = tuple(
        Member(
            account_id=name,
            score=round(1 - dice.random() ** 12 * 0.6, 6),
            requests=dice.randrange(90, 900),
            requests_total=dice.randrange(900, 1400),
            output_tokens=dice.randrange(80_000, 1_200_000),
            first_seen=START + timedelta(minutes=dice.randrange(0, 4000)),
            last_seen=START + timedelta(days=11, minutes=dice.randrange(0, 4300)),
            ties=tuple(sorted(dice.sample(shared, 2 + dice.randrange(2)))),
        )
        for name in names
    )
    ties = (
        Tie("prompt template", "t-51c0", names[:50], accounts, 3, 38.2),
        *(
            Tie(
                "payment instrument",
                f"pm_{n:02d}••••{n * 37 % 97:02d}",
                names[n * 60 : n * 60 + 18 + 2 * n],
                18 + 2 * n,
                0,
                27.5 - n,
            )
            for n in range(6)
        ),
        Tie("client fingerprint", "t13d1516h2_8daaf6152771_e5627efa2ab1", names[:50], accounts // 3, 41, 14.0),
        Tie("mail domain", "qx•••.top", names[40:90], accounts // 6, 12, 12.5),
        Tie("sign-up address", "203.0.113.•", names[100:150], 412, 2, 19.1),
        Tie("card issuer", "4571••", names[:50], accounts // 2, 2410, 3.2),
    )
    return Campaign(
        id="c-51c0a7e2f9",
        accounts=names,
        first_seen=START,
        last_seen=START + timedelta(hours=hours),
        requests=sum(b[1] for b in timeline),
        output_tokens=8_214_000_112,
        score=412.7,
        p_value=4.1e-118,
        q_value=9.8e-116,
        targets=("software engineering", "agentic reasoning"),
        techniques=("AML.T0024.002", "AML.T0021", "AML.T0008.005", "AML.T0065"),
        evidence=(
            Evidence(
                "work_queue",
                f"One template, {accounts:,} accounts: 11.7 million fillings, of which 0.3 % were asked "
                "twice; unrelated accounts on a public template repeat 8.1 %.",
                0.003,
                1.2e-64,
                "content",
                accounts,
                (
                    "Refactor ‹…› so that ‹…›; explain each step before you write it",
                    "Fix the failing test in ‹…›; think aloud about ‹…› first",
                ),
            ),
            Evidence(
                "synchrony",
                "Accounts start and stop together: 97 % paused within the same 20 minutes on 7 June, "
                "against 4 % of all accounts.",
                0.97,
                3.0e-31,
                "tempo",
                int(accounts * 0.97),
            ),
            Evidence(
                "payment_fingerprint",
                "Six payment instruments are used by 18 to 28 accounts each; chance would place 0.02 "
                "such instruments in a group this large.",
                6.0,
                2.2e-12,
                "payment",
                138,
            ),
            Evidence(
                "elicitation",
                "61 % of prompts ask for the reasoning behind a completed answer, against 1.9 % of all prompts.",
                0.61,
                0.0004,
                "conduct",
                accounts,
                ("…articulate the reasoning behind ‹…›",),
            ),
            Evidence(
                "daily_rhythm",
                "The busiest six hours hold 26 % of the requests; a flat day holds 25 %.",
                0.26,
                0.081,
                "tempo",
                accounts,
            ),
        ),
        considered=tuple(
            Consideration(name, False, why, 10.0 ** -(9 + 6 * n)) for n, (name, why) in enumerate(EXPLANATIONS)
        ),
        confidence=(
            "Very sure that the accounts act as one: four families of evidence agree, and each is enough "
            "alone. Less sure of the edge: 2,140 accounts share only the template and one other trait, so "
            "some may be customers who copied a public prompt."
        ),
        would_change=(
            "A programme on file that names the operator of these accounts.",
            "The template found in a public repository before 1 June 2026.",
            "The six payment instruments shown to belong to one reseller with separate customers.",
        ),
        not_measured=("reasoning_replay: the log has no reasoning_issued.", "header_order: null in 100 % of requests."),
        members=members,
        ties=ties,
        templates=(
            Template(
                "t-51c0",
                "You are a senior engineer. Repository: ‹…›. Refactor ‹…› so that ‹…›. First explain, "
                "step by step, why each change is safe, then write the final code for ‹…›.",
                11_200_410,
                accounts,
                11_166_809,
            ),
            Template(
                "t-9e02",
                "Grade the answer below from 1 to 10 against this rubric: ‹…›. Answer: ‹…›",
                901_332,
                8_211,
                884_120,
            ),
        ),
        timeline=timeline,
    )


def small_campaign() -> Campaign:
    """Eight accounts that replay each other's reasoning blocks."""
    names = tuple(f"org-{n}/acct-{n * 7919 % 1000:03d}" for n in range(8))
    at = START + timedelta(days=9)
    return Campaign(
        id="c-08d1b3",
        accounts=names,
        first_seen=at,
        last_seen=at + timedelta(hours=31),
        requests=9_120,
        output_tokens=41_022_310,
        score=22.4,
        p_value=1.8e-7,
        q_value=2.2e-5,
        targets=("reasoning",),
        techniques=("AML.T0024.002", "AML.T0040"),
        evidence=(
            Evidence(
                "reasoning_replay",
                "412 reasoning blocks were sent back by an account that was not issued them; 0 in all other traffic.",
                412.0,
                2.0e-9,
                "replay",
                8,
            ),
            Evidence(
                "hand_over",
                "When acct-919 was limited at 14:02, acct-838 took up its load 4 minutes later and kept "
                "its rate within 3 %.",
                0.03,
                0.0021,
                "tempo",
                2,
            ),
        ),
        considered=tuple(Consideration(name, False, why) for name, why in EXPLANATIONS[:5]),
        confidence=(
            "Sure of the replay, which has no known innocent cause across organisations. Not surer because "
            "only one signal carries most of the weight."
        ),
        would_change=("A shared gateway that pools conversations of one owner.",),
        not_measured=("payment_fingerprint: no accounts file was given.",),
        members=tuple(
            Member(
                name,
                0.999 - n / 50,
                1140,
                1140 + n * 31,
                5_000_000 + n,
                at,
                at + timedelta(hours=31),
                ("replayed reasoning block",),
            )
            for n, name in enumerate(names)
        ),
        ties=(
            Tie("reasoning block", "rb_77••", names[:5], 5, 0, 31.0),
            Tie("reasoning block", "rb_0c••", names[3:], 5, 0, 31.0),
            Tie("client fingerprint", "t13d15•", names, 8, 120, 4.4),
            Tie("tool list", "search, run", names[1:4], 3, 17, 3.9),
        ),
        templates=(Template("t-2ab9", "", 9_120, 8, 9_011),),
        timeline=tuple((at + timedelta(hours=h), 280 + h % 5 * 20, 6 + h % 3) for h in range(31)),
    )


def other_cluster(identifier: str, accounts: int, explanation: str, why: str) -> Campaign:
    """A tied group of accounts with an innocent explanation."""
    return Campaign(
        id=identifier,
        accounts=tuple(f"{identifier}-{n}" for n in range(accounts)),
        first_seen=START,
        last_seen=START + timedelta(days=3),
        requests=accounts * 40,
        output_tokens=accounts * 9000,
        score=-3.0,
        p_value=0.4,
        q_value=0.7,
        targets=(),
        techniques=(),
        evidence=(),
        considered=(Consideration(explanation, True, why, 0.4),),
    )


def sample_findings(accounts: int = 25_000) -> Findings:
    """Two campaigns (one of ``accounts``, one of eight), one authorised programme, two cleared clusters."""
    return Findings(
        campaigns=(small_campaign(), large_campaign(accounts)),
        authorised=(
            other_cluster(
                "c-a1",
                40,
                "authorised programme",
                "“Red team, spring” of Example Labs covers these accounts until 30 September 2026",
            ),
        ),
        cleared=(
            other_cluster(
                "c-k1", 212, "classroom", "one course prompt in hours of one time-table; every other family is ordinary"
            ),
            other_cluster(
                "c-k2", 57, "enterprise behind one address", "one gateway address, different work, one organisation"
            ),
        ),
        requests=31_204_881,
        accounts=412_003,
        rejects=17,
        first_seen=START - timedelta(days=1),
        last_seen=START + timedelta(days=15),
        fdr=0.01,
        engine="duckdb",
        version="0.1.0",
        calibration=(
            "nulls drawn from the traffic itself (rewired artifact graph, shifts within the hour of the "
            "week); no benign period was given"
        ),
        abstained=(
            "reasoning_replay: requests.reasoning_issued is absent.",
            "header_order: requests.header_order is wholly null.",
        ),
        capped=(
            "address 198.51.100.• (carrier-grade NAT): 8,112 accounts.",
            "client fingerprint t13d•••: 201,443 accounts.",
        ),
        inputs=("logs/2026-06-01.parquet", "logs/2026-06-02.parquet"),
        seconds={"ingest": 12.5},
    )


def nothing_found() -> Findings:
    """A run that accuses nobody."""
    return Findings(
        campaigns=(),
        authorised=(),
        cleared=(other_cluster("c-k1", 212, "classroom", "one course prompt"),),
        requests=1_204,
        accounts=88,
        rejects=0,
        first_seen=START,
        last_seen=START + timedelta(days=1),
        fdr=0.01,
        engine="duckdb",
        version="0.1.0",
        calibration="benign period of 1 to 14 May 2026, 18 days old",
        abstained=(),
        capped=(),
    )
