"""Which safeguards a copy lost: a refusal judge, its errors corrected for, and paired comparison."""

from stillwatch.lineage.safeguards.compare import Group, compare
from stillwatch.lineage.safeguards.correction import Rate, calibrated, prediction_powered, rogan_gladen
from stillwatch.lineage.safeguards.paired import Paired, compare_refusals
from stillwatch.lineage.safeguards.refusal import refusal_probability

__all__ = [
    "Group",
    "Paired",
    "Rate",
    "calibrated",
    "compare",
    "compare_refusals",
    "prediction_powered",
    "refusal_probability",
    "rogan_gladen",
]
