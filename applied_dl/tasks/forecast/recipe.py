"""The recipe of a forecaster."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Card, Export, Section, Tune, about


class Data(Section, frozen=True, kw_only=True):
    source: about(
        str, 'built-in "co2", "sunspots", "elnino" or "macro", or a CSV/Parquet: wide, long (series, time, value) or a row for each series'
    ) = "co2"
    train: about(str | None, "training file; with it, the files are used exactly as given") = None
    validation: about(str | None, "validation file: the steps that follow the training file") = None
    test: about(str | None, "test file: the steps that follow") = None
    target: about(
        str | tuple[str, ...] | None,
        "column(s) to forecast; by default all numeric columns that are not flags, row numbers, dates or covariates",
    ) = None
    layout: about(
        str | None, "wide (a column for each series), long (a row for each value) or rows (a row for each series); by default detected"
    ) = None
    time: about(str | None, "time column; by default detected by its values") = None
    series: about(str | tuple[str, ...] | None, "column(s) that name the series of a long file; by default detected if times repeat") = None
    past_covariates: about(str | tuple[str, ...], "columns known up to now only") = ()
    future_covariates: about(str | tuple[str, ...], "columns known ahead, over the horizon too") = ()
    static_covariates: about(str | tuple[str, ...], "columns that are constant per series") = ()
    calendar: about(
        bool | None,
        "give the model hour, weekday and day of the year of every future step; by default hour and weekday with future_covariates, "
        "on steps shorter than a day",
    ) = None
    split: about(tuple[float, float, float], "shares of train, validation and test, in time order") = (0.6, 0.2, 0.2)
    rows: about(int | None, "use only the first rows (time steps) of the file", ge=3) = None
    horizon: about(int | None, "steps to forecast; by default chosen from the frequency", ge=1) = None
    lookback: about(int | None, "steps of history the model sees; by default 512, or fewer if the data is short", ge=1) = None
    test_horizons: about(int | None, "panels: the last n horizons of every series are the test", ge=1) = None
    season: about(int | None, "steps of the main season; by default from the frequency", ge=1) = None
    frequency: about(str | None, 'step between rows, e.g. "15min", "h", "d", "b", "w", "m", "q", "y"; inferred by default') = None
    duplicates: about(str, "several values at one time: mean, sum, last or refuse") = "mean"
    irregular: about(
        str | None,
        "times off the grid: refuse, or resample (the values of each step of `frequency`, combined as `duplicates` says); by default "
        "resample, with a warning, where `frequency` is given",
    ) = None
    gaps: about(str, "missing values: fill (season and line, reported, never scored) or refuse") = "fill"
    in_memory: about(
        bool | None,
        "false reads a long panel (Parquet, data.series) some series at a time, into arrays on disk; by default so from 10 M rows on",
    ) = None
    separator: about(
        str | None, 'between the cells of a CSV, or "whitespace" for any number of spaces; by default detected in its first lines'
    ) = None
    header: about(bool | None, "whether line 1 of a CSV names the columns; by default detected") = None
    decimal: about(Literal[".", ","] | None, "decimal mark of a CSV; by default detected in the cells") = None
    max_missing: about(float, "largest share of missing values a series may have", ge=0, le=1) = 0.4


class Model(Section, frozen=True, kw_only=True):
    name: about(
        str | None,
        "ridge, ets (exponential smoothing, Theta), blend, panel, linear, nlinear, dlinear, rlinear, cyclenet, simple_rnn, gru, lstm, "
        "seq2seq, tcn, tsmixer, tide, patchtst, itransformer or nbeats; by default chosen from the data",
    ) = None
    preset: about(str, "fast, default or best") = "default"
    normalize: about(str | None, "per window: last, mean, revin or none (undone in the graph)") = None
    units: about(int | None, "width of the hidden layers", ge=0) = None
    layers: about(int | None, "hidden layers or blocks", ge=1) = None
    patch: about(int | None, "steps per patch of recurrent and patched models; 1 is the textbook form", ge=1) = None
    dropout: about(float | None, "dropout of the hidden layers", ge=0, lt=1) = None
    cycle: about(int | None, "length of the learned cycle of cyclenet; the season by default", ge=2) = None
    members: about(tuple[str, ...] | None, "models of a blend; each is weighed on validation") = None
    difference: about(bool, "forecast the differences between values and sum them in the graph") = False


class Train(sections.Train, frozen=True, kw_only=True):
    refit: about(bool | None, "once the scores are measured, fit the exported model again on all rows; by default") = None


class Calibration(Section, frozen=True, kw_only=True):
    coverage: about(float, "share of true values the interval should contain", gt=0, lt=1) = 0.9
    quantiles: about(
        tuple[float, ...],
        "quantiles to forecast; others than these set the interval (its limits are the outer two) and are given one by one",
    ) = (0.05, 0.5, 0.95)


class Predict(Section, frozen=True, kw_only=True):
    non_negative: about(bool | None, "cut forecasts at zero, but of a history with negative values; by default if no training value is") = (
        None
    )


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "forecast"
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    train: Train = field(default_factory=Train)
    calibration: Calibration = field(default_factory=Calibration)
    predict: Predict = field(default_factory=Predict)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.target",
    "data.time",
    "data.series",
    "data.future_covariates",
    "data.horizon",
    "data.lookback",
    "model.preset",
    "model.name",
    "calibration.coverage",
)
