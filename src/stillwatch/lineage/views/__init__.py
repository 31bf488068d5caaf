"""Views: what of an answer is looked at. Each is a file that turns a text into the hashes of its n-grams.

A claim is called robust only where views agree; ``body`` leaves the opening sentence out, because a memorised
opening is the easiest thing to imitate and the easiest to remove.
"""

from stillwatch.lineage.views import (
    body,
    cased,
    characters,
    closing,
    edges,
    function_words,
    markup,
    opening,
    phrases,
    starts,
    structure,
    words,
)
from stillwatch.lineage.views.interface import View

#: Every view, by name, in the order in which reports list them.
VIEWS: dict[str, View] = {
    module.VIEW.name: module.VIEW
    for module in (
        words,
        phrases,
        characters,
        function_words,
        markup,
        structure,
        body,
        opening,
        starts,
        cased,
        closing,
        edges,
    )
}

__all__ = ["VIEWS", "View"]
