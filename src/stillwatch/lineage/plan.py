"""Pre-registration: what will be asked and how it will be judged, dated and signed before anything is asked.

Without one, a search over candidates, prompts and statistics until something is significant would look the same in a
report as a single test. ``trace`` states every way in which it departs from the plan; it does not refuse to run.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import InputError, MissingExtra, UsageError
from stillwatch.lineage.claims import QUESTIONS
from stillwatch.lineage.views.interface import TRUNCATE

TYPE: Final = "stillwatch-lineage-plan/1"


def statistic() -> dict[str, Any]:
    """Everything of the method that could be varied to get another answer."""
    return {
        "truncate": TRUNCATE,
        "claims": {q.kind: {"views": list(q.views), "beside": list(q.beside)} for q in QUESTIONS},
        "calibration": "hierarchical conformal over families, maximum over candidates",
    }


def make_plan(
    suspect: str, candidates: Sequence[str], controls: Sequence[str], prompts: Sequence[str], alpha: float,
    now: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A plan, unsigned. Prompts are named by their number and a digest of their keys, in order."""
    if not candidates or not prompts:
        raise UsageError("a plan needs a suspect, candidates and prompts")
    return {
        "type": TYPE,
        "made": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "suspect": suspect,
        "candidates": sorted(candidates),
        "controls": sorted(controls),
        "prompts": {"count": len(prompts), "sha256": digest(prompts)},
        "statistic": statistic(),
        "alpha": alpha,
    }


def digest(prompts: Sequence[str]) -> str:
    """SHA-256 of prompt keys, each once, in sorted order."""
    return hashlib.sha256("\n".join(sorted(set(prompts))).encode()).hexdigest()


def sign(plan: Mapping[str, Any], key: Path) -> dict[str, Any]:
    """The plan with its Ed25519 signature (RFC 8032) and public key; the key is made if there is none."""
    private = _read_key(key) if key.exists() else _new_key(key)
    payload = _payload(plan)
    return {
        "plan": dict(plan),
        "public_key": base64.b64encode(private.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(private.sign(payload)).decode(),
    }


def read_plan(path: Path) -> tuple[dict[str, Any], str]:
    """The plan in a signed envelope and its signer's public key.

    Raises:
        InputError: it is no plan, or the signature is not of it.
    """
    crypto = _crypto()
    try:
        envelope = json.loads(path.read_text("utf-8"))
        plan, public = envelope["plan"], base64.b64decode(envelope["public_key"], validate=True)
        signature = base64.b64decode(envelope["signature"], validate=True)
        if plan["type"] != TYPE:
            raise InputError(f"is of type {plan['type']!r}", where=str(path), do=f"Give a {TYPE}.")
        crypto.ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, _payload(plan))
    except crypto.invalid:
        raise InputError(
            "was changed after it was signed", where=str(path), do="Ask its author for the original."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("is no signed plan", where=str(path), do="Make one: stillwatch lineage plan") from error
    return plan, base64.b64encode(public).decode()


def departures(
    plan: Mapping[str, Any], suspect: str, candidates: Sequence[str], controls: Sequence[str], prompts: Sequence[str],
    alpha: float,
) -> list[str]:  # fmt: skip
    """Every way in which a run is not the one planned, in words; nothing if it is."""
    done = make_plan(suspect, candidates, controls, prompts, alpha)
    found = []
    for name in ("suspect", "alpha"):
        if plan[name] != done[name]:
            found.append(f"{name} is {done[name]!r}, planned was {plan[name]!r}")
    for name in ("candidates", "controls"):
        planned, got = set(plan[name]), set(done[name])
        found += [f"{name}: {each} was planned and left out" for each in sorted(planned - got)]
        found += [f"{name}: {each} was not planned" for each in sorted(got - planned)]
    if plan["prompts"] != done["prompts"]:
        found.append(f"prompts: {done['prompts']['count']}, not the {plan['prompts']['count']} planned")
    if plan["statistic"] != done["statistic"]:
        found.append("the statistic is of another version than the one planned")
    return found


def _payload(plan: Mapping[str, Any]) -> bytes:
    return (TYPE + "\n" + json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True)).encode()


class _crypto:  # noqa: N801 - a namespace made when it is called
    """The three parts of ``cryptography`` that are used here."""

    def __init__(self) -> None:
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
        except ImportError:
            raise MissingExtra("cryptography", "forum") from None
        self.invalid, self.serial, self.ed25519 = InvalidSignature, serialization, ed25519


def _new_key(path: Path) -> Any:
    crypto = _crypto()
    private = crypto.ed25519.Ed25519PrivateKey.generate()
    serial = crypto.serial
    text = private.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(text)
    return private


def _read_key(path: Path) -> Any:
    crypto = _crypto()
    if path.stat().st_mode & 0o077:
        raise UsageError("others may read this key", where=str(path), do="Change its mode: chmod 600")
    try:
        private = crypto.serial.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, crypto.ed25519.Ed25519PrivateKey):
        raise InputError("is no Ed25519 key in plain PEM", where=str(path))
    return private
