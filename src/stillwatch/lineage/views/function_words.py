"""Function words: how sentences are put together, with everything that carries topic left out (Mosteller & Wallace)."""

from typing import Final

import numpy as np

from stillwatch.lineage.views.grams import kept, ngrams, tokens
from stillwatch.lineage.views.interface import Grams, View, seen

_WORDS: Final = """
the a an and or but if of to in on at by for with from as is are was were be been being it its this that these those
there here he she they we you i your my our their his her them us me not no so do does did can could will would should
may might must have has had than then when while where which who what how why also such some any all each both more most
other into over about between through during before after up down out only very just however additionally overall
furthermore moreover therefore because since although
""".split()
_KNOWN: Final = np.sort(np.concatenate([tokens(word) for word in _WORDS]))


def grams(text: str) -> Grams:
    """Two to four function words, whatever stands between them a gap."""
    return ngrams(kept(tokens(seen(text)), _KNOWN), 2, 4)


VIEW = View("function_words", "function words in their order", grams)
