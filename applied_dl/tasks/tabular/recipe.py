"""The recipe of a tabular model, regression or classification."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Answers, Card, Export, Section, Tune, about

Net = Literal["linear", "waves", "trees", "kernel", "mlp", "resnet", "tabm", "realmlp", "retrieval"]
Name = Literal["linear", "waves", "trees", "kernel", "mlp", "resnet", "tabm", "realmlp", "retrieval", "ensemble"]


class Data(Section, frozen=True, kw_only=True):
    source: about(
        str,
        'built-in "diabetes", "breast_cancer" or "wine"; a CSV, TSV, Excel, OpenDocument, Parquet or JSONL file; or sqlite:///FILE?TABLE',
    ) = "diabetes"
    train: about(str | None, "training file; with it, the files are used exactly as given") = None
    validation: about(str | None, "validation file") = None
    test: about(str | None, "test file") = None
    target: about(
        str | tuple[str, ...] | None,
        "column to predict, or a list of columns of numbers; a column named target, label, class or y, or else the last one",
    ) = None
    kind: about(Literal["regression", "classification"] | None, "by default decided by the values of the target") = None
    split: about(tuple[float, float, float], "shares of train, validation and test") = (0.64, 0.16, 0.2)
    group: about(str | None, "column whose equal values stay in one part (patients, customers); not a feature") = None
    order: about(str | None, "column of times or numbers: the first rows train, the last ones test; not a feature") = None
    numeric: about(tuple[str, ...], "columns to read as numbers, whatever they look like") = ()
    categorical: about(tuple[str, ...], "columns to read as categories, whatever they look like") = ()
    ignore: about(tuple[str, ...], "columns to leave out") = ()
    separator: about(
        str | None, 'between the cells of a CSV, or "whitespace" for any number of spaces; by default detected in its first lines'
    ) = None
    header: about(bool | None, "whether line 1 of a CSV names the columns; if not, they are column_1, column_2, …") = None
    decimal: about(Literal[".", ","] | None, "decimal mark of a CSV; by default detected in the cells") = None
    in_memory: about(
        bool | None,
        "false reads a file in batches and trains from arrays on disk; by default so from 512 MB of text on, or 20 M cells of Parquet",
    ) = None
    sample_rows: about(
        int, "rows of such a file from which columns, levels and bins are learned; some of them validate and test", ge=1000
    ) = 200_000
    sheet: about(str | None, "sheet of a workbook; needed if more than one holds data") = None


class Preprocess(Section, frozen=True, kw_only=True):
    scale: about(Literal["robust", "standard", "quantile"] | None, "robust (with a smooth clip), standard or quantile") = None
    numeric_embedding: about(
        Literal["target_bins", "quantile_bins", "periodic", "plain"] | None,
        "embedding of numbers: piecewise-linear over bins, periodic, or none",
    ) = None
    bins: about(int, "maximum number of bins of a piecewise-linear embedding", ge=2, le=256) = 48
    embedding: about(int | None, "width of the embedding of a number", ge=1) = None
    pairwise_bins: about(
        bool | None, "bins also for the sum and difference of each numeric column and the column it correlates with most"
    ) = None
    components: about(int | None, "replace the numbers by this many whitened principal components", ge=1) = None
    one_hot: about(int, "categories with at most this many levels are one-hot encoded, larger ones are embedded", ge=0) = 9
    target: about(Literal["plain", "log"] | None, "scale on which a number is learned; by default log if it spans orders of magnitude") = (
        None
    )
    balance: about(Literal["none", "over", "under"], "rare classes: repeat their rows, or drop rows of the common ones") = "none"


class Model(Section, frozen=True, kw_only=True):
    name: about(
        Name | None,
        "linear, waves, trees, kernel, mlp, resnet, tabm, realmlp, retrieval or ensemble; by default chosen by the size of the table",
    ) = None
    preset: about(
        Literal["fast", "default", "best"],
        "mlp, tabm (for small tables a blend of linear, waves, trees and kernel), or an ensemble with several tabm",
    ) = "default"
    members: about(
        tuple[Net, ...] | None,
        "models of an ensemble, weighted on validation rows; without gradient steps (linear, waves, trees, kernel) on cross-validated rows",
    ) = None
    width: about(int | None, "units of the hidden layers", ge=1) = None
    depth: about(int | None, "hidden layers or blocks", ge=1) = None
    heads: about(int | None, "members that tabm trains as one net", ge=1) = None
    memory: about(
        int | None,
        "maximum number of training rows that retrieval stores in the file; if set, the preset best has such a member; "
        "0: no member that stores training rows, so no kernel",
        ge=0,
    ) = None
    activation: about(str | None, "relu, selu, mish, gelu, elu, leaky_relu, tanh, sigmoid, softplus, bru, maxout, …") = None
    dropout: about(float | None, "dropout of the hidden layers", ge=0, lt=1) = None


class Train(sections.Train, frozen=True, kw_only=True):
    refit: about(
        bool | None, "once the scores are measured, fit the exported model again to all rows; by default if it takes no gradient steps"
    ) = None


class Calibration(Answers, frozen=True, kw_only=True):
    quantiles: about(tuple[float, float, float], "learned with train.loss = quantile: low, middle, high") = (0.05, 0.5, 0.95)
    temperature: about(bool, "temperature scaling: calibrate the probabilities on validation rows") = True
    threshold: about(
        Literal["f1", "accuracy", "balanced_accuracy"] | None,
        "two classes: predict the second from the probability where this (f1: of the rarer class) is best on validation",
    ) = None


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "tabular"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    train: Train = field(default_factory=Train)
    calibration: Calibration = field(default_factory=Calibration)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.target",
    "data.kind",
    "data.split",
    "data.group",
    "data.order",
    "data.ignore",
    "model.preset",
    "train.epochs",
    "train.seed",
)
