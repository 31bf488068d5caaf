"""The sentences of a report that follow from its numbers."""

from collections import Counter
from collections.abc import Iterable

from stillwatch.console.words import days, large, listed, number_word, percent, plural
from stillwatch.schema.campaign import Campaign, Evidence, Findings

SHORT = 100_000  # requests below which small campaigns are often missed (docs/benchmarks.md)
SURE = 0.95  # membership at or above this is called sure; below it, an account is to be looked at by itself

GIST = 4  # lines of evidence that tell a campaign at a glance
UNTOLD = "not told from chance"  # a cluster that no explanation had to clear

#: MITRE ATLAS 5.5, names of the techniques that campaigns are tagged with.
TECHNIQUES = {
    "AML.T0008.005": "Acquire Infrastructure: AI Service Proxies",
    "AML.T0012": "Valid Accounts",
    "AML.T0021": "Establish Accounts",
    "AML.T0024": "Exfiltration via AI Inference API",
    "AML.T0024.002": "Extract AI Model",
    "AML.T0040": "AI Model Inference API Access",
    "AML.T0065": "LLM Prompt Crafting",
}

#: What an account holder could show, for each innocent explanation of rule of evidence 3.
ANSWERS = {
    "authorised programme": "an agreement that names these accounts or their organisation, and the dates it covers",
    "coincidence": "that the account is run and paid for by itself, and has nothing to do with the others",
    "similar customers": "the product or task that many customers have in common, and that nothing else is shared",
    "batch customer": "the job or product the requests come from, and why it runs under several accounts",
    "evaluation vendor": "the benchmark or client the evaluation is for, and what becomes of the answers",
    "classroom": "the course, its roster and the assignment that everyone was given",
    "enterprise behind one address": "the company the accounts work for, and the gateway or proxy they share",
    "one firm's own tool": "the firm that pays for the accounts, and the work its people do with its own prompts",
    "aggregator": "the service that resells access, its own customers' separation, and its terms with the provider",
    "popular harness": "the tool and version in use, and where its shared prompt is published",
    "shared exercise or benchmark": "the course or benchmark, who publishes it, and whom the account works for",
    "carrier-grade nat": "the internet provider, and that nothing but the address is shared",
    "launch-day crowd": "when and why the account was opened, and its use since the launch",
}


def headline(findings: Findings) -> str:
    """What was found, in one line."""
    found = len(findings.campaigns)
    if not found:
        return "No coordinated extraction found"
    return f"{number_word(found).capitalize()} coordinated extraction campaign{'' if found == 1 else 's'} found"


#: Said wherever findings of simulated traffic are shown.
SIMULATED = "This traffic is simulated: the findings are of a drill, and accuse nobody."


def forwarded(campaign: Campaign) -> str:
    """That others' indicators had the campaign looked at; nothing if none did."""
    if not campaign.put_forward_by:
        return ""
    these = plural(len(campaign.put_forward_by), "indicator")
    return (
        f"It was looked at because {these} of other members named some of its accounts "
        f"({listed(list(campaign.put_forward_by[:5]))}). That is a reason to look and no evidence: "
        f"everything below is of this log alone."
    )


def period(findings: Findings) -> str:
    """``1–14 June 2026``, or nothing if no request was read."""
    if findings.first_seen is None or findings.last_seen is None:
        return ""
    return days(findings.first_seen, findings.last_seen)


def standfirst(findings: Findings) -> str:
    """How much was looked at, and how much of it the campaigns are."""
    read = f"{plural(findings.requests, 'request')} from {plural(findings.accounts, 'account')}"
    read += f" ({period(findings)})" if period(findings) else ""
    if findings.campaigns:
        taken = totals(findings)
        return (
            f"Among {read}, {plural(taken['accounts'], 'account')} sent {plural(taken['requests'], 'request')} that "
            f"follow a common plan, and received {plural(taken['output_tokens'], 'output token')} in return."
        )
    tied = len(findings.cleared) + len(findings.authorised)
    groups = f"{number_word(tied).capitalize()} group{' that has' if tied == 1 else 's that have'}"
    explained = f" {groups} ties to one another {'is' if tied == 1 else 'are'} explained below."
    return (
        f"{read} were examined. No group of accounts behaves as one actor in a way that neither chance nor an "
        f"innocent explanation accounts for.{explained if tied else ''}"
    )


def totals(findings: Findings) -> dict[str, int]:
    """Accounts, requests and output tokens of all campaigns; an account in two of them counts once."""
    return {
        "accounts": len({account for campaign in findings.campaigns for account in campaign.accounts}),
        "requests": sum(campaign.requests for campaign in findings.campaigns),
        "output_tokens": sum(campaign.output_tokens for campaign in findings.campaigns),
    }


def figures(findings: Findings) -> list[tuple[str, str]]:
    """The few numbers to remember, each with its name."""
    rate = ("False-discovery rate", percent(findings.fdr))
    if findings.campaigns:
        taken = totals(findings)
        return [
            ("Accounts found", large(taken["accounts"])),
            ("Their requests", large(taken["requests"])),
            ("Output tokens taken", large(taken["output_tokens"])),
            ("Groups explained", large(len(findings.cleared) + len(findings.authorised))),
            rate,
        ]
    return [
        ("Campaigns", "0"),
        ("Requests examined", large(findings.requests)),
        ("Accounts examined", large(findings.accounts)),
        ("Tied groups explained", large(len(findings.cleared) + len(findings.authorised))),
        rate,
    ]


def explained(findings: Findings) -> str:
    """How many tied groups have an innocent explanation, and which are the commonest: the other half of a verdict."""
    cleared, authorised = len(findings.cleared), len(findings.authorised)
    if not cleared + authorised:
        return "No other group of accounts was tied closely enough to be tested."
    told = []
    if cleared:
        accounts = len({account for cluster in findings.cleared for account in cluster.accounts})
        commonest = listed([f"{name} ({groups})" for name, groups, _ in tally(findings.cleared)[:3]])
        groups = plural(cleared, "other group" if findings.campaigns else "group")
        told.append(
            f"{groups} of accounts, {plural(accounts, 'account')} in all, {_is(cleared)} tied together and accused of "
            f"nothing: an innocent explanation fits, most often {commonest}."
        )
    if authorised:
        told.append(f"{plural(authorised, 'group')} {_is(authorised)} covered by a programme on file.")
    return " ".join(told)


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def tally(clusters: Iterable[Campaign]) -> list[tuple[str, int, int]]:
    """Cleared clusters by the explanation that fits each best: its name, groups and accounts; the commonest first."""
    groups: Counter[str] = Counter()
    accounts: Counter[str] = Counter()
    for cluster in clusters:
        best = max((c for c in cluster.considered if c.holds), key=lambda c: c.p_value or 0.0, default=None)
        name = best.explanation if best else UNTOLD
        groups[name] += 1
        accounts[name] += len(cluster.accounts)
    return [(name, groups[name], accounts[name]) for name in sorted(groups, key=lambda name: (-groups[name], name))]


def gist(campaign: Campaign) -> list[Evidence]:
    """The strongest line of evidence of each family, strongest first, at most four: the campaign at a glance."""
    best: dict[str, Evidence] = {}
    for line in sorted(campaign.evidence, key=lambda line: line.p_value):
        best.setdefault(line.family or line.signal, line)
    return list(best.values())[:GIST]


def closest(campaign: Campaign) -> float | None:
    """The p-value of the innocent explanation that comes closest, or None where none was put to a test."""
    return max((c.p_value for c in campaign.considered if c.p_value is not None), default=None)


def certainty(findings: Findings) -> str:
    """What the false-discovery rate means, and what it rests on."""
    rate = percent(findings.fdr)
    if not findings.campaigns:
        few = (
            f" With fewer than {large(SHORT)} requests small campaigns are often missed."
            if findings.requests < SHORT
            else ""
        )
        return (
            f"The bar was a false-discovery rate of {rate}. Silence is not proof of absence: a campaign that is small, "
            f"slow or differently built can stay below it.{few}"
        )
    return (
        f"Campaigns are reported at a false-discovery rate of {rate}: over many runs, on average at most {rate} of the "
        f"campaigns reported this way are ordinary customers who only look coordinated. That holds as far as the "
        f"calibration does: {findings.calibration.rstrip('.')}."
    )


def requested(findings: Findings) -> list[str]:
    """What is asked of the reader, in the order to do it."""
    asks = []
    if findings.campaigns:
        asks.append(
            "Have a person confirm each campaign before any account loses service: "
            "a wrong accusation costs a paying customer."
        )
        asks += _unsure(findings)
        asks.append(
            "Tell each account holder what is held against the account and let them answer; "
            "every campaign below says what would count."
        )
    if findings.authorised:
        asks.append("Check that what the authorised programmes did, listed below, is within their terms.")
    if findings.abstained:
        asks.append(
            f"Log the fields that {plural(len(findings.abstained), 'signal')} went without; "
            "campaigns that only they can see are invisible until then."
        )
    return asks or ["Nothing: no account needs attention on the strength of this run."]


def _unsure(findings: Findings) -> list[str]:
    members = [member for campaign in findings.campaigns for member in campaign.members]
    unsure = sum(member.score < SURE for member in members)
    if not unsure:
        return []
    return [
        f"Look one by one at the {plural(unsure, 'account')} whose membership is below {percent(SURE)}; "
        f"the other {large(len(members) - unsure)} can be decided together."
    ]


def title(campaign: Campaign) -> str:
    """A campaign in one line."""
    accounts = plural(len(campaign.accounts), "account")
    return f"{accounts} acting as one" + (f", aimed at {listed(campaign.targets)}" if campaign.targets else "")


def reasons(campaign: Campaign) -> list[tuple[str, str]]:
    """The innocent explanations that hold for a cleared or authorised cluster, each with its reason."""
    holding = [(c.explanation, c.why) for c in campaign.considered if c.holds]
    return holding or [(UNTOLD, campaign.confidence or "its evidence does not survive the control")]


def answers(campaign: Campaign) -> list[tuple[str, str]]:
    """For each innocent explanation that was ruled out, what would show that it holds after all."""
    return [
        (
            c.explanation,
            ANSWERS.get(c.explanation.casefold(), "records that show it, from before the date of this report"),
        )
        for c in campaign.considered
        if not c.holds
    ]


def technique(identifier: str) -> str:
    """An ATLAS technique with its name, or its bare identifier if it is not one of ours."""
    return " ".join(filter(None, [identifier, TECHNIQUES.get(identifier, "")]))
