"""``stillwatch indicators`` from a log to another provider's: what one finds the other matches, customers unseen."""

import json
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.logs import CAMPAIGN, Made, Ran, detect, make, run


class Providers:
    """One campaign's accounts, and everybody else's, split between two providers; the first has run detect."""

    def __init__(self, made: Made, folder: Path) -> None:
        self.made, self.folder = made, folder
        mine = sorted(made.of(CAMPAIGN))
        theirs = set(mine[1::2]) | {a for a in sorted(made.group)[1::2] if made.group[a] != CAMPAIGN}
        self.theirs = theirs & made.of(CAMPAIGN)
        self.other = self.write("other", theirs)
        first = self.write("first", set(made.group) - theirs)
        self.ran: Ran = detect(first / "requests.parquet", folder / "out", "--accounts", first / "accounts.parquet")
        self.bundle = folder / "bundle.json"
        arguments = ["indicators", "mint", folder / "out", "--out", self.bundle, "--case", "AML.CS0056", "--drill"]
        self.status, self.printed, self.told = run(*arguments)

    def write(self, name: str, accounts: set[str]) -> Path:
        path = self.folder / name
        path.mkdir()
        wanted = pa.array(sorted(accounts))
        for table, rows in (("requests", self.made.requests), ("accounts", self.made.accounts)):
            pq.write_table(rows.filter(pc.is_in(rows["account_id"], wanted)), path / f"{table}.parquet")
        return path

    def match(self, *options: object) -> tuple[int, str, str]:
        accounts = self.other / "accounts.parquet"
        logs = self.other / "requests.parquet"
        return run("indicators", "match", self.bundle, logs, "--accounts", accounts, "--threads", 2, *options)


def mint(*arguments: object) -> tuple[int, str, str]:
    """Of simulated traffic, as the lab's is."""
    return run("indicators", "mint", "--drill", *arguments)


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Providers:
    folder = tmp_path_factory.mktemp("providers")
    return Providers(make(folder / "log", "demo", 40_000, seed=1), folder)


def test_what_one_provider_mints_the_other_matches(providers: Providers) -> None:
    assert providers.ran.status == 3
    assert (providers.status, providers.printed) == (0, "")
    status, out, _ = providers.match("--json")
    assert status == 3
    matches = json.loads(out)
    objects = {each["id"]: each for each in json.loads(providers.bundle.read_text())["objects"]}
    prompts = {m["account_id"] for m in matches if "template" in objects[m["indicator"]]["pattern"]}
    assert len(prompts & providers.theirs) >= 0.9 * len(providers.theirs)
    assert len(prompts - providers.theirs) <= 0.05 * len(providers.theirs)
    assert all(m["why"] and m["campaigns"] and 0 < m["confidence"] <= 85 for m in matches)


def test_nothing_of_the_findings_but_bands_and_patterns_is_in_the_bundle(providers: Providers) -> None:
    text = providers.bundle.read_text()
    for account in providers.made.accounts.to_pylist():
        for name in ("account_id", "organization_id", "payment_fingerprint", "signup_ip", "email_domain", "owner"):
            assert account[name] is None or f'"{account[name]}"' not in text
    told = " ".join(providers.made.requests["prompt"].drop_null().to_pylist()[:2000]).split()
    assert not [word for word in set(told) if len(word) > 14 and word in text]
    for campaign in providers.ran.campaigns:
        assert campaign["id"] not in text
        assert not [t["skeleton"] for t in campaign["templates"] if t["skeleton"][:20] in text and t["skeleton"]]


def test_the_only_numbers_are_confidence_and_thresholds(providers: Providers) -> None:
    def numbers(value: object, name: str = "") -> set[str]:
        if isinstance(value, dict):
            return set().union(*(numbers(item, key) for key, item in value.items()))
        if isinstance(value, list):
            return set().union(*(numbers(item, name) for item in value))
        return {name} if isinstance(value, int | float) else set()

    assert numbers(json.loads(providers.bundle.read_text())) == {"confidence", "needed"}


def test_minting_again_gives_the_same_bytes_and_the_key_is_the_owners(providers: Providers, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    assert mint(providers.folder / "out", "--out", again, "--case", "AML.CS0056")[0] == 0
    assert again.read_bytes() == providers.bundle.read_bytes()
    key = providers.folder / "out" / "mint.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    other = tmp_path / "other.json"
    assert mint(providers.folder / "out", "--out", other, "--key", tmp_path / "key")[0] == 0
    assert other.read_bytes() != again.read_bytes()


def test_check_misp_and_back(providers: Providers, tmp_path: Path) -> None:
    event, back = tmp_path / "event.json", tmp_path / "back.json"
    assert run("indicators", "check", providers.bundle)[0] == 0
    assert run("indicators", "export", providers.bundle, "--misp", "--out", event)[0] == 0
    assert run("indicators", "import", event, "--out", back)[0] == 0
    assert json.loads(back.read_text())["objects"] == json.loads(providers.bundle.read_text())["objects"]
    assert run("indicators", "check", back)[0] == 0


def test_check_names_the_fault_and_fails(providers: Providers, tmp_path: Path) -> None:
    document = json.loads(providers.bundle.read_text())
    place = next(n for n, each in enumerate(document["objects"]) if each["type"] == "campaign")
    document["objects"][place]["name"] = "we banned examplecorp"
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    status, out, _ = run("indicators", "check", path)
    assert (status, "/name" in out) == (1, True)
    status, out, _ = run("indicators", "check", path, "--json")
    assert (status, json.loads(out)[0]["at"]) == (1, "/name")


def test_an_old_indicator_is_not_matched_and_that_is_said(providers: Providers) -> None:
    status, out, err = providers.match("--at", "2031-01-01")
    assert (status, out) == (0, "")
    assert "no longer valid" in err


def test_one_campaign_alone(providers: Providers) -> None:
    name = providers.ran.campaigns[0]["id"]
    status, out, _ = mint(providers.folder / "out", "--campaign", name, "--tlp", "green")
    assert status == 0
    assert sum(each["type"] == "campaign" for each in json.loads(out)["objects"]) == 1
    assert '"TLP:GREEN"' in out


def test_the_identity_that_a_forum_assigned_makes_them(providers: Providers, tmp_path: Path) -> None:
    identity, path = "identity--ce53320f-0512-4593-b2e3-d065edd5d3fb", tmp_path / "minted.json"
    assert mint(providers.folder / "out", "--identity", identity, "--out", path)[0] == 0
    made = json.loads(path.read_text())["objects"]
    assert {each["created_by_ref"] for each in made if each["type"] == "indicator"} == {identity}
    assert run("indicators", "check", path, "--identity", identity)[0] == 0
    status, out, _ = run("indicators", "check", path)
    assert (status, "/created_by_ref" in out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["mint", "{out}", "--drill", "--campaign", "c-nobody"], 1, "no campaign c-nobody"),
        (["mint", "{out}", "--drill", "--tlp", "purple"], 2, "purple"),
        (["mint", "{out}", "--drill", "--case", "the one we banned"], 1, "external_references"),
        (["mint", "{out}", "--drill", "--identity", "identity--examplecorp"], 1, "created_by_ref"),
        (["mint", "{out}", "--drill", "--hosting", "{bundle}"], 1, "is no network"),
        (["mint", "{bundle}"], 1, "not the campaigns that detect writes"),
        (["mint", "nowhere"], 2, "nowhere"),
        (["export", "{bundle}"], 2, "--misp"),
        (["match", "{bundle}"], 2, "LOG"),
        (["import", "{out}/report.html"], 1, "JSON"),
    ],
)
def test_exit_statuses(providers: Providers, arguments: list[str], status: int, says: str) -> None:
    places = {"out": str(providers.folder / "out"), "bundle": str(providers.bundle)}
    done, _, err = run("indicators", *(each.format(**places) for each in arguments))
    assert (done, says in err) == (status, True), err


def test_what_was_found_in_simulated_traffic_is_a_drill(providers: Providers, tmp_path: Path) -> None:
    assert all(each["simulated"] for each in providers.ran.campaigns)
    status, _, err = run("indicators", "mint", providers.folder / "out")
    assert (status, "simulated" in err, "--drill" in err) == (2, True, True)
    objects = json.loads(providers.bundle.read_text())["objects"]
    assert {each["type"] for each in objects if "labels" not in each} <= {
        "attack-pattern", "extension-definition", "identity", "marking-definition"
    }  # fmt: skip
    assert all(each["labels"] == ["drill"] for each in objects if each["type"] == "indicator")
    real = tmp_path / "real"
    real.mkdir()
    found = [each | {"simulated": False} for each in providers.ran.campaigns]
    (real / "campaigns.json").write_text(json.dumps(found))
    assert run("indicators", "mint", real, "--drill", "--out", tmp_path / "no.json")[0] == 2
    assert run("indicators", "mint", real, "--out", tmp_path / "yes.json")[0] == 0
    assert not any("labels" in each for each in json.loads((tmp_path / "yes.json").read_text())["objects"])


def test_a_drills_indicator_is_not_looked_for_in_earnest(providers: Providers, tmp_path: Path) -> None:
    earnest = tmp_path / "requests.parquet"
    pq.write_table(pq.read_table(providers.other / "requests.parquet").replace_schema_metadata(None), earnest)
    status, out, err = run("indicators", "match", providers.bundle, earnest, "--threads", 2, "--json")
    assert (status, json.loads(out)) == (0, [])
    assert err.count("is of a drill") == sum(
        each["type"] == "indicator" for each in json.loads(providers.bundle.read_text())["objects"]
    )


def test_what_has_expired_is_told_when_it_is_minted(providers: Providers, tmp_path: Path) -> None:
    found = [each | {"last_seen": "2020-02-03T00:00:00Z", "first_seen": "2020-02-01T00:00:00Z"}
             for each in providers.ran.campaigns]  # fmt: skip
    (tmp_path / "campaigns.json").write_text(json.dumps(found))
    status, out, err = mint(tmp_path)
    indicators = [each for each in json.loads(out)["objects"] if each["type"] == "indicator"]
    (told,) = [line for line in err.splitlines() if line.startswith("expired: ")]
    assert status == 0 and f"expired: {len(indicators)} of {len(indicators)} indicators" in told
    assert "`stillwatch lab generate --until-now`" in told
    assert max(each["valid_until"] for each in indicators)[:10] in told
