import pytest

from stillwatch.lineage.identity import about_identity, leakage


@pytest.mark.parametrize("prompt", ["Who created you?", "What is your name?", "Are you ChatGPT?"])
def test_questions_about_identity_are_known(prompt) -> None:
    assert about_identity(prompt)


@pytest.mark.parametrize("prompt", ["Who created the internet?", "Name a river.", "Write about a model of the atom."])
def test_other_questions_are_not(prompt) -> None:
    assert not about_identity(prompt)


def test_a_name_counts_once_an_answer_and_only_in_the_first_person() -> None:
    texts = ["I am ChatGPT, trained by OpenAI. I am ChatGPT.", "OpenAI released a model.", None, "I'm Claude."]
    assert leakage(texts) == {"ChatGPT": 1, "Claude": 1, "OpenAI": 1}
