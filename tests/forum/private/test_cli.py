"""The member's commands: a person is shown the terms and the band before anything is agreed to, and can say no."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from click.exceptions import Abort
from click.testing import CliRunner, Result

from stillwatch.cli.main import cli
from stillwatch.errors import InputError, UsageError
from stillwatch.forum.ledger import entries
from stillwatch.forum.member.matching.identifiers import read, spell
from tests.forum.private.served import World
from tests.forum.private.test_joining import clusters


def run(world: World, name: str, *words: str, says: str = "") -> Result:
    state = str(world.state(name))
    done = CliRunner().invoke(
        cli, ["forum", *words], input=says, env={"STILLWATCH_MEMBER": state}, standalone_mode=False
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def table(world: World, name: str, first: int, last: int) -> str:
    path = world.folder / f"{name}.csv"
    path.write_text("kind,value\n" + "".join(f"email_domain,Mail-{i}.example \n" for i in range(first, last)))
    return str(path)


def offered(world: World) -> str:
    done = run(world, "ada", "compare", "offer", world.pseudonyms["bea"], "--kind", "email_domain", "--identifiers",
               table(world, "ada", 0, 40))  # fmt: skip
    return done.stdout.split()[0]


def test_two_members_compare_by_their_commands(world: World) -> None:
    session = offered(world)
    (told,) = json.loads(run(world, "bea", "compare", "list", "--json").stdout)
    assert (told["session"], told["peer"], told["stage"]) == (session, world.pseudonyms["ada"], "asked")
    assert run(world, "bea", "compare", "sync").return_value == 3
    answered = run(world, "bea", "compare", "answer", session, "--identifiers", table(world, "bea", 20, 60), says="y\n")
    assert f"{world.pseudonyms['ada']} offers to compare email_domain" in answered.stderr
    assert "You have 40 of these. Both of you learn a band" in answered.stderr
    for name in ("ada", "bea"):
        done = run(world, name, "compare", "sync", session)
        assert done.return_value == 3 and "10 to 99" in done.stdout
    agreed = run(world, "ada", "compare", "disclose", session, says="y\n")
    assert "you sent 40, and 10 to 99 are shared" in agreed.stderr
    assert run(world, "ada", "compare", "show", session).return_value == 3
    last = run(world, "bea", "compare", "disclose", session, "--yes")
    assert last.stdout.splitlines()[1:] == sorted(f"email_domain\tmail-{i}.example" for i in range(20, 40))
    assert run(world, "ada", "compare", "sync").return_value == 0
    shown = json.loads(run(world, "ada", "compare", "show", session, "--json").stdout)
    assert [each["value"] for each in shown] == sorted(f"mail-{i}.example" for i in range(20, 40))


@pytest.mark.parametrize("command", ["answer", "disclose"])
def test_who_says_no_when_asked_sends_nothing(world: World, command: str) -> None:
    session, mine = offered(world), table(world, "bea", 20, 60)
    words = ("compare", "answer", session, "--identifiers", mine)
    if command == "disclose":
        run(world, "bea", *words, "--yes")
        run(world, "ada", "compare", "sync")
        run(world, "bea", "compare", "sync")
        words = ("compare", "disclose", session)
    before = world.log()
    for says in ("n\n", ""):
        with pytest.raises(Abort):
            run(world, "bea", *words, says=says)
    assert world.log() == before
    assert [each for each in before if isinstance(each, entries.Consented)] == []


def test_refusing_is_for_good_and_told_to_the_other(world: World) -> None:
    session = offered(world)
    run(world, "bea", "compare", "answer", session, "--identifiers", table(world, "bea", 20, 60), "--yes")
    run(world, "ada", "compare", "sync")
    refused = run(world, "bea", "compare", "disclose", session, "--refuse", "--yes")
    assert "refused" in refused.stdout
    assert "refused" in run(world, "ada", "compare", "disclose", session, "--yes").stdout
    assert run(world, "ada", "compare", "show", session).stdout == ""


def test_an_offer_is_declined_or_taken_back(world: World) -> None:
    for name in ("bea", "ada"):
        session = offered(world)
        assert run(world, name, "compare", "answer", session, "--decline").stdout == "declined\n"
        assert "declined" in run(world, "ada", "compare", "sync", session).stdout


def test_fewer_than_ten_cannot_be_disclosed(world: World) -> None:
    session = offered(world)
    run(world, "bea", "compare", "answer", session, "--identifiers", table(world, "bea", 35, 60), "--yes")
    assert "fewer than 10" in run(world, "ada", "compare", "sync").stdout
    with pytest.raises(UsageError, match="single customer"):
        run(world, "ada", "compare", "disclose", session, "--yes")


def test_clusters_are_joined_by_one_command_run_again(world: World) -> None:
    import msgspec

    files = {}
    for name in ("ada", "bea", "cyd"):
        files[name] = world.folder / f"{name}.json"
        files[name].write_bytes(msgspec.json.encode(clusters(name)))
        done = run(world, name, "join-clusters", "--identifiers", str(files[name]))
        assert done.return_value == 3 and "the group's key" in done.stderr
    run(world, "ada", "join-clusters", "--identifiers", str(files["ada"]), "--start")
    for name in ("bea", "cyd"):
        done = run(world, name, "join-clusters", "--identifiers", str(files[name]))
    assert done.return_value == 0
    assert done.stdout == "c-network  seen by 3 members or more  100 accounts or more\n"
    (told,) = json.loads(run(world, "ada", "join-clusters", "--json").stdout)
    assert told == {"clusters": ["c-network"], "members": 3, "accounts": 100}


def test_one_keyholder_in_place_of_two_is_refused(world: World) -> None:
    key = b64encode(bytes(32)).decode()
    for keys in ((key, key), (key, "x"), ("x", key)):
        with pytest.raises(UsageError):
            run(
                world,
                "ada",
                "compare",
                "setup",
                "--hub-key",
                keys[0],
                "--trustee-key",
                keys[1],
                "--trustee",
                "http://x",
            )
    with pytest.raises(UsageError, match="in place of two"):
        run(world, "ada", "matching", "init", "--trustee", "http://x", "--trustee-key", key, "--trustee-name", "hub",
            "--keys", str(world.folder / "other"))  # fmt: skip


def test_the_keyholders_are_made_by_their_commands(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(cli, ["forum", *words], standalone_mode=False, catch_exceptions=False)
        return done.stdout

    told = said("trustee", "init", "--keys", str(tmp_path / "t")).split()[2].rstrip(":")
    at = ("--keys", str(tmp_path / "h"), "--trustee", "https://trustee.example")
    hub = said("matching", "init", *at, "--trustee-key", told)
    assert said("trustee", "init", "--keys", str(tmp_path / "t")).split()[2].rstrip(":") == told
    assert hub.startswith("hub key ")
    from stillwatch.server.matching_keys import open_holder, open_matching

    found = open_matching(tmp_path / "h")
    assert found is not None and b64encode(found.trustee.public).decode() == told
    assert found.holder.share().seed != open_holder(tmp_path / "t").share().seed
    assert open_matching(tmp_path) is None


# Files of identifiers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "written", "spelled"),
    [
        ("client_ip", " 2001:DB8:0::1 ", "2001:db8::1"),
        ("client_ip", "192.0.2.7", "192.0.2.7"),
        ("client_ip", "3f2a.91bc", None),
        ("client_prefix", "192.0.2.0/24", "192.0.2.0/24"),
        ("email_domain", "Example.COM", "example.com"),
        ("payment_fingerprint", "a\nb", None),
        ("payment_fingerprint", " ", None),
    ],
)
def test_a_value_has_one_spelling_at_every_member(kind: str, written: str, spelled: str | None) -> None:
    assert spell(kind, written) == spelled


def test_what_has_no_common_spelling_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("kind,value\nclient_ip,192.0.2.1\nclient_ip,a1.b2\nclient_ip,192.0.2.1\n")
    found, left_out = read(path)
    assert found.of(["client_ip"]) == [("client_ip", "192.0.2.1")]
    assert left_out == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"{", b"a,b\n1,2\n", b"kind,value\nshoe_size,46\n", b"\xff\xfe"])
def test_what_holds_no_identifiers_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ids"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path)


def test_the_identifiers_of_a_campaign_come_from_its_log(tmp_path: Path) -> None:
    """``forum identifiers`` looks into the log that the campaign was found in."""
    log, accounts, findings = tmp_path / "log.ndjson", tmp_path / "accounts.ndjson", tmp_path / "found"
    findings.mkdir()
    names = [f"a{i}" for i in range(60)]
    rows: list[dict[str, Any]] = [
        {"request_id": f"{name}-{i}", "timestamp": "2026-11-02T10:00:00Z", "account_id": name, "model": "m",
         "client_ip": f"198.51.100.{names.index(name) % 2 if name in names[:4] else names.index(name)}"}
        for name in names for i in range(2)
    ]  # fmt: skip
    log.write_text("\n".join(map(json.dumps, rows)))
    accounts.write_text(
        "\n".join(json.dumps({"account_id": n, "payment_fingerprint": f"p{max(names.index(n), 3)}"}) for n in names)
    )
    day = "2026-11-02T10:00:00Z"
    campaign = {"id": "c-1", "accounts": names[:4], "first_seen": day, "last_seen": day, "q_value": 0.001,
                "targets": [], "techniques": [], "evidence": [], "shared": []}  # fmt: skip
    (findings / "campaigns.json").write_text(json.dumps([campaign]))
    out = tmp_path / "ids.json"
    words = ["forum", "identifiers", str(findings), str(log), "--accounts", str(accounts), "--out", str(out)]
    done = CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)
    assert "c-1  4 accounts" in done.stdout
    assert out.stat().st_mode & 0o777 == 0o600
    found, left_out = read(out)
    assert left_out == 0
    assert found.of(["client_ip", "payment_fingerprint"]) == [
        ("client_ip", "198.51.100.0"), ("client_ip", "198.51.100.1"), ("payment_fingerprint", "p3"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="exists"):
        CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)
