"""A slice of events made into canonical requests, every column a provider would have."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stillwatch.lab.accounts import DAY, Cast, host_keys
from stillwatch.lab.arrivals import Events
from stillwatch.lab.columns import Column, column, concatenate, hexes, lengths, lists, pick, texts, times
from stillwatch.lab.grammar import Grammar
from stillwatch.lab.infrastructure import SOFTWARE, Internet
from stillwatch.lab.keyed import Flags, Floats, Ints, Keys, below, choose, exponential, keys, normal, uniform
from stillwatch.lab.prompts import Askers, Source, prompts, system_prompts
from stillwatch.lab.spec import Group, Talk
from stillwatch.schema.requests import REQUESTS

MODELS = ("aurora-2-mini", "aurora-2", "aurora-2-large")
NEWEST = "aurora-3"
_CLOUDS = ("bedrock", "vertex", "azure")
_PATHWAYS = ("first_party", *_CLOUDS, "aggregator")
_CUSTOMERS = 500  # of a proxy
_TEMPERATURES = (0.0, 0.2, 0.5, 0.7, 1.0)
_TOOLS = (
    "read_file", "write_file", "run_command", "search", "fetch_url", "list_dir", "apply_patch", "query_db",
    "send_mail", "get_weather", "lookup_order", "create_ticket", "calendar", "calculator", "translate", "render_chart",
)  # fmt: skip

#: What the customers of a proxy ask through it: ordinary talk.
RELAYED = Talk(many_topics=True)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that stays the same while a log is written."""

    seed: int
    people: Cast
    events: Events
    internet: Internet
    grammar: Grammar
    source: Source
    release: int
    responses: bool

    def talks(self) -> tuple[Talk, ...]:
        """The talk of every group, then that of a proxy's innocent customers."""
        return (*(group.talk for group in self.people.groups), RELAYED)


class Slice:
    """One slice of the log while its columns are made."""

    def __init__(self, scene: Scene, part: slice) -> None:
        people, events = scene.people, scene.events
        self.scene, self.part = scene, part
        self.account, self.time = events.account[part].astype(np.int64), events.time[part]
        self.turn, self.task = events.turn[part].astype(np.int64), events.task[part].astype(np.int64)
        self.group = people.group[self.account]
        self.key, self.group_key = people.key[self.account], people.group_key[self.account]
        self.session = keys(self.key, events.session[part].astype(np.int64))
        self.request = keys(self.session, self.turn)
        self.relayed = uniform("relayed", self.session) < self._by_group(lambda group: group.talk.admixture)
        self.talks = scene.talks()
        self.talk = np.where(self.relayed, len(people.groups), self.group)

    def _by_group(self, number: Callable[[Group], float]) -> Floats:
        """A number of each request's group."""
        return np.array([number(group) for group in self.scene.people.groups], dtype=np.float64)[self.group]

    def _by_talk(self, number: Callable[[Talk], float]) -> Floats:
        """A number of each request's talk, which is not the group's where a request is relayed."""
        return np.array([number(talk) for talk in self.talks], dtype=np.float64)[self.talk]

    def _clients(self) -> Ints:
        """The client installation of each request; its session may go under another one."""
        other = self.scene.internet.clients("any", self.session)
        rotates = uniform("rotate", self.session) < self._by_group(lambda group: group.clients.rotate)
        return np.where(rotates, other, self.scene.people.client[self.account])

    def _network(self) -> dict[str, Column]:
        """Address, country and system of each request."""
        people, internet = self.scene.people, self.scene.internet
        more = exponential("addresses", self.key) * self._by_group(lambda group: group.network.addresses)
        slot = ((1 + np.floor(more)) * uniform("slot", self.session) ** 1.5).astype(np.int64)
        once = uniform("fresh", self.session) < self._by_group(lambda group: group.network.fresh)
        host = np.where(once, keys(self.session, "once"), host_keys(people, self.account, slot))
        shared = self._by_group(lambda group: group.network.shared) > 0
        away = 1 + below(len(people.systems) - 1, self.session, "away")
        place = np.where(shared, np.where(once, away, 0), (slot + once * away) % len(people.systems))
        system = np.choose(place, [chosen[self.account] for chosen in people.systems])
        lease = keys(self.key, self.time // DAY)
        return {
            "client_ip": internet.addresses(system, host, lease),
            "country": internet.country_of(system),
            "asn": column(internet.asn[system]),
        }

    def _models(self) -> Column:
        """The model asked for: the account's own, one of several side by side, or the newest once it has moved."""
        several = self._by_talk(lambda talk: talk.models) > 1
        own = choose((0.35, 0.45, 0.2), np.where(several, self.request, self.key), "model")
        delay = exponential("moves", self.key) * self._by_talk(lambda talk: talk.newest) * DAY
        mover = uniform("mover", self.key) < self._by_talk(lambda talk: talk.movers)
        moved = mover & (self.time > self.scene.release + delay)
        trial = several & (uniform("trial", self.request) < 0.5)
        return pick(texts((*MODELS, NEWEST)), np.where(moved & ~trial, len(MODELS), own))

    def _pathways(self) -> Column:
        """How each request reached the model."""
        number = np.zeros(len(self.time), dtype=np.int64)
        failover = uniform("failover", self.session) < self._by_group(lambda group: group.talk.failover)
        who = np.where(failover, self.session, self.key)
        for i in np.unique(self.group).tolist():
            rows, mix = np.nonzero(self.group == i)[0], self.scene.people.groups[i].talk.pathways
            drawn = choose([weight for _, weight in mix], who[rows], "pathway")
            names = np.array([_PATHWAYS.index(_CLOUDS[0] if name == "cloud" else name) for name, _ in mix])[drawn]
            cloud = below(len(_CLOUDS), who[rows], "cloud")
            number[rows] = np.where(names == 1, names + cloud, names)
        return pick(texts(_PATHWAYS), number)

    def _texts(self, program: Ints) -> dict[str, Column]:
        """Prompts and system prompts, talk by talk."""
        scene, order = self.scene, []
        said: list[Column] = []
        told: list[Column] = []
        size = np.bincount(scene.people.group, weights=scene.people.requests).astype(np.int64)
        customer = keys(self.group_key, "customer", below(_CUSTOMERS, self.session, "customer"))
        for number in np.unique(self.talk).tolist():
            rows, talk = np.nonzero(self.talk == number)[0], self.talks[number]
            who = Askers(
                account=(customer if talk is RELAYED else self.key)[rows],
                group=self.group_key[rows],
                session=self.session[rows],
                turn=self.turn[rows],
                task=self.task[rows],
                country=scene.people.country[self.account[rows]],
                tasks=int(size[self.group[rows[0]]]),
            )
            order.append(rows)
            said.append(prompts(talk, who, scene.grammar, scene.source))
            system = system_prompts(talk.system, who, program[rows], scene.grammar)
            told.append(column(np.full(len(rows), None), pa.string()) if system is None else system)
        back = np.argsort(np.concatenate(order), kind="stable")
        return {"prompt": pick(concatenate(said), back), "system_prompt": pick(concatenate(told), back)}

    def _reasoning(self) -> dict[str, Column]:
        """Reasoning blocks issued, and those sent back: of the own session, or ones issued to others of the group."""
        share, crosses = self._by_talk(lambda talk: talk.reasoning), self._by_talk(lambda talk: talk.crossing)
        common = crosses > 0  # blocks of such a group are known by their place in its work

        def block(step: Ints | int) -> tuple[Keys, Flags]:
            key = np.where(
                common, keys(self.group_key, "block", self.task - step), keys(self.session, self.turn - step)
            )
            exists = np.where(common, self.task, self.turn) >= step
            return key, exists & (uniform("reasons", key) < share)

        issued, reasons = block(0)
        crossing = uniform("crossing", self.session) < crosses
        back = [
            block(np.where(common, 1 + below(1 << 5 * step, self.request, "step", step), step)) for step in (3, 2, 1)
        ]
        sent = np.column_stack([flag & (crossing | ~common) for _, flag in back])
        replayed = np.column_stack([key for key, _ in back])[sent]
        tokens = np.exp(np.log(700) + 0.9 * normal("thought", self.request))
        return {
            "reasoning_issued": lists(_blocks(issued[reasons]), reasons.astype(np.int64)),
            "reasoning_replayed": lists(_blocks(replayed), sent.sum(axis=1)),
            "reasoning_tokens": column(np.where(reasons, tokens, 0).astype(np.int64)),
        }

    def _asked(self, program: Ints) -> dict[str, Column]:
        """What is asked of the model beside the prompt, and what comes of it: client's defaults, account's habits."""
        temperature = np.array([np.nan if s.temperature is None else s.temperature for s in SOFTWARE])[program]
        habit = np.array(_TEMPERATURES)[below(len(_TEMPERATURES), self.key, "temperature")]
        temperature = np.where((uniform("habit", self.key) < 0.35) & ~np.isnan(temperature), habit, temperature)
        fixed = self._by_talk(lambda talk: np.nan if talk.temperature is None else talk.temperature)
        temperature = np.where(np.isnan(fixed), temperature, fixed)
        limit = np.array([s.max_tokens or 0 for s in SOFTWARE])[program]
        api = np.array([s.kind in ("sdk", "raw", "agent") for s in SOFTWARE])[program]
        limit = np.where((uniform("limit", self.key) < 0.3) & api, 256 * 2 ** below(6, self.key, "own limit"), limit)
        stream = np.array([s.stream for s in SOFTWARE])[program] ^ (uniform("stream", self.key) < 0.1)
        samples = uniform("samples", self.key) < self._by_talk(lambda talk: talk.samples)
        n = np.where(samples, 2 + below(7, self.key, "n"), 1)
        return {
            "temperature": column(temperature, null=np.isnan(temperature)),
            "max_tokens": column(limit, null=limit == 0),
            "stream": column(stream),
            "n": column(n),
            "logprobs": column(uniform("logprobs", self.key) < self._by_talk(lambda talk: talk.logprobs)),
            **self._answered(limit, n),
        }

    def _answered(self, limit: Ints, n: Ints) -> dict[str, Column]:
        """Tokens of the answer, and how it ended."""
        median = np.log(self._by_talk(lambda talk: talk.output_tokens)) + 0.4 * normal("verbose", self.key)
        spread = self._by_talk(lambda talk: talk.output_sd) * normal("output", self.request)
        wanted = np.exp(median + spread).astype(np.int64) + 1
        cut = (limit > 0) & (wanted > limit)
        refused = uniform("refused", self.request) < self._by_talk(lambda talk: talk.refused)
        offered = self._by_talk(lambda talk: talk.tools != "none") > 0
        calls = offered & (uniform("calls", self.request) < 0.6)
        output = np.select([refused, cut], [20 + wanted % 60, limit], wanted)
        reason = np.select([refused, cut, calls], [3, 1, 2], 0)
        return {
            "output_tokens": column(output * n),
            "refused": column(refused),
            "stop_reason": pick(texts(("stop", "length", "tool_calls", "refusal")), reason),
        }

    def _tools(self, program: Ints) -> Column:
        """Names of the tools offered: none, the account's, the group's, or those a public program brings."""
        scope = np.where(self._by_talk(lambda talk: talk.tools == "account") > 0, self.key, self.group_key)
        scope = np.where(self._by_talk(lambda talk: talk.tools == "public") > 0, keys("program", program), scope)
        none = self._by_talk(lambda talk: talk.tools == "none") > 0
        count = np.where(none, 0, 2 + below(7, scope, "tools"))
        start, step = below(len(_TOOLS), scope, "first tool"), 1 + 2 * below(4, scope, "tool step")
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        # the step is odd and the number of tools a power of two, so no list repeats a tool
        picked = (np.repeat(start, count) + nth * np.repeat(step, count)) % len(_TOOLS)
        return lists(pick(texts(_TOOLS), picked), count)

    def _responses(self) -> Column:
        """Answers in the lab's own words, or nulls."""
        if not self.scene.responses:
            return column(np.full(len(self.time), None), pa.string())
        topic, grammar = below(self.scene.grammar.topics, self.request), self.scene.grammar
        return grammar.spell(*(grammar.expand("answer", keys(self.request, i), topic) for i in range(2)))

    def _turns(self) -> Ints:
        """Messages in each request: two more for every earlier turn, and those from before the session."""
        before = 2 * (self._by_talk(lambda talk: talk.turns) - 1).astype(np.int64)
        return np.asarray(1 + before + 2 * self.turn, dtype=np.int64)

    def batch(self) -> pa.RecordBatch:
        """The slice as canonical requests."""
        people, internet = self.scene.people, self.scene.internet
        client = self._clients()
        program = internet.program[client]
        columns = {**self._network(), **self._texts(program), **self._reasoning(), **self._asked(program)}
        spoken = lengths(columns["prompt"]) + lengths(columns["system_prompt"])
        before = self._by_talk(lambda talk: talk.input_tokens) * np.exp(normal("context", self.session))
        credential = below(1 + below(3, self.key, "credentials"), self.session, "credential")
        place = np.arange(self.part.start, self.part.stop)
        columns |= {
            "request_id": hexes("req_", keys(self.scene.seed, "request", place)),
            "timestamp": times(self.time),
            "account_id": pick(people.identifier, self.account),
            "organization_id": pick(people.organization, self.account),
            "credential_id": hexes("key_", keys(self.key, "credential", credential)),
            "session_id": hexes("sess_", keys(self.session, "identifier")),
            "model": self._models(),
            "pathway": self._pathways(),
            "turns": column(self._turns()),
            "tools": self._tools(program),
            "input_tokens": column((spoken / 4 + before * (1 + 0.5 * self.turn)).astype(np.int64) + 3),
            "user_agent": pick(internet.user_agent, client),
            "tls_fingerprint": pick(internet.tls, client),
            "header_order": pick(internet.header_order, client),
            "response": self._responses(),
        }
        return pa.record_batch([columns[name] for name in REQUESTS.names], schema=REQUESTS)


def _blocks(key: Keys) -> Column:
    return hexes("rb_", keys(key, "block"), keys(key, "block", "more"))
