"""What the decision takes and gives. Times are microseconds since 1970-01-01 UTC."""

from enum import IntEnum
from typing import Final

from msgspec import Struct

DAY: Final = 86_400_000_000
SECOND: Final = 1_000_000


class Measure(IntEnum):
    """The ladder. Each rung does what the milder ones do as well."""

    ALLOW = 0  # as if nobody had looked
    OBSERVE = 1  # answered in full; the record says what would have been done
    WITHHOLD = 2  # no reasoning blocks, no log-probabilities, no replay of blocks issued to others
    PACE = 3  # the finished answer is handed out at a bounded rate of tokens
    STEP_UP = 4  # refused until the customer has verified who it is
    BLOCK = 5  # refused

    @property
    def label(self) -> str:
        """As policies and records spell it."""
        return self.name.lower()


MEASURES: Final = {measure.label: measure for measure in Measure}
LOCAL: Final = "local"
FORUM: Final = "forum"


class Request(Struct, frozen=True):
    """What is known of a request as it arrives; ``tier`` is "" where the account is of none.

    ``anchors`` are those of the prompt (``stillwatch.text.anchors``), unkeyed. ``foreign`` are hashes of reasoning
    blocks sent back that are known to have been issued to another account.
    """

    account_id: str
    model: str = ""
    organization_id: str | None = None
    tier: str = ""
    client_ip: str | None = None
    user_agent: str | None = None
    tls_fingerprint: str | None = None
    header_order: str | None = None
    anchors: tuple[int, ...] = ()
    replayed: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class Verdict(Struct, frozen=True):
    """What stands against an account.

    Attributes:
        account_id, campaign_id: whom and what for.
        q_value, score: as ``accounts.parquet`` has them.
        origin: ``local`` detection, or the ``forum``.
        confirmed: there is recorded local evidence; of ``local`` verdicts always.
        onset: from when on it may be acted on: when it was first reached, and a delay that nobody outside can foresee.
        affirmed: when detection last said so.
        granted: the highest rung that budget, approvals and appeals leave.
        measure_id: what the record and the customer call the measure.
    """

    account_id: str
    campaign_id: str
    q_value: float
    score: float
    origin: str
    confirmed: bool
    onset: int
    affirmed: int
    granted: Measure
    measure_id: str


class Indicator(Struct, frozen=True):
    """A pattern learnt from elsewhere: a reason to look, and no evidence against anybody."""

    id: str
    campaign: str
    kind: str
    valid_from: int
    valid_until: int


class Reason(Struct, frozen=True):
    """One reason of a decision: a stable code, a sentence, and what it refers to (a campaign, an indicator)."""

    code: str
    text: str
    refers: str = ""


class Decision(Struct, frozen=True):
    """What is done with a request, and why.

    Attributes:
        measure: the rung.
        reasons: at least one where the rung is above allow.
        would: the rung that the verdict alone would have given; higher than ``measure`` where something held it back.
        measure_id: names the measure to whoever appeals; "" without one.
        access: code of the ownership rule that refuses the request, apart from any measure; "" if none does.
    """

    measure: Measure
    reasons: tuple[Reason, ...] = ()
    would: Measure = Measure.ALLOW
    measure_id: str = ""
    access: str = ""

    @property
    def refused(self) -> bool:
        """Whether the request goes no further."""
        return bool(self.access) or self.measure >= Measure.STEP_UP
