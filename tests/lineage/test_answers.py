import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError, UsageError
from stillwatch.lineage.answers import by_id, panel, read_answers, read_cards
from stillwatch.lineage.interface import Card, Role

ROWS = [{"prompt_id": 1, "output": "one"}, {"prompt_id": 2, "output": "two"}]


def test_every_format_reads_alike(tmp_path) -> None:
    (tmp_path / "a.ndjson").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    alpaca = [{"instruction": str(r["prompt_id"]), "output": r["output"], "generator": "b"} for r in ROWS]
    (tmp_path / "x.json").write_text(json.dumps(alpaca))
    pq.write_table(pa.Table.from_pylist([{"model": "c", **row} for row in ROWS]), tmp_path / "y.parquet")
    found = read_answers(tmp_path)
    assert found == {name: {"1": "one", "2": "two"} for name in "abc"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "cannot be read"),
        ('{"prompt_id": 1}\n', "without prompt or answer"),
        ("[1]", "no object"),
        ("", "no answers"),
    ],
)
def test_bad_input_is_told(tmp_path, text, says) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=says):
        read_answers(tmp_path)


def test_two_answers_to_one_prompt_are_not_chosen_from(tmp_path) -> None:
    (tmp_path / "a.ndjson").write_text('{"prompt_id":1,"output":"x"}\n{"prompt_id":1,"output":"y"}\n')
    with pytest.raises(InputError, match="two answers"):
        read_answers(tmp_path)


def test_cards_come_from_folders_and_the_table(tmp_path) -> None:
    (tmp_path / "kin").mkdir()
    for name in ("kin/a", "kin/b", "c"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(ROWS[0]))
    (tmp_path / "models.csv").write_text("model,family,base,released,size,group,taught_by\nc,f,w,2024-01,7,,none\n")
    cards = read_cards(tmp_path, Role.CONTROL, read_answers(tmp_path))
    assert {name: card.family for name, card in cards.items()} == {"a": "kin", "b": "kin", "c": "f"}
    assert cards["c"] == Card("c", Role.CONTROL, "f", "f", "w", "2024-01", 7.0, ())


def test_families_are_read_from_a_table_in_the_folder_or_beside_it(tmp_path) -> None:
    for name in ("k/a", "k/b", "k/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(ROWS[0]))
    head = "model,family,released,parameters\n"
    (tmp_path / "families.csv").write_text(f"{head}a,f,2024-01,7000000000\nb,f,,13B\nelsewhere,g,,\n")
    answers = read_answers(tmp_path / "k")
    cards = read_cards(tmp_path / "k", Role.CONTROL, answers)
    assert [(card.family, card.released, card.size) for _, card in sorted(cards.items())] == [
        ("f", "2024-01", 7.0), ("f", "", 13.0), ("c", "", 0.0),
    ]  # fmt: skip
    (tmp_path / "k" / "families.csv").write_text(f"{head}a,h,2024-02,7\n")
    assert read_cards(tmp_path / "k", Role.CONTROL, answers)["a"].family == "h"
    assert read_cards(tmp_path / "k" / "a.ndjson", Role.CANDIDATE, ["a"])["a"].family == "h"
    (tmp_path / "k" / "families.csv").write_text(f"{head}a,h,2024-02,many\n")
    with pytest.raises(InputError, match="no number"):
        read_cards(tmp_path / "k", Role.CONTROL, answers)


def test_a_panel_is_over_the_suspects_prompts_and_keeps_its_order() -> None:
    s, c, k = (Card(n, r, n, n) for n, r in (("s", Role.SUSPECT), ("c", Role.CANDIDATE), ("k", Role.CONTROL)))
    made = panel((s, {"10": "a", "9": "b", "1": "c"}), [(k, {"9": "x"}), (c, {"10": "y", "7": "z"})])
    assert [card.name for card in made.cards] == ["s", "c", "k"]
    assert made.prompts == ("9", "10")
    assert made.texts == (("b", None, "x"), ("a", "y", None))


def test_strangers_to_each_others_prompts_are_an_error() -> None:
    s, c = Card("s", Role.SUSPECT), Card("c", Role.CANDIDATE)
    with pytest.raises(UsageError, match="share no prompt"):
        panel((s, {"1": "a"}), [(c, {"2": "b"})])
    with pytest.raises(UsageError, match="called s"):
        panel((s, {"1": "a"}), [(Card("s", Role.CONTROL), {"1": "b"})])


def test_a_folder_is_one_family_whatever_its_files_are_called(tmp_path) -> None:
    (tmp_path / "kin" / "small").mkdir(parents=True)
    (tmp_path / "kin" / "one.ndjson").write_text(json.dumps({"model": "maker/a", **ROWS[0]}))
    (tmp_path / "kin" / "small" / "two.ndjson").write_text(json.dumps({"model": "maker/b", **ROWS[0]}))
    cards = read_cards(tmp_path, Role.CONTROL, read_answers(tmp_path))
    assert {name: card.family for name, card in cards.items()} == {"maker/a": "kin", "maker/b": "kin"}


def test_only_a_line_feed_ends_a_row(tmp_path) -> None:
    text = "one\u2028two\x85three"
    row = json.dumps({"prompt_id": 1, "output": text}, ensure_ascii=False)
    (tmp_path / "a.ndjson").write_text(f"{row}\r\n\n", "utf-8")
    assert read_answers(tmp_path) == {"a": {"1": text}}


def test_half_a_surrogate_pair_is_replaced(tmp_path) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps({"model": "m\ud800", "prompt_id": 1, "output": "x\udfff"}))
    assert read_answers(tmp_path) == {"m?": {"1": "x?"}}


def test_a_byte_order_mark_is_no_matter_and_null_is_no_answer(tmp_path) -> None:
    rows = [{"prompt_id": 1, "output": "one"}, {"prompt_id": 2, "output": None}]
    (tmp_path / "a.ndjson").write_text("\ufeff" + "".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert read_answers(tmp_path) == {"a": {"1": "one"}}


def test_answers_under_a_prompts_text_and_under_its_id_meet() -> None:
    prompts = {"7": "Say one", "8": "7"}
    assert by_id({"Say one": "a", "8": "b", "Say more": "c"}, prompts) == {"7": "a", "8": "b", "Say more": "c"}
    assert by_id({"7": "a"}, prompts) == {"7": "a"}  # an id, though a prompt is called so
    assert by_id({"Say one": "a", "7": "a"}, prompts) == {"7": "a"}
    with pytest.raises(InputError, match="under its id and its text"):
        by_id({"Say one": "a", "7": "b"}, prompts)
