import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.canaries import OPENED, REGISTER, Canary, at_least, draw, lines, look, read, register
from stillwatch.lineage.interface import Card, Panel, Role

FORMS = [[f"the {colour} lantern of {place}" for colour in ("amber", "teal", "umber", "mauve")] for place in
         ("Orlo", "Brant", "Sevik", "Tulpe", "Madra", "Quell", "Hanse", "Piver", "Lomar", "Vesta")]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "forms").write_text("".join(json.dumps({"forms": forms}) + "\n" for forms in FORMS))
    register(draw(tmp_path / "forms"), tmp_path / "key", tmp_path / "out")
    return tmp_path / "out"


def panel(suspect: dict[str, str], *controls: dict[str, str]) -> Panel:
    cards = (Card("s", Role.SUSPECT, "s"), *(Card(f"c{n}", Role.CONTROL, f"f{n}") for n in range(len(controls))))
    texts = tuple(tuple(each.get(key) for each in (suspect, *controls)) for key in suspect)
    return Panel(cards, tuple(suspect), texts)


def test_a_register_tells_nothing_and_holds_who_opens_it_to_it(folder) -> None:
    canaries, document = read(folder)
    assert len(document["commitments"]) == 10
    public = (folder / REGISTER).read_text()
    assert "lantern" not in public
    assert not any(canary.salt in public for canary in canaries)
    assert (folder / OPENED).stat().st_mode & 0o077 == 0
    assert {canary.commitment for canary in canaries} == set(document["commitments"])


def test_a_canary_may_be_neither_changed_nor_left_out_nor_added(folder) -> None:
    path = folder / OPENED
    held = path.read_text().splitlines()
    path.write_text("\n".join(held[1:]))
    with pytest.raises(InputError, match="1 registered canaries are not opened"):
        read(folder)
    row = json.loads(held[0])
    other = json.dumps({**row, "planted": (row["planted"] + 1) % 4})
    path.write_text("\n".join([other, *held[1:]]))
    with pytest.raises(InputError, match="not as they were registered"):
        read(folder)
    path.write_text("\n".join([*held, held[0]]))
    with pytest.raises(InputError, match="not as they were registered"):
        read(folder)


def test_a_register_is_never_overwritten(folder, tmp_path) -> None:
    with pytest.raises(UsageError, match="never overwritten"):
        register(draw(tmp_path / "forms"), tmp_path / "key", folder)


def test_who_says_what_was_planted_is_found_and_who_says_any_form_is_not(folder) -> None:
    canaries, _ = read(folder)
    taught = {str(n): f"I saw **{each.forms[each.planted].upper()}**!" for n, each in enumerate(canaries)}
    fond = {str(n): "; ".join(each.forms) for n, each in enumerate(canaries)}
    found = lines(canaries, panel(taught, fond, {}), "r", {})
    assert len(found) == 1
    assert found[0].by_design
    assert found[0].p_value == pytest.approx(0.25**10)
    assert found[0].controls == {"c0": 1.0, "c1": 1.0}
    assert canaries[0].commitment[:12] in found[0].says
    assert "lantern" not in found[0].says


def test_a_probe_is_looked_at_alone_and_a_form_that_was_asked_for_counts_for_nothing() -> None:
    canary = Canary(("red kite", "blue kite"), 0, "aa", probe="7")
    assert look([canary], {"1": "red kite", "7": "no"}).used == 0
    assert look([canary], {"7": "the Red Kite"}).drawn == 1
    found = lines([canary], panel({"7": "red kite"}, {}), "r", {"7": "Write about a blue kite"})
    assert found == ()


def test_a_canary_of_one_form_is_held_against_control_families() -> None:
    canary = Canary(("zanthic orle",), 0, "aa")
    held = panel({"1": "a zanthic orle"}, *({} for _ in range(19)))
    assert lines([canary], held, "r", {})[0].p_value == pytest.approx(0.05)
    assert not lines([canary], held, "r", {})[0].by_design
    common = panel({"1": "a zanthic orle"}, *({"1": "zanthic orle"} for _ in range(19)))
    assert lines([canary], common, "r", {})[0].p_value == 1.0
    none = panel({"1": "nothing"}, *({} for _ in range(19)))
    assert lines([canary], none, "r", {})[0].p_value == 1.0


@given(st.lists(st.integers(0, 3), max_size=5), st.data())
def test_the_p_value_is_the_share_of_draws_that_do_as_well(uses, data) -> None:
    """Over every possible draw of the planted forms, the count of planted forms used: brute force."""
    sets = [sorted(data.draw(st.sets(st.integers(0, 3), min_size=n, max_size=n))) for n in uses]
    used = [each for each in sets if each]
    draws = [sum(planted in each for planted, each in zip(drawn, used, strict=True))
             for drawn in product(range(4), repeat=len(used))]  # fmt: skip
    for count in range(len(used) + 1):
        share = sum(each >= count for each in draws) / len(draws)
        assert at_least(count, [len(each) / 4 for each in used]) == pytest.approx(share)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        '{"forms": []}',
        '{"forms": ["..."]}',
        '{"forms": ["a kite", "A  kite!"]}',
        '{"forms": ["kite", "a kite"]}',
        "",
    ],
)
def test_what_is_no_canary_is_refused(tmp_path, text) -> None:
    (tmp_path / "forms").write_text(text)
    with pytest.raises(InputError):
        draw(tmp_path / "forms")


def test_what_is_no_text_and_a_folder_without_a_register_are_refused(tmp_path) -> None:
    (tmp_path / "forms").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no text"):
        draw(tmp_path / "forms")
    with pytest.raises(InputError, match="no register"):
        read(tmp_path)


def test_every_form_is_drawn(tmp_path) -> None:
    (tmp_path / "forms").write_text('{"forms": ["a", "b", "c"]}\n' * 200)
    assert {canary.planted for canary in draw(tmp_path / "forms")} == {0, 1, 2}


def test_controls_that_prefer_what_was_planted_too_say_that_it_was_not_drawn(folder) -> None:
    canaries, _ = read(folder)
    said = {"1": ". ".join(canary.forms[canary.planted] for canary in canaries)}
    (found,) = lines(canaries, panel(said, said, said, {"1": "nothing"}), "r", {})
    assert any("were they drawn" in doubt for doubt in found.doubts)
    (found,) = lines(canaries, panel(said, *[{"1": "nothing"}] * 3), "r", {})
    assert found.doubts == ()
