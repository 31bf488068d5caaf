"""Requests made up for the tests of cluster signals."""

from dataclasses import fields

import numpy as np

from stillwatch.schema.evidence import Activity

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 20_000 * DAY


def activity(account, time, **columns) -> Activity:
    """Requests in order of time; ``models`` names the models, every other column not given is missing."""
    order = np.argsort(time, kind="stable")
    rows = len(order)
    missing = dict.fromkeys(("prompt_hash", "template", "system_hash", "cues", "model", "session"), 0)
    made = {"accounts": tuple(f"a{i}" for i in range(int(max(account, default=-1)) + 1)),
            "models": columns.pop("models", ("old",)),
            "account": np.asarray(account, np.int32)[order],
            "time": START + np.asarray(time, np.int64)[order]}  # fmt: skip
    for field in fields(Activity):
        if field.name in made:
            continue
        if field.name in columns:
            made[field.name] = np.asarray(columns[field.name])[order]
        elif field.name == "sketch":
            made[field.name] = np.zeros((rows, 32), np.int8)
        else:
            made[field.name] = np.full(rows, missing.get(field.name, -1), np.int64)
    return Activity(**made)


def office(rng: np.random.Generator, accounts: int, days: int = 5, daily: float = 30.0) -> Activity:
    """Strangers who all keep the same office hours, each with bursts of its own."""
    account, time = [], []
    for one in range(accounts):
        size = max(1, int(daily * days * rng.lognormal(0, 0.5)))
        burst = rng.integers(0, days, size // 4 + 1) * DAY + np.clip(rng.normal(13, 2.5, size // 4 + 1), 0, 23) * HOUR
        moment = rng.choice(burst, size) + rng.exponential(120e6, size)
        account += [one] * size
        time += list(moment)
    return activity(account, np.array(time).astype(np.int64))


def topics(rng: np.random.Generator, topic: np.ndarray, noise: float = 30.0) -> np.ndarray:
    """Sketches of prompts about numbered topics."""
    centre = np.random.default_rng(99).normal(0, 60, (int(topic.max()) + 1, 32))
    return np.clip(centre[topic] + rng.normal(0, noise, (len(topic), 32)), -127, 127).astype(np.int8)
