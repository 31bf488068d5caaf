"""What minting, checking and matching give."""

from dataclasses import dataclass

from stillwatch.schema.stix import Object


@dataclass(frozen=True, slots=True)
class Minted:
    """STIX objects, what they refer to first; and a line for whatever was not minted, and why."""

    objects: tuple[Object, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an object: its id (or its place), a JSON pointer into it, and why."""

    object: str
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """STIX objects read from a file, and those that were refused."""

    objects: tuple[Object, ...]
    refused: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """An account of the local log that an indicator is true of. A reason to look, and no evidence against anybody.

    Attributes:
        account_id: the local account.
        indicator: id of the indicator.
        campaigns: ids of the campaigns that it indicates.
        confidence: of the indicator, as aged by the end of the log.
        requests: requests that show it; 0 where it is true of the account as a whole.
        why: a sentence a person can check.
    """

    account_id: str
    indicator: str
    campaigns: tuple[str, ...]
    confidence: int
    requests: int
    why: str


@dataclass(frozen=True, slots=True)
class Matched:
    """Matches by account, then indicator; and a line for each indicator that was not looked for, and why."""

    matches: tuple[Match, ...]
    silent: tuple[str, ...]
