"""A slice of events made into canonical requests, every column a provider would have."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab.accounts import DAY, Cast, host_keys
from stillwatch.lab.arrivals import Events
from stillwatch.lab.grammar import Grammar
from stillwatch.lab.infrastructure import SOFTWARE, Internet
from stillwatch.lab.keyed import Floats, Ints, Keys, below, choose, hexes, keys, normal, uniform
from stillwatch.lab.prompts import Askers, Source, prompts, systems
from stillwatch.lab.spec import Talk
from stillwatch.schema.requests import REQUESTS, STRINGS, TIMESTAMP

MODELS = ("aurora-2-mini", "aurora-2", "aurora-2-large")
NEWEST = "aurora-3"
_CLOUDS = ("bedrock", "vertex", "azure")
_TEMPERATURES = (0.0, 0.2, 0.5, 0.7, 1.0)
_TOOLS = ("read_file", "write_file", "run_command", "search", "fetch_url", "list_dir", "apply_patch", "query_db", "send_mail",
          "get_weather", "lookup_order", "create_ticket", "calendar", "calculator", "translate", "render_chart")  # fmt: skip

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


def relayed(scene: Scene, part: slice) -> np.ndarray:
    """Which requests of a slice an account only passes on for somebody else."""
    account = scene.events.account[part]
    share = np.array([group.talk.admixture for group in scene.people.groups])[scene.people.group[account]]
    session = keys(scene.people.key[account], scene.events.session[part])
    return uniform("relayed", session) < share


def identifiers(scene: Scene, part: slice) -> pa.Array:
    """Request identifiers of a slice."""
    place = np.arange(part.start, part.stop)
    return hexes("req_", keys(scene.seed, "request", place), keys(scene.seed, "request", place, "more"))


def _lists(values: pa.Array, counts: Ints) -> pa.Array:
    """Lists of ``counts`` values each, null where the count is 0."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0)).cast(STRINGS)


class Slice:
    """One slice of the log while its columns are made."""

    def __init__(self, scene: Scene, part: slice) -> None:
        people, events = scene.people, scene.events
        self.scene, self.part = scene, part
        self.account, self.time = events.account[part].astype(np.int64), events.time[part]
        self.turn, self.task = events.turn[part].astype(np.int64), events.task[part].astype(np.int64)
        self.key = people.key[self.account]
        self.group_key = people.group_key[self.account]
        self.session = keys(self.key, events.session[part])
        self.request = keys(self.session, self.turn)
        self.relayed = relayed(scene, part)
        self.talk = np.where(self.relayed, len(people.groups), people.group[self.account])
        self.talks = scene.talks()

    def of(self, name: str) -> Floats:
        """A number of each request's talk."""
        return np.array([getattr(talk, name) for talk in self.talks], dtype=np.float64)[self.talk]

    def flags(self, name: str, value: str) -> np.ndarray:
        """Whether a word of each request's talk is ``value``."""
        return np.array([getattr(talk, name) == value for talk in self.talks])[self.talk]

    def clients(self) -> Ints:
        """The client installation of each request; its session may go under another one."""
        rotate = np.array([group.clients.rotate for group in self.scene.people.groups])[
            self.scene.people.group[self.account]
        ]
        other = self.scene.internet.clients("any", self.session)
        return np.where(uniform("rotate", self.session) < rotate, other, self.scene.people.client[self.account])

    def network(self) -> dict[str, pa.Array]:
        """Address, country and system of each request."""
        people, internet = self.scene.people, self.scene.internet
        group = people.group[self.account]
        more = np.array([g.network.addresses for g in people.groups])[group]
        fresh = np.array([g.network.fresh for g in people.groups])[group]
        count = 1 + np.floor(-np.log(1 - uniform("addresses", self.key)) * more)
        slot = (count * uniform("slot", self.session) ** 1.5).astype(np.int64)
        once = uniform("fresh", self.session) < fresh
        host = np.where(once, keys(self.session, "once"), host_keys(people, self.account, slot))
        place = np.where(once, below(3, self.session, "place"), slot % 3)
        system = np.choose(place, [chosen[self.account] for chosen in people.systems])
        return {
            "client_ip": internet.addresses(system, host),
            "country": internet.country_of(system),
            "asn": pa.array(internet.asn[system]),
        }

    def model(self) -> pa.Array:
        """The model asked for: the account's own, one of several side by side, or the newest once it has moved."""
        several = self.of("models") > 1
        own = choose((0.35, 0.45, 0.2), np.where(several, self.request, self.key), "model")
        delay = -np.log(1 - uniform("moves", self.key)) * self.of("newest") * DAY
        moves = (uniform("mover", self.key) < self.of("movers")) & (self.time > self.scene.release + delay)
        trial = several & (uniform("trial", self.request) < 0.5)
        return pa.array((*MODELS, NEWEST)).take(pa.array(np.where(moves & ~trial, len(MODELS), own)))

    def pathway(self) -> pa.Array:
        """How each request reached the model."""
        names = ["first_party", *_CLOUDS, "aggregator"]
        number = np.zeros(len(self.time), dtype=np.int64)
        mixes = [group.talk.pathways for group in self.scene.people.groups]
        group = self.scene.people.group[self.account]
        failover = (
            uniform("failover", self.session) < np.array([g.talk.failover for g in self.scene.people.groups])[group]
        )
        who = np.where(failover, self.session, self.key)
        for i in np.unique(group):
            rows = np.nonzero(group == i)[0]
            drawn = choose([weight for _, weight in mixes[i]], who[rows], "pathway")
            cloud = 1 + below(len(_CLOUDS), who[rows], "cloud")
            table = {"first_party": 0 * cloud, "cloud": cloud, "aggregator": 0 * cloud + len(_CLOUDS) + 1}
            number[rows] = np.choose(drawn, [table[name] for name, _ in mixes[i]])
        return pa.array(names).take(pa.array(number))

    def text(self, program: Ints) -> dict[str, pa.Array]:
        """Prompts and system prompts, talk by talk."""
        people, order, said, told = self.scene.people, [], [], []
        size = np.bincount(people.group, weights=people.requests, minlength=len(people.groups)).astype(np.int64)
        customer = keys(self.group_key, "customer", below(500, self.session, "customer"))
        for number in np.unique(self.talk).tolist():
            rows, talk = np.nonzero(self.talk == number)[0], self.talks[number]
            account = (customer if talk is RELAYED else self.key)[rows]
            who = Askers(
                account, account, self.group_key[rows], self.session[rows], self.turn[rows], self.task[rows],
                int(size[number]) if number < len(size) else 1, people.country[self.account[rows]],
            )  # fmt: skip
            order.append(rows)
            said.append(prompts(talk, who, self.scene.grammar, self.scene.source))
            system = systems(talk.system, who, program[rows], self.scene.grammar)
            told.append(pa.nulls(len(rows), pa.string()) if system is None else system)
        back = pa.array(np.argsort(np.concatenate(order), kind="stable"))
        return {"prompt": pa.concat_arrays(said).take(back), "system_prompt": pa.concat_arrays(told).take(back)}

    def reasoning(self) -> dict[str, pa.Array]:
        """Reasoning blocks issued, and those that come back: of the own session, or of anybody's in the group."""
        share, crossing = self.of("reasoning"), ~self.flags("replay", "own") & ~self.relayed

        def block(step: int) -> tuple[Keys, np.ndarray]:
            own, common = keys(self.session, self.turn - step), keys(self.group_key, "block", self.task - step)
            key = np.where(crossing, common, own)
            exists = np.where(crossing, self.task, self.turn) >= step
            return key, exists & (uniform("reasons", key) < share)

        issued, reasons = block(0)
        back = [block(step) for step in (3, 2, 1)]
        sent = np.column_stack([flag for _, flag in back])
        replayed = np.column_stack([key for key, _ in back])[sent]
        tokens = np.exp(np.log(700) + 0.9 * normal("thought", self.request))
        return {
            "reasoning_issued": _lists(_blocks(issued[reasons]), reasons.astype(np.int64)),
            "reasoning_replayed": _lists(_blocks(replayed), sent.sum(axis=1)),
            "reasoning_tokens": pa.array(np.where(reasons, tokens, 0).astype(np.int64)),
        }

    def parameters(self, program: Ints) -> dict[str, pa.Array]:
        """What is asked of the model beside the prompt: the client's defaults, the account's habits."""
        temperature = np.array([np.nan if s.temperature is None else s.temperature for s in SOFTWARE])[program]
        habit = np.array(_TEMPERATURES)[below(len(_TEMPERATURES), self.key, "temperature")]
        temperature = np.where((uniform("habit", self.key) < 0.35) & ~np.isnan(temperature), habit, temperature)
        fixed = np.array([np.nan if talk.temperature is None else talk.temperature for talk in self.talks])[self.talk]
        temperature = np.where(np.isnan(fixed), temperature, fixed)
        limit = np.array([s.max_tokens or 0 for s in SOFTWARE])[program]
        own = 256 * 2 ** below(6, self.key, "limit")
        limit = np.where((uniform("own limit", self.key) < 0.3) & (program >= 6), own, limit)
        stream = np.array([s.stream for s in SOFTWARE])[program]
        median = np.log(self.of("output_tokens")) + 0.4 * normal("verbose", self.key)
        wanted = np.exp(median + self.of("output_sd") * normal("output", self.request)).astype(np.int64) + 1
        cut = (limit > 0) & (wanted > limit)
        refused = uniform("refused", self.request) < self.of("refused")
        output = np.where(refused, 20 + wanted % 60, np.where(cut, limit, wanted))
        several = np.where(uniform("samples", self.key) < self.of("samples"), 2 + below(7, self.key, "n"), 1)
        calls = ~self.flags("tools", "none") & (uniform("calls", self.request) < 0.6)
        reason = np.select([refused, cut, calls], [3, 1, 2], 0)
        return {
            "temperature": pa.array(temperature, from_pandas=True),
            "max_tokens": pa.array(limit, mask=limit == 0),
            "stream": pa.array(stream ^ (uniform("stream", self.key) < 0.1)),
            "n": pa.array(several),
            "logprobs": pa.array(uniform("logprobs", self.key) < self.of("logprobs")),
            "output_tokens": pa.array(output * several),
            "refused": pa.array(refused),
            "stop_reason": pa.array(["stop", "length", "tool_calls", "refusal"]).take(pa.array(reason)),
        }

    def tools(self, program: Ints) -> pa.Array:
        """Names of the tools offered: none, the account's, the group's, or those a public program brings."""
        scope = np.where(self.flags("tools", "account"), self.key, self.group_key)
        scope = np.where(self.flags("tools", "public"), keys("program", program), scope)
        count = np.where(self.flags("tools", "none"), 0, 2 + below(7, scope, "tools"))
        start = below(len(_TOOLS), scope, "first tool")
        step = 1 + 2 * below(4, scope, "tool step")  # odd, so that a list never repeats a tool
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        picked = (np.repeat(start, count) + nth * np.repeat(step, count)) % len(_TOOLS)
        return _lists(pa.array(_TOOLS).take(pa.array(picked)), count)

    def batch(self) -> pa.RecordBatch:
        """The slice as canonical requests."""
        people, internet = self.scene.people, self.scene.internet
        client = self.clients()
        program = internet.program[client]
        columns = {**self.network(), **self.text(program), **self.reasoning(), **self.parameters(program)}
        spoken = sum(
            (pc.fill_null(pc.utf8_length(columns[name]), 0).to_numpy() for name in ("prompt", "system_prompt")), start=0
        )
        before = self.of("input_tokens") * np.exp(normal("context", self.session)) * (1 + 0.5 * self.turn)
        credential = below(1 + below(3, self.key, "credentials"), self.session, "credential")
        account = pa.array(self.account)
        columns |= {
            "request_id": identifiers(self.scene, self.part),
            "timestamp": pa.array(self.time, pa.timestamp("us")).cast(TIMESTAMP),
            "account_id": people.identifier.take(account),
            "organization_id": people.organization.take(account),
            "credential_id": hexes("key_", keys(self.key, "credential", credential)),
            "session_id": hexes("sess_", keys(self.session, "identifier")),
            "model": self.model(),
            "pathway": self.pathway(),
            "turns": pa.array(
                (1 + 2 * self.turn * (self.of("turns") >= 0) + 2 * np.floor(self.of("turns") - 1)).astype(np.int64)
            ),
            "tools": self.tools(program),
            "input_tokens": pa.array((spoken / 4 + before).astype(np.int64) + 3),
            "user_agent": internet.user_agent.take(pa.array(client)),
            "tls_fingerprint": internet.tls.take(pa.array(client)),
            "header_order": internet.header_order.take(pa.array(client)),
            "response": self._responses(),
        }
        return pa.record_batch([columns[name] for name in REQUESTS.names], schema=REQUESTS)

    def _responses(self) -> pa.Array:
        if not self.scene.responses:
            return pa.nulls(len(self.time), pa.string())
        topic, grammar = below(self.scene.grammar.topics, self.request), self.scene.grammar
        return grammar.spell(*(grammar.expand("answer", keys(self.request, i), topic) for i in range(2)))


def _blocks(key: Keys) -> pa.Array:
    return hexes("rb_", keys(key, "block"), keys(key, "block", "more"))
