"""Models that are made: each writes from a manner of its own, so that who taught whom is known."""

import random

from stillwatch.lineage.interface import Card, Panel, Role

WORDS = [a + b for a in "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za".split() for b in
         "ban cer dil fom gus har jek kil lor mun nat pel".split()]  # fmt: skip
FUNCTION = "the a and of to in that it for with as but or on at by from this not are is was".split()


class Maker:
    """A model: given a prompt, it draws words from the prompt's own, joined by habits of its own."""

    def __init__(self, seed: int, like: "Maker | None" = None, share: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.habits = {word: self.random.choices(FUNCTION, k=2) for word in WORDS}
        self.like, self.share, self.seed = like, share, seed

    def answer(self, prompt: int, words: int = 80) -> str:
        own = random.Random(self.seed * 100_003 + prompt)
        topic = random.Random(prompt).choices(WORDS, k=40)
        said = []
        while len(said) < words:
            word = own.choice(topic)
            source = self.like if self.like and own.random() < self.share else self
            said += [word, source.habits[word][own.randrange(2)]]
            if own.random() < 0.1:
                said[-1] += "."
        return " ".join(said)


def panel(suspect: Maker, candidates: dict[str, Maker], controls: dict[str, Maker], prompts: int = 200) -> Panel:
    """The made models as a panel; every model is a family of its own."""
    models = [("suspect", Role.SUSPECT, suspect)]
    models += [(name, Role.CANDIDATE, maker) for name, maker in candidates.items()]
    models += [(name, Role.CONTROL, maker) for name, maker in controls.items()]
    cards = tuple(Card(name, role, family=name, group=name) for name, role, _ in models)
    texts = tuple(tuple(maker.answer(prompt) for *_, maker in models) for prompt in range(prompts))
    return Panel(cards, tuple(map(str, range(prompts))), texts)
