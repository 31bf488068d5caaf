"""Trait values as a person reads them, with what identifies a customer cut short."""

import re
from datetime import UTC, datetime, timedelta

from stillwatch.schema.evidence import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d+\.\d+")
#: Kinds whose values are hashes; kinds whose values name a payment instrument or a person's line.
_HASHES = frozenset({"template", "prompt", "system_prompt", "system_prefix", "foreign_block"})
_SHORTENED = frozenset({"payment_fingerprint", "card_bin"})
_ADDRESSES = frozenset({"client_ip", "signup_ip"})


def readable(kind: Kind, value: str) -> str:
    """``value`` of ``kind`` for a report: dates as dates, hashes short, addresses and instruments cut."""
    if kind.name == "created_day":
        return f"{_EPOCH + timedelta(days=int(value)):%Y-%m-%d}"
    if kind.name in {"created_hour", "first_seen_hour"}:
        return f"{_EPOCH + timedelta(hours=int(value)):%Y-%m-%d %H:00} UTC"
    if kind.name in _HASHES:
        return f"{int(value) & 0xFFFFFFFFFFFFFFFF:016x}" if re.fullmatch(r"-?\d+", value) else value[:16]
    if kind.name in _ADDRESSES:
        return re.sub(r"([.:])[^.:]*$", r"\1…", value)
    if kind.name == "phone_prefix":
        return "…" + value[-3:]  # its first digits would name a country
    if kind.name in _SHORTENED:
        return value if len(value) <= 6 else value[:6] + "…"
    if not kind.artifact:
        return _NUMBER.sub(lambda number: f"{float(number.group()):.3g}", value)
    return value
