"""Values as a report shows them: cut so that they name no customer."""

import pytest

from stillwatch.campaigns.readable import readable
from stillwatch.schema.evidence import Family, Kind


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("created_day", "20466", "2026-01-13"),
        ("created_hour", str(20466 * 24 + 7), "2026-01-13 07:00 UTC"),
        ("template", "-1", "ffffffffffffffff"),
        ("template", "77", "000000000000004d"),
        ("system_prefix", "0123456789abcdef0123", "0123456789abcdef"),
        ("client_ip", "192.0.2.77", "192.0.2.…"),
        ("signup_ip", "2001:db8:1::7", "2001:db8:1::…"),
        ("client_prefix", "192.0.2.0/24", "192.0.2.0/24"),
        ("payment_fingerprint", "pay_0123456", "pay_01…"),
        ("card_bin", "531993", "531993"),
        ("phone_prefix", "4477009", "…009"),
        ("email_domain", "odd.example", "odd.example"),
    ],
)
def test_artifacts(name: str, value: str, shown: str) -> None:
    assert readable(Kind(name, Family.NETWORK, name, artifact=True), value) == shown


def test_bins_are_rounded() -> None:
    assert readable(Kind("daily_requests", Family.TEMPO, "", artifact=False), "32 to 45.2548") == "32 to 45.3"


def test_a_telephone_block_does_not_show_its_country() -> None:
    kind = Kind("phone_prefix", Family.REGISTRATION, "", artifact=True)
    assert readable(kind, "8613912") == readable(kind, "4413912") == "…912"
