"""The canonical request log: names, Arrow types and bounds of its two tables.

Outside programs rely on these names; extend the tables only by adding nullable fields.
"""

from datetime import UTC, datetime

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
STRINGS = pa.list_(pa.string())

#: One row a request. The four required fields come first and are not nullable.
REQUESTS = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        ("organization_id", pa.string()),
        ("credential_id", pa.string()),
        ("pathway", pa.string()),
        ("session_id", pa.string()),
        ("system_prompt", pa.string()),
        ("prompt", pa.string()),
        ("response", pa.string()),
        ("turns", pa.int64()),
        ("tools", STRINGS),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("temperature", pa.float64()),
        ("max_tokens", pa.int64()),
        ("n", pa.int64()),
        ("logprobs", pa.bool_()),
        ("stream", pa.bool_()),
        ("stop_reason", pa.string()),
        ("refused", pa.bool_()),
        ("client_ip", pa.string()),
        ("country", pa.string()),
        ("asn", pa.int64()),
        ("user_agent", pa.string()),
        ("tls_fingerprint", pa.string()),
        ("header_order", pa.string()),
        ("reasoning_issued", STRINGS),
        ("reasoning_replayed", STRINGS),
    ]
)

#: One row an account.
ACCOUNTS = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        ("organization_id", pa.string()),
        ("tier", pa.string()),
        ("verified", pa.bool_()),
        ("created_at", TIMESTAMP),
        ("payment_fingerprint", pa.string()),
        ("card_bin", pa.string()),
        ("email_domain", pa.string()),
        ("phone_prefix", pa.string()),
        ("signup_ip", pa.string()),
        ("owner", pa.string()),
        ("owner_country", pa.string()),
    ]
)

REQUIRED = tuple(field.name for field in REQUESTS if not field.nullable)

#: Never read by a signal, a link or a score (rule of evidence 4); a test permutes them and findings must not change.
NATIONALITY = frozenset({"country", "owner", "owner_country"})

#: Marks the Parquet schema of simulated traffic, which may rank clusters but accuse nobody elsewhere.
SIMULATED = {b"stillwatch.simulated": b"true"}

#: Digits of a telephone prefix, calling code included, from which on it names a block of numbers. With fewer it names a
#: country or a region of one (ITU-T E.164: calling codes have up to three digits, area codes in use up to five after a
#: code of one), which is no evidence: signals leave it out, and pseudonymised logs do not keep it.
PHONE_BLOCK = 7

#: A request outside these times is a reject: no hosted model existed before, and clocks err by less than that after.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
