"""What signals say: traits of accounts, readings of clusters, and the families that keep evidence independent."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Family(StrEnum):
    """A group of traits that may depend on each other in innocent traffic; families are argued to be independent.

    Within a family evidence is averaged (valid under any dependence), across families it is multiplied.
    """

    NETWORK = "network"  # addresses at sign-up and in use
    PAYMENT = "payment"  # instrument and issuer
    REGISTRATION = "registration"  # mail domain, phone prefix
    COHORT = "cohort"  # when the account was made, first used, moved to a new model
    SOFTWARE = "software"  # client fingerprints, system prompt, tools, request parameters
    CONTENT = "content"  # templates and phrases of the prompts
    TEMPO = "tempo"  # volume, rhythm, synchrony
    DIVISION = "division"  # of labour: a work queue shared out, loads that complement each other, hand-over
    REPLAY = "replay"  # reasoning blocks sent back by an account that was not issued them
    CONDUCT = "conduct"  # what extraction needs: elicitation, output-heavy use, breadth, log-probabilities


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of trait.

    Attributes:
        name: stable identifier, e.g. ``payment_fingerprint``.
        family: the family it belongs to.
        label: plain words for a report, e.g. "payment instrument".
        artifact: True where the value is a thing two accounts can have in common (a token, an address, a template),
            which may seed a link; False where it is a measured bin (a volume, a rate), which may only confirm one.
        ordinary: values that say nothing and are dropped, e.g. the lowest bin of a rate.
    """

    name: str
    family: Family
    label: str
    artifact: bool
    ordinary: frozenset[str] = frozenset()


_NAMES = pa.dictionary(pa.int32(), pa.string())
#: One row an account, kind and value; ``n`` is the number of requests behind it (1 for what the accounts file says).
#: There are some fifty rows an account, so each text stands there once.
TRAITS = pa.schema([("account_id", _NAMES), ("kind", _NAMES), ("value", _NAMES), ("n", pa.int64())])


@dataclass(frozen=True, slots=True)
class Reading:
    """What one signal says of one cluster.

    Attributes:
        signal: the signal's name.
        summary: one sentence a person can check, with its numbers.
        value: the statistic; None if the signal abstained.
        p_value: probability of a value at least as extreme under the signal's null; None if it abstained.
        abstained: why the signal says nothing (an absent field, too few requests), or "".
        examples: request ids that show it, at most five.
    """

    signal: str
    summary: str
    value: float | None = None
    p_value: float | None = None
    abstained: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Activity:
    """The requests of a group of accounts as columns of equal length, ordered by time, then request id.

    Missing numbers are -1 and missing hashes 0. ``account`` and ``model`` index ``accounts`` and ``models``. An
    activity equals itself alone, so that what is derived of it can be remembered.
    """

    accounts: tuple[str, ...]
    models: tuple[str, ...]
    account: NDArray[np.int32]
    time: NDArray[np.int64]  # microseconds since the epoch, UTC
    model: NDArray[np.int32]
    session: NDArray[np.int64]
    prompt_hash: NDArray[np.int64]
    template: NDArray[np.int64]  # template family, 0 where the prompt is of none
    words: NDArray[np.int32]
    cues: NDArray[np.int32]
    form: NDArray[np.int32]  # bit set of stillwatch.text.form
    sketch: NDArray[np.int8]  # n x 32
    system_hash: NDArray[np.int64]
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    reasoning_tokens: NDArray[np.int64]
    refused: NDArray[np.int8]  # 1, 0, -1 unknown

    def __len__(self) -> int:
        return len(self.time)
