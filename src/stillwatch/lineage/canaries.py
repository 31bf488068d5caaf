"""Canaries: wordings that a teacher planted in answers, and whether a suspect uses them.

For each canary its owner writes several forms that would serve equally well, and one of them is drawn and planted. Who
has not learnt from the planted answers prefers no form for having been planted, so given the forms that a suspect
uses, the number of planted ones is a sum of independent draws, and its p-value is exact, whatever the suspect's habits
(the rank among alternatives of Carlini et al., "The Secret Sharer", USENIX Security 2019, made a test). A canary of a
single form has no such draw; all that can be said of it is how many control families use it.

A register of salted digests (SHA-256 of salt and canary) is dated and signed when they are planted. It can be shown to
anybody and tells nobody what the canaries are. All of them must be opened to be tested: opening those that were found
would be choosing after looking.
"""

import hashlib
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from scipy.stats import binom

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.calibration import hierarchical_p
from stillwatch.lineage.interface import Card, Line, Panel, Role
from stillwatch.lineage.signing import read_signed, sign

TYPE: Final = "stillwatch-canaries/1"
REGISTER: Final = "register.json"
OPENED: Final = "opened.ndjson"
_MOST: Final = 10_000
_FORMS: Final = 64
_WORD: Final = re.compile(r"\w+")


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One canary, opened.

    Attributes:
        forms: wordings that serve equally well, in order.
        planted: which of them was drawn.
        salt: 32 random bytes, hexadecimal.
        probe: the prompt whose answer it is looked for in; empty for all answers.
    """

    forms: tuple[str, ...]
    planted: int
    salt: str
    probe: str = ""

    @property
    def commitment(self) -> str:
        """Its digest in a register."""
        text = json.dumps([self.probe, *self.forms, self.planted], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(f"{TYPE}\n{self.salt}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What a model's answers hold.

    Attributes:
        planted: canaries whose planted form is there.
        drawn: of those with alternatives, how many used forms are planted ones.
        p_value: of ``drawn`` by the draw, given the forms used.
        used: canaries with alternatives of which some form is there.
    """

    planted: tuple[Canary, ...]
    drawn: int
    p_value: float
    used: int


def draw(path: Path) -> tuple[Canary, ...]:
    """Canaries from NDJSON rows with ``forms`` (a list) and, if it likes, ``probe`` (a prompt's id), one form drawn.

    Raises:
        InputError: a row is none, two forms of a canary read the same, or a form holds another.
    """
    found = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except ValueError as error:
        raise InputError("is no text", where=str(path)) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            forms, probe = tuple(row["forms"]), str(row.get("probe", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"line {number} holds no 'forms'", where=str(path)) from None
        plain = [_plain(form) if isinstance(form, str) else "" for form in forms]
        if not 1 <= len(forms) <= _FORMS or not all(plain):
            raise InputError(f"line {number}: give 1 to {_FORMS} forms of at least a word", where=str(path))
        if any(_holds(other, form) for at, form in enumerate(plain) for other in plain[:at] + plain[at + 1 :]):
            raise InputError(f"line {number}: one form holds another, so they could not be told apart", where=str(path))
        found.append(Canary(forms, secrets.randbelow(len(forms)), secrets.token_hex(32), probe))
    if not 0 < len(found) <= _MOST:
        raise InputError(f"holds {len(found)} canaries", where=str(path), do=f"Give 1 to {_MOST:,}.")
    return tuple(found)


def register(canaries: Iterable[Canary], key: Path, folder: Path, now: datetime | None = None) -> dict[str, Any]:
    """Write ``register.json`` (signed, for anybody) and ``opened.ndjson`` (for its owner alone) into ``folder``.

    Raises:
        UsageError: they are there already.
    """
    ordered = sorted(canaries, key=lambda each: each.commitment)
    if any((folder / name).exists() for name in (REGISTER, OPENED)):
        raise UsageError("holds canaries, and they are never overwritten", where=str(folder), do="Give another --out.")
    document = {
        "type": TYPE,
        "made": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "commitments": [each.commitment for each in ordered],
    }
    signed = sign(document, key)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / OPENED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.writelines(msgspec.json.encode(each) + b"\n" for each in ordered)
    (folder / REGISTER).write_text(json.dumps(signed, indent=1) + "\n", "ascii")
    return signed


def read(folder: Path) -> tuple[tuple[Canary, ...], dict[str, Any]]:
    """The canaries in ``folder``, all of them opened, and their register.

    Raises:
        InputError: they are not those that were registered, or not all of them are opened.
    """
    document, _ = read_signed(registered(folder), TYPE)
    path = folder / OPENED
    try:
        canaries = tuple(
            msgspec.json.decode(line, type=Canary) for line in path.read_bytes().splitlines() if line.strip()
        )
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError("cannot be read as opened canaries", where=str(path)) from error
    given, wanted = [each.commitment for each in canaries], document["commitments"]
    if strange := len(set(given) - set(wanted)) + len(given) - len(set(given)):
        raise InputError(f"{strange} canaries are not as they were registered", where=str(path))
    if missing := len(set(wanted) - set(given)):
        raise InputError(
            f"{missing} registered canaries are not opened", where=str(path),
            do="Open all of them: choosing some after looking would decide the result.",
        )  # fmt: skip
    if not all(0 <= each.planted < len(each.forms) for each in canaries):
        raise InputError("a canary plants a form that it does not have", where=str(path))
    return canaries, document


def registered(folder: Path) -> Path:
    """The register in ``folder``.

    Raises:
        InputError: there is none.
    """
    if not (folder / REGISTER).is_file():
        raise InputError("holds no register of canaries", where=str(folder), do="Make one: stillwatch lineage canaries")
    return folder / REGISTER


def look(canaries: Sequence[Canary], answers: Mapping[str, str | None]) -> Found:
    """Which canaries are in a model's answers, by prompt, and how likely that is if none was learnt."""
    plain = {key: _plain(text) for key, text in answers.items() if text}
    everything = " \n ".join(plain.values())
    planted, shares, drawn = [], [], 0
    for canary in canaries:
        text = plain.get(canary.probe, "") if canary.probe else everything
        used = [_holds(text, _plain(form)) for form in canary.forms]
        if used[canary.planted]:
            planted.append(canary)
        if len(used) > 1 and any(used):
            shares.append(sum(used) / len(used))
            drawn += used[canary.planted]
    return Found(tuple(planted), drawn, at_least(drawn, shares), len(shares))


def at_least(count: int, shares: Sequence[float]) -> float:
    """How likely at least ``count`` of independent draws of these probabilities succeed (Poisson binomial)."""
    chances = np.ones(1)
    for share in shares:
        chances = np.convolve(chances, (1 - share, share))
    return float(min(chances[count:].sum(), 1.0)) if count else 1.0


def lines(canaries: Sequence[Canary], panel: Panel, source: str, prompts: Mapping[str, str]) -> tuple[Line, ...]:
    """What the panel's suspect and controls show: one line by the draw, one by the controls, as far as there are any.

    Args:
        canaries: opened.
        panel: the suspect first.
        source: names the register.
        prompts: texts of prompts by key, as far as known: a canary of which a form stands in a prompt is left out.
    """
    asked = " \n ".join(map(_plain, prompts.values()))
    quoted = [each for each in canaries if any(_holds(asked, _plain(form)) for form in each.forms)]
    unasked = [each for each in canaries if each.probe and each.probe not in panel.prompts]
    tested = [each for each in canaries if each not in quoted]
    found = {
        card.name: look(tested, dict(zip(panel.prompts, (row[at] for row in panel.texts), strict=True)))
        for at, card in enumerate(panel.cards)
        if card.role is not Role.CANDIDATE
    }
    own, cards = found.pop(panel.cards[0].name), {card.name: card for card in panel.cards}
    doubts = tuple(
        f"{len(group)} of {len(canaries)} left out: {why}"
        for group, why in ((quoted, "a prompt holds one of their forms"), (unasked, "their prompt was not asked"))
        if group
    )
    drawn = [each for each in tested if len(each.forms) > 1]
    plain = [each for each in tested if len(each.forms) == 1]
    out = []
    if drawn:
        out.append(_by_draw(own, found, drawn, source, doubts))
    if plain:
        out.append(_by_controls(own, found, plain, source, doubts, cards))
    return tuple(out)


def _by_draw(
    own: Found, controls: Mapping[str, Found], canaries: Sequence[Canary], source: str, doubts: tuple[str, ...]
) -> Line:
    low = sum(each.p_value <= 0.05 for each in controls.values())
    named = ", ".join(each.commitment[:12] for each in own.planted if len(each.forms) > 1)
    if controls and binom.sf(low - 1, len(controls), 0.05) <= 0.01:
        doubts += (f"{low} of {len(controls)} controls prefer the planted forms as well: were they drawn?",)
    return Line(
        kind="canaries",
        source=source,
        says=f"Of {len(canaries):,} canaries with alternatives the suspect uses some form of {own.used:,}, and the "
        f"planted one of {own.drawn:,}{f' ({named})' if named else ''}.",
        rests_on="the draw of the form that was planted: who has not learnt from it has no reason to prefer it",
        not_excluded="that the suspect is the teacher itself, or learnt from answers that others published",
        p_value=own.p_value,
        by_design=True,
        controls={name: each.p_value for name, each in controls.items()},
        checks=f"{low} of {len(controls)} controls have p ≤ 0.05",
        doubts=doubts,
    )  # fmt: skip


def _by_controls(
    own: Found, controls: Mapping[str, Found], canaries: Sequence[Canary], source: str, doubts: tuple[str, ...],
    cards: Mapping[str, Card],
) -> Line:  # fmt: skip
    def single(found: Found) -> float:
        return float(sum(len(each.forms) == 1 for each in found.planted))

    counts = {name: single(each) for name, each in controls.items()}
    p_value = hierarchical_p(
        max(single(own), 0.5), np.array(list(counts.values())), [cards[name].family for name in counts]
    )
    named = ", ".join(each.commitment[:12] for each in own.planted if len(each.forms) == 1)
    return Line(
        kind="canaries",
        source=source,
        says=f"Of {len(canaries):,} canaries of a single form the suspect uses {single(own):.0f}"
        f"{f' ({named})' if named else ''}; of {len(counts)} controls, {sum(n > 0 for n in counts.values())} use any.",
        rests_on="how many control families use at least as many",
        not_excluded="that the suspect is the teacher itself, learnt from answers that others published, or that the "
        "wording is commoner among models like it than among the controls",
        p_value=p_value if single(own) else 1.0,
        by_design=False,
        controls=counts,
        checks="",
        doubts=doubts,
    )


def _plain(text: str) -> str:
    """Words in one case with single spaces: how a form is looked for, whatever the markup around it."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _holds(text: str, form: str) -> bool:
    return f" {form} " in f" {text} "
