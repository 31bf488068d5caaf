"""A neural student: a feed-forward model of words, trained on one model's answers in under a minute.

Bengio et al., "A neural probabilistic language model" (JMLR 3, 2003), with output tied to input embeddings (Press and
Wolf, EACL 2017) and a gate towards words of the topic (after the pointer of See et al., ACL 2017), by Adam (Kingma and
Ba, ICLR 2015). Unlike the n-gram student it has no phrase by heart: words that are used alike share what is learnt. It
is the same for the same texts, seed and machine; another machine may round otherwise, and then it writes otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.lineage.shadow.words import join, number, split

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_CONTEXT, _WIDTH, _HIDDEN = 4, 48, 128
_WORDS: Final = 2000  # in the vocabulary; the rest is one word
_COMMON: Final = 0.3  # share of texts that a word is in at most, to be of a topic
_EPOCHS, _BATCH, _RATE = 6, 512, 3e-3
_MISTAKEN: Final = 0.25  # share of a topic's words that are another text's while it learns
_TEMPERATURE: Final = 0.8
_MOST_TOKENS: Final = 60_000  # that are learnt from
_OTHER, _START, _END = 0, 1, 2


class NeuralStudent:
    """A student of ``texts``.

    Args:
        texts: what it is trained on, by key.
        seed: of its first weights and of the order in which it learns.
    """

    def __init__(self, texts: Mapping[str, str], seed: int = 0) -> None:
        tokens = [split(text) for _, text in sorted(texts.items())]
        counts = Counter(token for text in tokens for token in text)
        ranked = sorted((word for word, n in counts.items() if n > 1), key=lambda word: (-counts[word], word))
        self._names = ["", "", "", *ranked[: _WORDS - 3]]
        self._ids = {name: at for at, name in enumerate(self._names) if name}
        spread = Counter(word for text in tokens for word in set(text))
        self._common = {word for word, n in spread.items() if n > _COMMON * len(tokens)}
        rng = np.random.default_rng(seed)
        size, wide = len(self._names), _CONTEXT * _WIDTH
        self._weights: dict[str, Floats] = {
            "words": rng.normal(0, 0.1, (size, _WIDTH)).astype(np.float32),
            "into": rng.normal(0, wide**-0.5, (wide, _HIDDEN)).astype(np.float32),
            "hidden": np.zeros(_HIDDEN, np.float32),
            "out": rng.normal(0, _HIDDEN**-0.5, (_HIDDEN, _WIDTH)).astype(np.float32),
            "gate": np.zeros(_HIDDEN, np.float32),
            "bias": np.log(np.array([1, 1, 1, *(counts[name] for name in self._names[3:])], np.float32)),
            "topic": np.full(1, 1.0, np.float32),
        }
        if tokens:
            self._learn(tokens, rng)

    def write_all(self, asked: Mapping[str, tuple[str, str]], longest: int = 400) -> dict[str, str]:
        """A text for each key, about what its second string is about; the first is the seed of what is drawn."""
        keys = list(asked)
        if not keys:
            return {}
        about = [split(asked[key][1]) for key in keys]
        topics = np.array([self._topic(text) for text in about])
        unknown = [[w for w in dict.fromkeys(text) if w.isalnum() and w not in self._ids] for text in about]
        draws = np.array([_uniform(asked[key][0], longest) for key in keys])
        said: list[list[str]] = [[] for _ in keys]
        context = np.full((len(keys), _CONTEXT), _START, np.int64)
        open_ = np.ones(len(keys), bool)
        for step in range(longest):
            chosen = self._draw(context, topics, draws[:, step])
            open_ &= chosen != _END
            if not open_.any():
                break
            context = np.column_stack([context[:, 1:], chosen])
            for row in np.flatnonzero(open_).tolist():
                word = int(chosen[row])
                if word == _OTHER:
                    if unknown[row]:
                        said[row].append(unknown[row].pop(0))
                else:
                    said[row].append(self._names[word])
        return {key: join(said[row]) for row, key in enumerate(keys)}

    def _draw(self, context: Ints, topics: NDArray[np.bool_], draws: NDArray[np.float64]) -> Ints:
        """The next word of each text."""
        logits = self._forward(context, topics)[0].astype(np.float64) / _TEMPERATURE
        logits[:, _START] = -np.inf
        chances = np.cumsum(np.exp(logits - logits.max(1, keepdims=True)), 1)
        found: Ints = (chances < draws[:, None] * chances[:, -1:]).sum(1)
        return found

    def _topic(self, text: Sequence[str]) -> NDArray[np.bool_]:
        """Which words of the vocabulary a text is about; the one that stands for all others, if it has any of them."""
        found = np.zeros(len(self._names), bool)
        for word in text:
            if word.isalnum() and word not in self._common:
                found[self._ids.get(word, _OTHER)] = True
        return found

    def _forward(self, context: Ints, topics: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        """Logits of the next word, the inputs and the hidden layer."""
        w = self._weights
        inputs = w["words"][context].reshape(len(context), -1)
        hidden = np.tanh(inputs @ w["into"] + w["hidden"])
        gate = hidden @ w["gate"] + w["topic"]
        logits = (hidden @ w["out"]) @ w["words"].T + w["bias"] + gate[:, None] * topics
        return logits, inputs, hidden

    def _learn(self, tokens: Sequence[Sequence[str]], rng: np.random.Generator) -> None:
        contexts, targets, owners = self._examples(tokens)
        topics = np.array([self._topic(text) for text in tokens])
        moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in self._weights.items()}
        step, steps = 0, max(_EPOCHS * -(-len(targets) // _BATCH), 1)
        for _ in range(_EPOCHS):
            # What a base writes of is only in part what the teacher would: so some of a topic is another text's.
            kept = np.where(rng.random(topics.shape) > _MISTAKEN, topics, topics[rng.permutation(len(topics))])
            order = rng.permutation(len(targets))
            for at in range(0, len(order), _BATCH):
                rows = order[at : at + _BATCH]
                slopes = self._slopes(contexts[rows], targets[rows], kept[owners[rows]])
                step += 1
                _adam(self._weights, slopes, moments, step, _RATE * (1 - step / steps) + 1e-4)

    def _examples(self, tokens: Sequence[Sequence[str]]) -> tuple[Ints, Ints, Ints]:
        """Contexts, the words that follow them, and whose text each is of, as many as are learnt."""
        contexts, targets, owners = [], [], []
        for owner, text in enumerate(tokens):
            ids = np.array([*([_START] * _CONTEXT), *(self._ids.get(word, _OTHER) for word in text), _END], np.int64)
            contexts.append(np.lib.stride_tricks.sliding_window_view(ids[:-1], _CONTEXT))
            targets.append(ids[_CONTEXT:])
            owners.append(np.full(len(text) + 1, owner))
        return tuple(np.concatenate(part)[:_MOST_TOKENS] for part in (contexts, targets, owners))  # type: ignore[return-value]

    def _slopes(self, contexts: Ints, targets: Ints, topics: NDArray[np.bool_]) -> dict[str, Floats]:
        """Gradients of the mean cross-entropy."""
        w = self._weights
        logits, inputs, hidden = self._forward(contexts, topics)
        wrong = np.exp(logits - logits.max(1, keepdims=True))
        wrong /= wrong.sum(1, keepdims=True)
        wrong[np.arange(len(targets)), targets] -= 1.0
        wrong /= np.float32(len(targets))
        back = wrong @ w["words"]
        gate = np.where(topics, wrong, np.float32(0)).sum(1)
        inner = (back @ w["out"].T + gate[:, None] * w["gate"]) * (1 - hidden**2)
        words = wrong.T @ (hidden @ w["out"])
        np.add.at(words, contexts, (inner @ w["into"].T).reshape(*contexts.shape, _WIDTH))
        return {
            "words": words, "into": inputs.T @ inner, "hidden": inner.sum(0), "out": hidden.T @ back,
            "gate": hidden.T @ gate, "bias": wrong.sum(0), "topic": gate.sum(keepdims=True),
        }  # fmt: skip


def _uniform(seed: str, count: int) -> NDArray[np.float64]:
    return np.random.default_rng(number(seed)).random(count)


def _adam(
    weights: Mapping[str, Floats], slopes: Mapping[str, Floats], moments: Mapping[str, tuple[Floats, Floats]],
    step: int, rate: float,
) -> None:  # fmt: skip
    """One step, in place."""
    for name, slope in slopes.items():
        mean, square = moments[name]
        mean += np.float32(0.1) * (slope - mean)
        square += np.float32(0.01) * (slope * slope - square)
        scale = rate * (1 - 0.99**step) ** 0.5 / (1 - 0.9**step)
        weights[name][...] -= np.float32(scale) * mean / (np.sqrt(square) + np.float32(1e-8))
