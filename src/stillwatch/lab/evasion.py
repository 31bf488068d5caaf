"""Knobs of evasion: each turns the specification of a campaign into a harder one, by a degree from 0 to 1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stillwatch.errors import UsageError
from stillwatch.lab.spec import Group, Mix

Turn = Callable[[Group, float], Group]


@dataclass(frozen=True, slots=True)
class Knob:
    """One evasion: its name, what it does at 1, and how it changes a group."""

    name: str
    title: str
    turn: Turn


def _toward(mix: Mix, goal: Mix, degree: float) -> Mix:
    """Shift a mix towards another by ``degree``."""
    weights: dict[str, float] = {}
    for part, factor in ((mix, 1 - degree), (goal, degree)):
        total = sum(weight for _, weight in part)
        for name, weight in part:
            weights[name] = weights.get(name, 0.0) + factor * weight / total
    return tuple((name, weight) for name, weight in weights.items() if weight > 0)


def _jitter(group: Group, degree: float) -> Group:
    tempo = group.tempo
    disturbed = replace(
        tempo,
        sync=tempo.sync * (1 - degree),
        queue=max(tempo.queue * (1 - degree), 0.01 * (tempo.queue > 0)),
        volume_sd=tempo.volume_sd + degree,
        rhythm=tempo.rhythm + degree * (0.7 - tempo.rhythm),
        cv=tempo.cv + degree * 0.4,
    )
    return replace(group, tempo=disturbed)


def _residential(group: Group, degree: float) -> Group:
    network = group.network
    homes = replace(
        network,
        kinds=_toward(network.kinds, (("isp", 0.75), ("mobile", 0.25)), degree),
        shared=0 if degree > 0.5 else network.shared,
        fresh=max(network.fresh, 0.9 * degree),
    )
    signup = replace(group.signup, from_network=max(group.signup.from_network, degree))
    return replace(group, network=homes, signup=signup)


def _virtual_cards(group: Group, degree: float) -> Group:
    signup = group.signup
    payers = max(1, round(signup.payers ** (1 - degree)))
    return replace(
        group, signup=replace(signup, payers=payers, cards=_toward(signup.cards, (("virtual", 1.0),), degree))
    )


def _paraphrase(group: Group, degree: float) -> Group:
    talk = group.talk
    return replace(group, talk=replace(talk, paraphrase=degree, variants=round(talk.variants * (1 + 30 * degree))))


def _admixture(group: Group, degree: float) -> Group:
    return replace(group, talk=replace(group.talk, admixture=max(group.talk.admixture, min(degree, 0.98))))


def _slow_drip(group: Group, degree: float) -> Group:
    rate = group.rate * (4.0 / max(group.rate, 4.0)) ** degree
    return replace(
        group, rate=rate, accounts=round(group.accounts * group.rate / rate), tempo=replace(group.tempo, session=1.0)
    )


def _aged_accounts(group: Group, degree: float) -> Group:
    signup = group.signup
    hours = signup.cohort_hours * (1 - degree) + 24 * 365 * degree if signup.cohort_hours else 0.0
    return replace(group, signup=replace(signup, cohort_hours=hours, lead_days=signup.lead_days + 60 * degree))


def _hand_over(group: Group, degree: float) -> Group:
    pools = 1 + round(5 * degree)
    relay = tuple((1.0, i / pools, (i + 1) / pools) for i in range(pools))
    return replace(group, tempo=replace(group.tempo, pools=relay)) if pools > 1 else group


def _disposable(group: Group, degree: float) -> Group:
    mail = _toward(group.signup.mail, (("disposable", 1.0),), degree)
    return replace(group, signup=replace(group.signup, mail=mail))


def _random_clients(group: Group, degree: float) -> Group:
    clients = group.clients
    return replace(
        group, clients=replace(clients, rotate=max(clients.rotate, degree), fleet=0 if degree > 0.5 else clients.fleet)
    )


KNOBS: tuple[Knob, ...] = (
    Knob("jitter", "no common bursts, no turn-taking, unequal loads, a day's rhythm", _jitter),
    Knob("residential", "addresses of private customers, fresh for nearly every session", _residential),
    Knob("virtual_cards", "an instrument of its own for each account, from virtual issuers", _virtual_cards),
    Knob("paraphrase", "every piece of the template redrawn among synonyms, and many more variants", _paraphrase),
    Knob("admixture", "this share of the requests is somebody else's and innocent", _admixture),
    Knob("slow_drip", "four requests an account and day, from as many more accounts", _slow_drip),
    Knob("aged_accounts", "accounts made over a year, long before use", _aged_accounts),
    Knob("hand_over", "up to six pools of accounts, one after another", _hand_over),
    Knob("disposable", "mail addresses of disposable domains only", _disposable),
    Knob("random_clients", "another client for every session, no common installation", _random_clients),
)


def evade(group: Group, degrees: Mapping[str, float]) -> Group:
    """A campaign with its knobs turned; other groups as they are.

    Raises:
        UsageError: a knob that does not exist, or a degree outside 0 to 1.
    """
    known = {knob.name: knob for knob in KNOBS}
    for name, degree in degrees.items():
        if name not in known:
            raise UsageError(f"there is no evasion knob {name!r}", do=f"Knobs are: {', '.join(known)}")
        if not 0 <= degree <= 1:
            raise UsageError(f"the degree of {name!r} is {degree}, not between 0 and 1", where="--evade")
        if group.kind == "campaign" and degree > 0:
            group = known[name].turn(group, degree)
    return group
