"""Numbers and scores as people read them: rounded to what their interval supports, with units, and in sentences."""

from __future__ import annotations

import math

from applied_dl.core.bundle import Manifest

ERRORS = {"rmse": "root mean squared error", "mae": "mean absolute error", "mse": "mean squared error"}


def rounded(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """The value with the digits that its 95% interval supports, or with four significant digits without an interval.

    Example:
        >>> rounded(54.3243, (46.51, 61.73)), rounded(0.99446, (0.98, 0.9985)), rounded(31763.4)
        ('54', '0.994', '31,760')
    """
    if value is None or not math.isfinite(value):
        return "—"
    half = (interval[1] - interval[0]) / 2 if interval else 0.0
    if half > 0 and math.isfinite(half):
        return _decimals(value, math.ceil(-math.log10(half / 2)))
    return _significant(value, 4)


def interval_text(interval: tuple[float, float] | None) -> str:
    """`46 to 62`, or an empty text without an interval.

    Example:
        >>> interval_text((46.51, 61.73))
        '47 to 62'
    """
    if interval is None or not all(end is not None and math.isfinite(end) for end in interval):
        return ""
    low, high = (rounded(end, interval) for end in interval)
    return f"{low} to {high}"


def percent(share: float | None, interval: tuple[float, float] | None = None) -> str:
    """A share in percent.

    Example:
        >>> percent(0.99446, (0.98, 0.9985)), percent(0.5)
        ('99.4%', '50%')
    """
    if share is None or not math.isfinite(share):
        return "—"
    if interval is None:
        return f"{_significant(100 * share, 3)}%"
    return f"{rounded(100 * share, (100 * interval[0], 100 * interval[1]))}%"


def percent_interval(interval: tuple[float, float] | None) -> str:
    """`98.0 to 99.8%`, or an empty text without an interval.

    Example:
        >>> percent_interval((0.98, 0.99848))
        '98.0 to 99.8%'
    """
    text = interval_text(interval and (100 * interval[0], 100 * interval[1]))
    return f"{text}%" if text else ""


def size(count: int) -> str:
    """Bytes in the unit that a file manager shows.

    Example:
        >>> size(12_520), size(8_197_272), size(0)
        ('12.5 kB', '8.2 MB', '—')
    """
    if not count:
        return "—"
    if count < 1e6:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def milliseconds(value: float | None) -> str:
    """Two significant digits.

    Example:
        >>> milliseconds(0.00788), milliseconds(24.9), milliseconds(None)
        ('0.0079', '25', '—')
    """
    return "—" if value is None or not math.isfinite(value) else _significant(value, 2)


def drop_text(drop: float | None, bounded: bool) -> str:
    """How much worse a file is than Keras: a difference for metrics between 0 and 1 (`bounded`), percent of an error otherwise.

    Example:
        >>> drop_text(0.0019, True), drop_text(-2.5e-09, False), drop_text(0.00197, False), drop_text(1401.0, False)
        ('0.0019 worse', 'same', '0.2% worse', '140,000% worse')
    """
    if drop is None or not math.isfinite(drop):
        return "—"
    if abs(drop) < 5e-5:
        return "same"
    amount = _significant(abs(drop), 2) if bounded else f"{_significant(100 * abs(drop), 2)}%"
    return f"{amount} {'worse' if drop > 0 else 'better'}"


def score_sentence(manifest: Manifest, noun: str, unit: str = "") -> str:
    """The test score of a model in a sentence, for the metrics that many tasks share.

    Args:
        manifest: of the bundle.
        noun: what the test rows are, such as "images".
        unit: of the target, such as its column's name; for errors.
    """
    main, test, intervals = manifest.main, manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    value, interval = test.get(main), intervals.get(main)
    ends = f" (95% interval {interval_text(interval)})" if interval_text(interval) else ""
    count = manifest.rows.get("test")
    rows = f"{count:,} held-out {noun}" if count else f"the held-out {noun}"
    if value is None:
        return f"The score on {rows} is not a number: {main} could not be computed."
    if main == "accuracy":
        ends = f" (95% interval {percent_interval(interval)})" if ends else ""
        return f"**{percent(value, interval)} of {rows} are predicted correctly**{ends}."
    if main in ERRORS:
        of = f" of {unit}" if unit else ""
        more = [f"its mean absolute error is {rounded(test['mae'], intervals.get('mae'))}"] if main == "rmse" and "mae" in test else []
        if test.get("r2") is not None:
            more.append(f"it explains {percent(max(0.0, test['r2'] or 0.0))} of the variance")
        if test.get("coverage") is not None:
            more.append(f"its prediction intervals contain {percent(test['coverage'])} of the true values")
        tail = "; " + ", and ".join(", ".join(more).rsplit(", ", 1)) if more else ""
        return f"On {rows} the **{ERRORS[main]}{of} is {rounded(value, interval)}**{ends}{tail}."
    if main == "r2":
        of, ends = f" of {unit}" if unit else "", ends.replace("interval", "interval of r2")
        return f"On {rows} the model **explains {percent(max(0.0, value))} of the variance{of}**{ends}."
    return f"On {rows} the **{main} is {rounded(value, interval)}**{ends}."


def answers_sentence(manifest: Manifest) -> str:
    """What the label sets and the distance measured on the test rows, in words; empty where the files have neither."""
    test, intervals = manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    calibration, parts = manifest.recipe.get("calibration", {}), []
    covered, count, alarms = (test.get(name) for name in ("set_coverage", "set_size", "false_alarms"))
    if covered is not None and count is not None:
        share, labels = percent(covered, intervals.get("set_coverage")), rounded(count, intervals.get("set_size"))
        labels += " label" if labels == "1" else " labels"
        stated = f"{100 * calibration.get('coverage', 0.9):.3g}%"
        each = " of each label" if calibration.get("sets") == "by_class" else ""
        least = test.get("lowest_set_coverage")
        lowest = (
            ""
            if least is None
            else f" Of the labels with 20 test rows or more, the one that is covered least is in the set of {percent(least)} of its rows."
        )
        parts.append(
            f"Its label sets, made for {stated}{each}, hold the true label of {share} of the test rows, with {labels} on average.{lowest}"
        )
    if alarms is not None:
        stated = f"{100 * calibration.get('false_alarms', 0.02):.3g}%"
        parts.append(
            f"It warns of inputs unlike the training data: {percent(alarms)} of the test rows are reported, {stated} was to be expected."
        )
        if manifest.chosen is not None and manifest.chosen.variant == "int8":
            parts.append("`model.tflite` is full int8: its distance ends where that of its calibration rows ends, so it warns of little.")
    return " ".join(parts)


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    return _decimals(value, digits - 1 - math.floor(math.log10(abs(value))), trim=True)


def _decimals(value: float, decimals: int, trim: bool = False) -> str:
    text = f"{round(value, decimals) + 0.0:,.{max(0, decimals)}f}"
    return text.rstrip("0").rstrip(".") if trim and "." in text else text
