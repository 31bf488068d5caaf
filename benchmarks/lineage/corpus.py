"""The corpus: answers of many models to one set of prompts, what is documented of them, and public facts about each."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

#: Teachers as the labels name them.
TEACHERS = {
    "davinci": ("text_davinci_003",),
    "chatgpt": ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106"),
    "gpt4": ("gpt4", "gpt4_0314", "gpt4_0613"),
    "gpt4t": ("gpt4_1106_preview", "gpt-4-0125-preview", "gpt-4-turbo-2024-04-09"),
    "mixtral": ("Mixtral-8x7B-Instruct-v0.1",),
    "claude": ("claude", "claude-2", "claude-instant-1.2", "claude-2.1"),
}
#: Makers whose models are one style: a student of one is no clean negative of another.
MAKERS = {
    "openai": (*TEACHERS["davinci"], *TEACHERS["chatgpt"], *TEACHERS["gpt4"]),
    "claude": TEACHERS["claude"],
    "mistral": (*TEACHERS["mixtral"], "mistral-medium", "Mistral-7B-Instruct-v0.2"),
    "llama2": ("llama-2-70b-chat-hf", "llama-2-13b-chat-hf", "llama-2-7b-chat-hf"),
    "gemini": ("gemini-pro",),
}
_OWN = {
    "openai": ("openai",), "claude": ("claude",), "mistral": ("mistral", "mixtral"),
    "llama2": ("llama-",), "gemini": ("gemini", "gemma"),
}  # fmt: skip
_MAKER = {"davinci": "openai", "chatgpt": "openai", "gpt4": "openai", "gpt4t": "openai", "mixtral": "mistral"}


def makers(label: str) -> set[str]:
    """Makers of the teachers in a label; a teacher that is not listed is its own."""
    return {_MAKER.get(each, each) for each in label.split("|")}


@dataclass(frozen=True)
class Corpus:
    """models in alphabetical order; ``texts`` prompts x models; ``labels`` model -> tier and label; ``facts`` rows."""

    models: list[str]
    texts: list[list[str | None]]
    labels: dict[str, tuple[str, str]]
    facts: dict[str, dict[str, str]]

    @property
    def families(self) -> list[str]:
        """One a model."""
        return [self.facts[model]["family"] for model in self.models]

    def tier(self, name: str) -> dict[str, str]:
        """Model -> label of those whose tier begins so."""
        return {model: label for model, (tier, label) in self.labels.items() if tier.startswith(name)}

    def at(self, models: tuple[str, ...] | list[str]) -> list[int]:
        """Places of those of ``models`` that there are."""
        return [self.models.index(model) for model in models if model in self.models]

    def unrelated(self, model: str, maker: str) -> bool:
        """Whether ``model`` is documented, or by the calendar bound, not to be of or taught by ``maker``."""
        fact = self.facts[model]
        if fact["family"].startswith(_OWN[maker]) or fact["base"].startswith(_OWN[maker]):
            return False
        tier, label = self.labels.get(model, ("", ""))
        taught = makers(label) if tier.startswith("L2") else None
        first = min((self.facts[each]["released"] for each in MAKERS[maker] if each in self.facts), default="")
        return tier.startswith("null") or fact["released"] < first or (taught is not None and maker not in taught)


def read(folder: Path) -> Corpus:
    """The corpus in ``folder``; a model that ``models.csv`` does not know is a family of its own."""
    table = pq.read_table(folder / "outputs.parquet").to_pydict()
    models = sorted(set(table["model"]))
    place = {model: at for at, model in enumerate(models)}
    texts: list[list[str | None]] = [[None] * len(models) for _ in range(max(table["prompt_id"]) + 1)]
    for model, prompt, text in zip(table["model"], table["prompt_id"], table["output"], strict=True):
        texts[prompt][place[model]] = text or None
    with (Path(__file__).parent / "models.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["model"]: row for row in csv.DictReader(lines)}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        labels = {row["model"]: (row["tier"], row["label"]) for row in csv.DictReader(lines)}
    unknown = {"base": "", "released": "9999", "size": "0"}
    return Corpus(models, texts, labels, {m: known.get(m, {"model": m, "family": m, **unknown}) for m in models})
