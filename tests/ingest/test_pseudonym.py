from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.errors import UsageError
from stillwatch.ingest import ingest, ingest_accounts
from stillwatch.ingest.pseudonym import DOMAINS, Pseudonymiser
from stillwatch.schema.prints import PRINTS
from tests.ingest.logs import ndjson, read, row


def keyfile(tmp: Path, key: bytes = b"k" * 32, mode: int = 0o600) -> Path:
    path = tmp / "key"
    path.write_bytes(key)
    path.chmod(mode)
    return path


SECRETS = {
    "request_id": "req-secret",
    "account_id": "acct-secret",
    "organization_id": "org-secret",
    "credential_id": "key-secret",
    "session_id": "sess-secret",
    "client_ip": "192.0.2.33",
    "user_agent": "agent-secret",
    "tls_fingerprint": "tls-secret",
    "header_order": "header-secret",
    "reasoning_issued": ["block-secret"],
    "reasoning_replayed": ["block-secret", "other-secret"],
    "prompt": "prompt secret words that nobody may see",
    "system_prompt": "system secret words",
    "response": "response secret words",
}


def test_no_identifier_is_left_in_any_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(ndjson([row(0, **SECRETS), row(1, **SECRETS), {"account_id": "acct-secret"}]))
    found = ingest(
        [tmp_path / "log"],
        work=tmp_path / "w",
        rejects=tmp_path / "r",
        pseudonymise=keyfile(tmp_path),
        format="canonical",
    )
    (kept,) = read(found.paths)
    written = (tmp_path / "r").read_bytes() + b"".join(path.read_bytes() for path in (tmp_path / "w").iterdir())
    for word in (b"secret", b"192.0.2"):
        assert word not in written
    assert b"secret" not in str(kept).encode()
    assert found.rejected == 2  # a repeat and a row without its fields
    assert (kept["prompt"], kept["prompt_words"], kept["model"]) == (None, 7, "m")
    assert set(PRINTS.names) & found.fields


def test_equal_values_stay_equal_across_tables_and_fields(tmp_path: Path) -> None:
    key = keyfile(tmp_path)
    (tmp_path / "log").write_bytes(ndjson([row(0, **SECRETS)]))
    (tmp_path / "acc").write_bytes(
        b'{"account_id": "acct-secret", "organization_id": "org-secret",'
        b' "signup_ip": "192.0.2.33", "owner": "acct-secret"}\n'
    )
    (request,) = read(ingest([tmp_path / "log"], work=tmp_path / "w", rejects=tmp_path / "r", pseudonymise=key).paths)
    accounts = ingest_accounts(tmp_path / "acc", work=tmp_path / "w", rejects=tmp_path / "r", pseudonymise=key)
    (account,) = read(accounts.paths)
    assert account["account_id"] == request["account_id"] != account["owner"]
    assert account["organization_id"] == request["organization_id"]
    assert account["signup_ip"] == request["client_ip"]
    assert request["reasoning_issued"][0] == request["reasoning_replayed"][0] != request["reasoning_replayed"][1]


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("192.0.2.1", "192.0.2.2", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
    ],
)
def test_addresses_keep_their_network_and_no_more(one: str, other: str, near: bool) -> None:
    mask = Pseudonymiser(b"k" * 32)
    batch = mask.apply(pa.RecordBatch.from_pydict({"client_ip": [one, other, one, None]}))
    first, second, again, missing = batch.column(0).to_pylist()
    assert first == again != second
    assert missing is None
    assert (first.partition(".")[0] == second.partition(".")[0]) is near


def test_another_key_gives_other_pseudonyms() -> None:
    batch = pa.RecordBatch.from_pydict({"account_id": ["a"], "prompt": ["one two three"]})
    one, other = (Pseudonymiser(key).apply(batch).to_pylist()[0] for key in (b"a" * 32, b"b" * 32))
    for name in ("account_id", "prompt_hash", "prompt_sketch"):
        assert one[name] != other[name]


def test_fingerprints_that_a_log_brings_are_kept() -> None:
    batch = pa.RecordBatch.from_pydict({"prompt": ["one two"], "prompt_hash": [5]})
    assert Pseudonymiser(b"a" * 32).apply(batch).to_pylist()[0]["prompt_hash"] == 5


def test_lists_with_nulls_and_slices() -> None:
    column = pa.array([["x"], None, [], ["a", "b"]], pa.list_(pa.string()))
    mask = Pseudonymiser(b"a" * 32)
    hashed = mask.apply(pa.RecordBatch.from_arrays([column.slice(1)], ["reasoning_issued"])).column(0).to_pylist()
    assert hashed == [None, [], [mask.hash("reasoning", "a"), mask.hash("reasoning", "b")]]


@pytest.mark.parametrize(
    ("key", "mode"), [(b"k" * 31, 0o600), (b"k" * 32, 0o640), (b"k" * 32, 0o604), (b"k" * 5000, 0o600)]
)
def test_a_bad_key_is_refused(tmp_path: Path, key: bytes, mode: int) -> None:
    with pytest.raises(UsageError):
        Pseudonymiser.from_file(keyfile(tmp_path, key, mode))


def test_every_identifier_has_a_domain() -> None:
    assert {name for name, domain in DOMAINS.items() if domain == "address"} == {"client_ip", "signup_ip"}


def test_no_country_is_left_of_a_telephone_and_spellings_stay_equal() -> None:
    mask = Pseudonymiser(b"k" * 32)
    short = ["+86", "86", "861", "+1 415", "+49 1523", "(44) 77"]
    phones = [*short, "+44 7700-9", "4477009", "+4477008"]
    mails = ["Mail.Example", "mail.example ", "other.example", None, *[None] * (len(phones) - 4)]
    batch = pa.RecordBatch.from_pydict({"phone_prefix": phones, "email_domain": mails})
    found = mask.apply(batch)
    codes, domains = found["phone_prefix"].to_pylist(), found["email_domain"].to_pylist()
    assert codes[: len(short)] == [None] * len(short)
    assert codes[-3] == codes[-2] != codes[-1]
    assert not any("447700" in code for code in codes[-3:])
    assert domains[0] == domains[1] != domains[2]
    assert domains[3] is None
