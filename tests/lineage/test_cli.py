import csv
import json

from click.testing import CliRunner

from stillwatch.cli.main import cli
from stillwatch.errors import UsageError
from stillwatch.text.watermark import make
from tests.lineage.made import WORDS, Maker


def write(path, maker, prompts=200) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"prompt_id": at, "output": maker.answer(at, 50)}) for at in range(prompts)]
    path.write_text("\n".join(lines) + "\n")


def run(*arguments):
    return CliRunner().invoke(cli, ["lineage", *map(str, arguments)], standalone_mode=False)


def inputs(folder, suspect) -> list:
    write(folder / "s" / "suspect.ndjson", suspect)
    for at in range(3):
        write(folder / "c" / f"teacher-{at}.ndjson", Maker(at))
    for at in range(19):
        write(folder / "k" / f"control-{at}.ndjson", Maker(50 + at))
    return [folder / "s", "--candidates", folder / "c", "--controls", folder / "k"]


def test_a_planned_trace_from_files_to_report(tmp_path) -> None:
    given = inputs(tmp_path, Maker(7, Maker(1), 0.6))
    (tmp_path / "prompts").write_text("".join(json.dumps({"prompt_id": n, "prompt": "x"}) + "\n" for n in range(200)))
    names = [f"--candidate=teacher-{at}" for at in range(3)] + [f"--control=control-{at}" for at in range(19)]
    plan = ["--prompts", tmp_path / "prompts", "--key", tmp_path / "key", "--out", tmp_path / "plan"]
    assert run("plan", "--suspect=suspect", *names, *plan).exception is None
    result = run("trace", *given, "--out", tmp_path / "out", "--plan", tmp_path / "plan", "--threads", 2)
    assert result.exception is None, result.output
    assert result.return_value == 3
    found = json.loads((tmp_path / "out" / "trace.json").read_text())
    assert found["claims"][2]["candidates"] == ["teacher-1"]
    assert any("and followed" in note for note in found["warnings"])
    assert (tmp_path / "out" / "report.html").exists()


def test_a_departure_is_refused_or_told_and_a_stranger_ends_with_status_0(tmp_path) -> None:
    given = inputs(tmp_path, Maker(8))
    (tmp_path / "prompts").write_text("".join(f"prompt {n}\n" for n in range(199)))
    plan = ["--prompts", tmp_path / "prompts", "--key", tmp_path / "key", "--out", tmp_path / "plan"]
    run("plan", "--suspect=suspect", "--candidate=teacher-0", "--control=control-0", *plan)
    traced = ["trace", *given, "--out", tmp_path / "out", "--plan", tmp_path / "plan", "--threads", 2]
    refused = run(*traced)
    assert isinstance(refused.exception, UsageError)
    assert "teacher-2 was not planned" in str(refused.exception)
    assert not (tmp_path / "out").exists()
    result = run(*traced, "--exploratory")
    assert result.return_value == 0
    notes = json.loads((tmp_path / "out" / "trace.json").read_text())["warnings"]
    assert any("teacher-2 was not planned" in note for note in notes)
    assert any("prompts: 200 that are not the 199" in note for note in notes)
    assert any(note.startswith("exploratory:") for note in notes)


def test_a_plan_fixes_answers_and_facts_that_it_was_given(tmp_path) -> None:
    given = inputs(tmp_path, Maker(8))
    table = tmp_path / "k" / "models.csv"
    table.write_text("model,family,base,released,size\ncontrol-1,one,,2024-01,7\n")
    own = tmp_path / "s" / "models.csv"
    own.write_text("model,family,base,released,size\nsuspect,mine,,2024-02,7\n")
    (tmp_path / "prompts").write_text("".join(json.dumps({"prompt_id": n, "prompt": "x"}) + "\n" for n in range(200)))
    plan = ["plan", "--suspect=suspect", *given[1:], "--suspect-facts", own, "--prompts", tmp_path / "prompts"]
    plan += ["--key", tmp_path / "key", "--out", tmp_path / "plan"]
    planned = run(*plan)
    assert planned.exception is None, planned.output
    key = json.loads((tmp_path / "plan").read_text())["public_key"]
    traced = ["trace", *given, "--out", tmp_path / "out", "--plan", tmp_path / "plan", "--threads", 2]
    result = run(*traced, "--signer", key, "--prompts", tmp_path / "prompts")
    assert result.exception is None, result.output
    notes = json.loads((tmp_path / "out" / "trace.json").read_text())["warnings"]
    assert any("and followed" in note for note in notes)
    assert not any("does not fix" in note or "any key" in note for note in notes)

    table.write_text("model,family,base,released,size\ncontrol-1,two,,2024-01,7\n")
    assert "facts of control-1 differ from those planned" in str(run(*traced).exception)
    table.write_text("model,family,base,released,size\ncontrol-1,one,,2024-01,7\n")
    own.write_text("model,family,base,released,size\nsuspect,mine,llama,2024-02,7\n")
    assert "facts of suspect differ from those planned" in str(run(*traced).exception)
    own.write_text("model,family,base,released,size\nsuspect,mine,,2024-02,7\n")
    write(tmp_path / "k" / "control-2.ndjson", Maker(60))
    assert "answers of control-2 differ from those planned" in str(run(*traced).exception)


def test_only_whom_one_expects_may_have_signed_the_plan(tmp_path) -> None:
    given = inputs(tmp_path, Maker(8))
    (tmp_path / "prompts").write_text("".join(json.dumps({"prompt_id": n, "prompt": "x"}) + "\n" for n in range(200)))
    names = [f"--candidate=teacher-{at}" for at in range(3)] + [f"--control=control-{at}" for at in range(19)]
    for name in "ab":
        plan = ["--prompts", tmp_path / "prompts", "--key", tmp_path / f"key-{name}", "--out", tmp_path / name]
        assert "22 models are not fixed" in run("plan", "--suspect=suspect", *names, *plan).output
    key = json.loads((tmp_path / "a").read_text())["public_key"]
    traced = ["trace", *given, "--out", tmp_path / "out", "--threads", 2, "--signer", key]
    assert "--signer without --plan" in str(run(*traced).exception)
    refused = run(*traced, "--plan", tmp_path / "b", "--exploratory")
    assert isinstance(refused.exception, UsageError)
    assert "is signed by" in str(refused.exception)
    result = run(*traced[:-2], "--plan", tmp_path / "b")
    notes = json.loads((tmp_path / "out" / "trace.json").read_text())["warnings"]
    assert result.exception is None, result.output
    assert any("any key could have signed" in note for note in notes)
    assert any("does not fix the answers of control-0, control-1, control-10 and 19 more" in note for note in notes)


def test_a_plan_needs_candidates_by_name_or_by_folder(tmp_path) -> None:
    (tmp_path / "prompts").write_text("Say one\n")
    rest = ["--prompts", tmp_path / "prompts", "--key", tmp_path / "key", "--out", tmp_path / "plan"]
    assert "candidates" in str(run("plan", "--suspect=s", *rest).exception)
    (tmp_path / "t.csv").write_text("model,family\nother,x\n")
    facts = ["--suspect-facts", tmp_path / "t.csv"]
    assert "no row of 's'" in str(run("plan", "--suspect=s", "--candidate=c", *facts, *rest).exception)


def test_evidence_of_other_kinds_stands_beside_the_claims(tmp_path) -> None:
    forms = [[f"{WORDS[2 * n]} xylo", f"{WORDS[2 * n + 1]} xylo"] for n in range(12)]
    (tmp_path / "forms").write_text("".join(json.dumps({"forms": each}) + "\n" for each in forms))
    assert run("canaries", tmp_path / "forms", "--key", tmp_path / "key", "--out", tmp_path / "birds").exception is None
    opened = [json.loads(line) for line in (tmp_path / "birds" / "opened.ndjson").read_text().splitlines()]
    make(tmp_path / "mark.json")
    campaign = {"id": "c-9", "accounts": ["a"], "first_seen": "2026-06-01T00:00:00Z", "targets": [], "templates": [],
                "last_seen": "2026-06-02T00:00:00Z", "requests": 5}  # fmt: skip
    (tmp_path / "campaigns.json").write_text(json.dumps([campaign]))
    given = inputs(tmp_path, Maker(8))
    held = [json.loads(line) for line in (tmp_path / "s" / "suspect.ndjson").read_text().splitlines()]
    for row, canary in zip(held, opened, strict=False):
        row["output"] += f" {canary['forms'][canary['planted']]}"
    (tmp_path / "s" / "suspect.ndjson").write_text("".join(json.dumps(row) + "\n" for row in held))
    (tmp_path / "prompts").write_text("".join(json.dumps({"prompt_id": n, "prompt": "x"}) + "\n" for n in range(200)))
    names = [f"--candidate=teacher-{at}" for at in range(3)] + [f"--control=control-{at}" for at in range(19)]
    beside = ["--watermark", tmp_path / "mark.json", "--canaries", tmp_path / "birds"]
    beside += ["--campaigns", tmp_path / "campaigns.json", "--prompts", tmp_path / "prompts"]
    plan = ["--combine", "two draws", "--key", tmp_path / "key", "--out", tmp_path / "plan"]
    assert run("plan", "--suspect=suspect", *names, *beside, *plan).exception is None
    traced = ["trace", *given, "--out", tmp_path / "out", "--plan", tmp_path / "plan", "--threads", 2]
    assert "was planned and left out" in str(run(*traced).exception)
    result = run(*traced, *beside)
    assert result.exception is None, result.output
    assert result.return_value == 0
    found = json.loads((tmp_path / "out" / "trace.json").read_text())
    assert {line["kind"]: line["by_design"] for line in found["beside"]} == {
        "watermark": True, "canaries": True, "campaign": False
    }  # fmt: skip
    assert found["beside"][1]["p_value"] == 0.5**12
    assert found["together"]["why"] == "two draws"
    assert found["together"]["p_value"] < 0.05
    assert not any(claim["outcome"] == "supported" for claim in found["claims"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "two draws" in page
    assert "Campaign c-9" in page
    assert opened[0]["salt"] not in page


def test_safeguards_as_json(tmp_path) -> None:
    with (tmp_path / "p.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "prompt", "label"], *([n, f"request {n}", "unsafe"] for n in range(20))])
    for name, text in (("t", "Sorry, but I can't help with that."), ("s", "Here is how:\n1. First.\n2. Then.")):
        rows = (json.dumps({"prompt_id": n, "output": text}) + "\n" for n in range(20))
        (tmp_path / f"{name}.ndjson").write_text("".join(rows))
    result = run("safeguards", tmp_path / "t.ndjson", tmp_path / "s.ndjson", "--prompts", tmp_path / "p.csv", "--json")
    assert result.exception is None
    assert json.loads(result.output)[0]["paired"]["teacher_only"] == 20


def test_shadows_are_files_that_trace_reads(tmp_path) -> None:
    write(tmp_path / "t.ndjson", Maker(1))
    write(tmp_path / "b.ndjson", Maker(2))
    result = run("shadow", tmp_path / "t.ndjson", "--bases", tmp_path / "b.ndjson", "--out", tmp_path / "out")
    assert result.exception is None
    assert json.loads((tmp_path / "out" / "shadow-000.ndjson").read_text().splitlines()[0])["model"] == "t>b"


def test_shadows_are_judged_beside_the_suspect(tmp_path) -> None:
    given = inputs(tmp_path, Maker(8))
    write(tmp_path / "b.ndjson", Maker(2_000))
    made = ["--bases", tmp_path / "b.ndjson", "--out", tmp_path / "shadows", "--kind", "neural", "--seen"]
    assert run("shadow", tmp_path / "c", *made).exception is None
    result = run("trace", *given, "--out", tmp_path / "out", "--shadows", tmp_path / "shadows", "--threads", 2)
    assert result.exception is None, result.output
    found = json.loads((tmp_path / "out" / "trace.json").read_text())["shadowing"]
    assert (found["known"], found["clean"], found["prompts"]) == (3, 0, 200)
    assert "Of 3 that learnt from a candidate" in (tmp_path / "out" / "report.html").read_text()


def test_prompts_about_identity_are_left_out_by_their_texts(tmp_path) -> None:
    given = inputs(tmp_path, Maker(8))
    asked = ["Who made you?" if n < 3 else f"Say {n}" for n in range(200)]
    rows = (json.dumps({"prompt_id": n, "prompt": text}) + "\n" for n, text in enumerate(asked))
    (tmp_path / "prompts").write_text("".join(rows))
    result = run("trace", *given, "--out", tmp_path / "out", "--threads", 2, "--prompts", tmp_path / "prompts")
    assert result.exception is None, result.output
    assert json.loads((tmp_path / "out" / "trace.json").read_text())["prompts"] == 197


def test_labels_without_their_columns_are_told(tmp_path) -> None:
    (tmp_path / "p.csv").write_text("id,prompt,label\n1,x,safe\n")
    (tmp_path / "l.csv").write_text("id,refused\n1,1\n")
    for name in "ts":
        (tmp_path / f"{name}.ndjson").write_text('{"prompt_id": 1, "output": "y"}\n')
    given = [tmp_path / "t.ndjson", tmp_path / "s.ndjson", "--prompts", tmp_path / "p.csv"]
    result = run("safeguards", *given, "--suspect-labels", tmp_path / "l.csv")
    assert "without prompt_id or refused" in str(result.exception)


def test_answers_filed_under_texts_meet_those_filed_under_ids(tmp_path) -> None:
    given = inputs(tmp_path, Maker(7, Maker(1), 0.6))
    own = tmp_path / "s" / "suspect.ndjson"
    held = [json.loads(line) for line in own.read_text().splitlines()]
    own.unlink()
    rows = [{"instruction": f"Say {row['prompt_id']}", "output": row["output"], "generator": "suspect"} for row in held]
    (tmp_path / "s" / "x.json").write_text(json.dumps(rows))
    (tmp_path / "prompts").write_text(
        "".join(json.dumps({"prompt_id": n, "prompt": f"Say {n}"}) + "\n" for n in range(200))
    )
    trace = ["trace", *given, "--out", tmp_path / "out", "--threads", 2]
    assert "share no prompt" in str(run(*trace).exception)
    assert run(*trace, "--prompts", tmp_path / "prompts").return_value == 3
    many = ["many", *given, "--out", tmp_path / "out", "--threads", 2, "--prompts", tmp_path / "prompts"]
    assert run(*many).return_value == 3
