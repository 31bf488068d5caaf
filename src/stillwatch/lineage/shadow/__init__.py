"""Shadow students: small text models trained on one model's answers, with which the whole chain can be tested.

A shadow has a base, which says what it writes about, and a teacher, who says how: a model of the teacher's answers to
*other* prompts, which leans to the words of the base's own answer. It is a known positive for its teacher and a clean
negative for everybody else but its base. It shows that the statistic finds a teacher whose phrasing is taken over, and
how many prompts that takes. It does not show how often a student of full size is found, which has read more and quotes
less, nor how often one is wrongly accused. What so small a model takes over is mostly manner that goes with any
prompt, which the statistic takes away on purpose; of prompts that it has learnt from it keeps more.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from stillwatch.lineage.answers import Answers
from stillwatch.lineage.shadow.neural import NeuralStudent
from stillwatch.lineage.shadow.ngram import NgramStudent
from stillwatch.lineage.shadow.words import number


class Student(Protocol):
    """What has learnt from texts, and writes."""

    def write_all(self, asked: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """A text for each key, about what its second string is about; the first is the seed of what is drawn."""


#: Kinds of students, by what an option calls them.
STUDENTS: Final[dict[str, Callable[[Mapping[str, str]], Student]]] = {"ngram": NgramStudent, "neural": NeuralStudent}


def shadows(
    teachers: Answers, bases: Answers, share: float = 0.5, seed: int = 0, kind: str = "ngram",
    *, seen: bool = False, tick: Callable[[], None] = lambda: None,
) -> Answers:  # fmt: skip
    """One student a teacher and base, ``TEACHER>BASE``: trained on part of the teacher's answers, asked the other part.

    Args:
        teachers: model -> prompt -> answer; whose manner is learnt.
        bases: the same; what is written about. A model is not paired with itself.
        share: of the prompts that students are trained on; they answer the rest, which they have not seen.
        seen: let them answer those that they learnt from as well, as a student does whose lessons held the prompts.
        seed: of the split and of what they write.
        kind: of ``STUDENTS``.
        tick: called once a teacher.
    """
    found: Answers = {}
    for name, answers in sorted(teachers.items()):
        keys = sorted(answers)
        learnt = {key for key in keys if number(f"{seed}\0{key}", 6) / 2**48 < share}
        student = STUDENTS[kind]({key: answers[key] for key in learnt})
        for base, topics in sorted(bases.items()):
            if base != name:
                asked = [key for key in keys if (seen or key not in learnt) and key in topics]
                found[f"{name}>{base}"] = student.write_all(
                    {key: (f"{seed}\0{name}\0{base}\0{key}", topics[key]) for key in asked}
                )
        tick()
    return found
