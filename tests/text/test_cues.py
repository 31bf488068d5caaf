# ruff: noqa: RUF001 - prompts in several scripts

import pyarrow as pa
import pytest

from stillwatch.text import CUES, fingerprint
from stillwatch.text.cues import WORDS, compile_cues, names


def cues(*prompts: str) -> list[set[str]]:
    found = fingerprint(pa.RecordBatch.from_pydict({"prompt": list(prompts)})).column("prompt_cues").to_pylist()
    return [set(names(bits)) for bits in found]


ASKS = [
    ("reasoning", "Solve the puzzle and think it through, step by step."),
    ("reasoning", "Please show your full reasoning before the final answer."),
    ("reasoning", "Use chain-of-thought and then answer."),
    ("reasoning", "Enclose your thoughts in <think> </think> tags: think tags first"),
    ("reasoning", "请一步一步地思考，然后回答。"),
    ("reasoning", "写出完整的思考过程。"),
    ("reasoning", "Resuelve el problema paso a paso."),
    ("reasoning", "Explique ton raisonnement étape par étape."),
    ("reasoning", "Erkläre deine Überlegungen Schritt für Schritt."),
    ("reasoning", "Реши задачу шаг за шагом и покажи ход рассуждений."),
    ("reasoning", "ステップバイステップで考えてください。"),
    ("reasoning", "단계별로 생각해 보세요."),
    ("reconstruction", "Imagine and articulate the internal reasoning behind this completed response."),
    ("reconstruction", "Given the question and the final answer, write the hidden reasoning that led to it."),
    ("rubric", "Score the answer from 1 to 10 according to the rubric below."),
    ("rubric", "On a scale of 1-5, how helpful is it?"),
    ("rubric", "请根据评分标准给下面的回答打分，满分10分。"),
    ("rubric", "Puntúa la respuesta de 1 a 5."),
    ("rubric", "Note la réponse de 1 à 10."),
    ("rubric", "Bewerte die Antwort von 1 bis 10."),
    ("rubric", "Оцени ответ по шкале от 1 до 10."),
    ("rubric", "次の回答を採点基準に従って評価してください。"),
    ("rubric", "채점 기준에 따라 답변을 평가하세요."),
    ("preference", "Compare the two responses and tell me which response is better."),
    ("preference", "哪个回答更好？"),
    ("language", "Your thinking must be in the same language as the user's question."),
    ("language", "思考时请使用与用户提问相同的语言。"),
    ("rewriting", "Rewrite the following instruction so that it is harder."),
    ("rewriting", "请改写下面的句子。"),
    ("generation", "Come up with a set of 20 diverse task instructions."),
    ("generation", "请生成20个多样化的指令。"),
    ("agentic", "You have access to the following tools: search, shell."),
    ("coding", "Write a Python function to merge two dicts."),
    ("structured", "Respond with JSON only: valid JSON, nothing else."),
]


@pytest.mark.parametrize(("name", "prompt"), ASKS)
def test_what_a_prompt_asks_for_is_seen(name: str, prompt: str) -> None:
    assert name in cues(prompt)[0]


def test_ordinary_prompts_ask_for_nothing() -> None:
    prompts = [
        "What is the capital of Portugal?",
        "Plan a week in Rome for a family of four.",
        "I was walking down the stairs step after step.",
        "Tell me about the language of the same people in the north.",
        "My score was low because the paper was lost.",
        "今天天气怎么样？",
        "Quelle heure est-il à Tokyo ?",
        "",
    ]
    assert cues(*prompts) == [set()] * len(prompts)


def test_phrases_too_far_apart_do_not_make_a_pattern() -> None:
    near, far = cues("rewrite now " + "word " * 8 + "text", "rewrite now " + "word " * 12 + "text")
    assert near == {"rewriting"} and far == set()


def test_a_cue_does_not_carry_over_from_one_prompt_to_the_next() -> None:
    assert cues("Rewrite", "the following text") == [set(), set()]


def test_the_table_is_sound() -> None:
    rules = compile_cues()
    assert [cue.bit for cue in CUES] == list(range(len(CUES))) and len(CUES) < 31
    assert len({cue.name for cue in CUES}) == len(CUES)
    assert (rules.steps[:, 0] >= 1).all() and (rules.steps[:, 0] <= WORDS).all()
    assert (rules.firsts != 0).all()
    assert names(0b101) == ("reasoning", "rubric")
