import ipaddress

import numpy as np
import pytest

from stillwatch.lab.infrastructure import COUNTRIES, SOFTWARE, Internet, card_bins, mail_domains, phone_prefixes
from stillwatch.lab.keyed import Ints, Keys, keys


@pytest.fixture(scope="module")
def internet() -> Internet:
    return Internet(11)


def _people(count: int, internet: Internet) -> tuple[Keys, Ints]:
    key = keys("people", np.arange(count))
    return key, internet.countries(key)


@pytest.mark.parametrize("kind", ["isp", "mobile", "hosting", "office", "campus", "vpn"])
def test_addresses_are_public_and_agree_with_their_system(internet: Internet, kind: str) -> None:
    key, country = _people(3000, internet)
    system = internet.systems(kind, country, key)
    written = internet.addresses(system, key, key).to_pylist()
    assert internet.country_of(system).to_pylist() == [COUNTRIES[i][0] for i in country]
    owner: dict[str, int] = {}
    for text, number in zip(written, system, strict=True):
        address = ipaddress.ip_address(text)
        assert address.is_global
        net = str(ipaddress.ip_network((address, 14 if address.version == 4 else 32), strict=False))
        assert owner.setdefault(net, number) == number, "a network of two systems"


def test_few_addresses_serve_many_mobile_customers(internet: Internet) -> None:
    key, _ = _people(5000, internet)
    country = np.zeros(5000, dtype=np.int64)
    shared = {
        kind: len(set(internet.addresses(internet.systems(kind, country, key), key, key).to_pylist()))
        for kind in ("isp", "mobile", "vpn")
    }
    assert shared["vpn"] < 100 < shared["mobile"] < 1600 < 4900 < shared["isp"]


def test_fingerprints_go_with_the_program(internet: Internet) -> None:
    programs: dict[tuple[str, str], set[int]] = {}
    for agent, tls, order, program in zip(
        internet.user_agent.to_pylist(),
        internet.tls.to_pylist(),
        internet.header_order.to_pylist(),
        internet.program,
        strict=True,
    ):
        programs.setdefault((tls, order), set()).add(int(program))
        assert agent
    assert all(len(names) == 1 for names in programs.values())
    assert set(internet.program) == set(range(len(SOFTWARE)))


def test_popular_values_are_popular(internet: Internet) -> None:
    key, country = _people(4000, internet)
    mail = mail_domains(1, "webmail", key, key).to_pylist()
    assert mail.count("gmail.com") > 0.3 * len(mail)
    assert len(set(mail_domains(1, "private", key, key).to_pylist())) > 3950
    assert len(set(mail_domains(1, "corporate", key, np.repeat(key[:1], 4000)).to_pylist())) == 1
    assert len(set(card_bins(1, "virtual", country, key, key).to_pylist())) <= 12
    assert len(set(phone_prefixes(1, country, key, 3, np.repeat(key[:1], 4000)).to_pylist())) == 3


def test_another_seed_is_another_internet(internet: Internet) -> None:
    other = Internet(12)
    key, country = _people(500, internet)
    here = set(internet.addresses(internet.systems("isp", country, key), key, key).to_pylist())
    there = set(other.addresses(other.systems("isp", country, key), key, key).to_pylist())
    assert len(here & there) < 5
