"""What an indicator looks at in a log, in families of evidence: there its matches agree because they were chosen so."""

from collections.abc import Mapping

from stillwatch.indicators.match import traits_needed
from stillwatch.indicators.patterns import ADDRESS, MATCHED, PatternError, names, parse
from stillwatch.schema import stix
from stillwatch.schema.evidence import Family


def looked_at(each: stix.Object, families: Mapping[str, Family]) -> frozenset[Family]:
    """The families that an indicator looks at; every one where that cannot be told.

    Args:
        each: an indicator.
        families: of each kind of trait that the log shows.
    """
    extension = MATCHED.get(str(each.get("pattern")))
    if extension == stix.TEMPLATE:
        return frozenset({Family.CONTENT})
    if extension is not None:
        return frozenset(families[name] for name in traits_needed([each]) if name in families)
    try:
        asked = names(parse(str(each.get("pattern"))))
    except PatternError:
        return frozenset(Family)
    return frozenset(Family.NETWORK if name == ADDRESS else Family.SOFTWARE for name in asked)
