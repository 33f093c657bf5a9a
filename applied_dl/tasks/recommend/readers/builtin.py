"""Two small sets of events that are made here from a seed, so that they may be shared freely: people with planted tastes.

Every item has a style and a popularity; every person likes a few of the styles, and drifts a little over the months. "tastes" are events
(who heard what, when), "stars" are ratings from 1 to 5 by the same people. Because the tastes are planted, a model must find them: two
items of a style are liked by the same people.
"""

from __future__ import annotations

import numpy as np

BUILT_IN = ("tastes", "stars")
STYLES = ("jazz", "folk", "metal", "techno", "opera", "samba", "blues", "punk", "soul", "indie")
PER_STYLE, PEOPLE, EVENTS = 24, 600, 24
SEED = 20240229
START = 1_704_067_200  # 2024-01-01
YEAR = 366 * 86400
CLOSE = 4.5  # how much more likely an item of a liked style is than another
NOISE = 0.75  # standard deviation of a rating about what the person and the item explain


def built_in(name: str) -> dict[str, list]:
    """The columns user, item and time, and for "stars" also rating.

    Example:
        >>> events = built_in("tastes")
        >>> events["item"][0].split()[0] in STYLES
        True
    """
    random = np.random.default_rng(SEED)
    items = [f"{style} {i + 1:02d}" for style in STYLES for i in range(PER_STYLE)]
    style = np.repeat(np.arange(len(STYLES)), PER_STYLE)
    popularity = -0.8 * np.log(1 + random.permutation(len(items)) % PER_STYLE)
    quality = random.normal(0, 0.45, len(items))
    columns: dict[str, list] = {"user": [], "item": [], "time": []} | ({"rating": []} if name == "stars" else {})
    for person in range(PEOPLE):
        likes = random.dirichlet(np.full(len(STYLES), 0.25))
        count = 5 + int(random.gamma(2.0, (EVENTS - 5) / 2))
        shown = CLOSE * np.sqrt(likes[style]) * (name == "tastes") + 1.5 * likes[style] + popularity
        chosen = np.argsort(-(shown + random.gumbel(size=len(items))), kind="stable")[:count]
        times = np.sort(random.integers(0, YEAR, count)) + START
        mood = random.normal(0, 0.4)
        rating = 2.4 + mood + quality[chosen] + 2.4 * np.sqrt(likes[style[chosen]]) + random.normal(0, NOISE, count)
        order = random.permutation(count)
        columns["user"] += [f"user{person + 1}"] * count
        columns["item"] += [items[i] for i in chosen[order]]
        columns["time"] += times.tolist()
        if name == "stars":
            columns["rating"] += np.clip(np.rint(rating[order]), 1, 5).astype(int).tolist()
    return columns
