"""Whole numbers that are codes, such as postal codes or shop numbers: rows of one value are alike, neighbouring values are not."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

LEVELS = 12, 1000  # fewest and most different codes; the bins of a number hold fewer values one by one
ROWS_PER_LEVEL = 4.0  # mean number of rows of a value
LEAST_ROWS = 3  # of a value that is compared
COMMONEST = 0.25  # most rows of one value, which zeros have and codes have not
GAIN = 0.02  # least share of the variance between the values
DEVIATIONS = 5.0  # of the F statistic above its mean
DISORDER = 0.6  # least ratio of von Neumann: 1 where neighbours are as different as any two values, near 0 where the order matters
MEASURED = frozenset(  # words in the names of numbers that are measured or counted, in the singular
    "age alter edad year yr jahr ano annee month monat week woche day tag hour stunde minute second time zeit duration dauer wait "  # noqa: SIM905
    "period income einkommen ingreso revenu price preis precio prix cost kosten salary wage pay rent amount betrag value wert sale "
    "revenue earning weight gewicht peso poid height hohe hoehe length lange laenge width breite depth size area flache distance "
    "frontage speed power temp temperature pressure volume rate share percent pct score point gpa sat gre iq ses experience exper exp "
    "tenure los count total sum mean avg average median max min number num anzahl seat bed room rpm hp mpg population pop education "
    "educ schooling".split()
)
LONG = 6  # letters of such a word that may be the beginning of another one: experiencek
CODES = frozenset(  # last words in the names of codes, whatever is coded: area_code, rate_id, store_number, but not number_of_rooms
    "code codes kode kod cod codigo id ids uuid key keys number numbers numero num no nr nummer type typ tipo zone category kind".split()  # noqa: SIM905
)
CODED = "id", "code", "cod", "codigo", "kod"  # first words of such names: cod_area
COMPOUND = "stelle", "nummer", "gruppe", "klasse", "code"  # ends of words that are such names: Kostenstelle


def is_measured(name: str) -> bool:
    """Whether a column is named like a quantity, such as `age` or `Year_Built`.

    The rows of a person or a house share it, so that each value has its own level of the target, as if it were a code. The code of a
    quantity, such as `area_code`, is none.

    Example:
        >>> [is_measured(name) for name in ("experience1", "schoolSES", "zip", "rate_code")]
        [True, True, False, False]
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)]
    if words and (words[-1] in CODES or words[-1].endswith(COMPOUND) or words[0] in CODED):
        return False
    long = tuple(word for word in MEASURED if len(word) >= LONG)
    return any(word in MEASURED or word.removesuffix("s") in MEASURED or word.startswith(long) for word in words)


def act_as_categories(values: np.ndarray, y: np.ndarray) -> bool:
    """Whether the target depends on the identity of whole numbers and not on their order.

    The means of the target by value must differ (analysis of variance), and the mean square difference of neighbouring means must be
    nearly that of any two means (von Neumann's ratio, 1941). Both are corrected for the noise of the means.

    Args:
        values: (N,) whole numbers without NaN.
        y: (N, K) targets, standardised or one-hot.
    """
    levels, code, count = np.unique(values, return_inverse=True, return_counts=True)
    n = len(values)
    if not LEVELS[0] <= len(levels) <= LEVELS[1] or n < ROWS_PER_LEVEL * len(levels) or count.max() > COMMONEST * n:
        return False
    mean = np.stack([np.bincount(code, column) for column in y.T], axis=1) / count[:, None]
    total, within = float(((y - y.mean(0)) ** 2).sum()), float(((y - mean[code]) ** 2).sum())
    free = len(levels) - 1, n - len(levels)
    if total <= 0 or free[1] < 1:
        return False
    noise = within / free[1]  # of one row
    explained = (total - within - free[0] * noise) / total
    f = (total - within) / free[0] / max(noise, 1e-12)
    if explained < GAIN or f < 1 + DEVIATIONS * np.sqrt(2 / free[0] + 2 / free[1]):
        return False
    kept = count >= LEAST_ROWS
    if kept.sum() < LEVELS[0]:
        return False
    means, error = mean[kept], float(np.mean(noise / count[kept]))
    between = float(means.var(0, ddof=1).sum()) - error
    neighbours = float(np.mean((np.diff(means, axis=0) ** 2).sum(1))) / 2 - error
    return between > 0 and neighbours > DISORDER * between
