"""The recipe of the generate task: new images, or new rows of a table."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Card, Export, Section, Tune, about


class Data(Section, frozen=True, kw_only=True):
    source: about(
        str,
        'built-in images "digits"; a folder of images or of class folders (or a .zip of it); an .npz; or a table: a built-in one '
        '("wine"), CSV, TSV, Excel, Parquet, JSONL or sqlite:///FILE?TABLE',
    ) = "digits"
    train: about(str | None, "training part; with it, the parts are used exactly as given") = None
    validation: about(str | None, "validation part") = None
    test: about(str | None, "test part") = None
    split: about(tuple[float, float, float], "shares of train, validation and test") = (0.7, 0.1, 0.2)
    conditional: about(bool | None, "images: make them by class; by default where there are at least two class folders") = None
    image_size: about(tuple[int, int] | None, "images: height and width; by default their own, at most 64 pixels") = None
    channels: about(Literal[1, 3] | None, "images: 1 (grayscale) or 3 (RGB); by default as the images are") = None
    resize: about(str, 'images of another aspect ratio: "crop" to the middle, "stretch" or "pad"') = "crop"
    max_unreadable: about(float, "images: largest share that may be unreadable", ge=0, le=1) = 0.05
    target: about(str | None, "tables: the column that models trained on made rows are to predict, for the score; the last one") = None
    ignore: about(tuple[str, ...], "tables: columns to leave out") = ()
    categorical: about(tuple[str, ...], "tables: columns to read as categories, whatever they look like") = ()
    separator: about(str | None, "tables: between the cells of a CSV; by default detected") = None
    header: about(bool | None, "tables: whether line 1 of a CSV names the columns; by default detected") = None
    decimal: about(Literal[".", ","] | None, "tables: decimal mark; by default detected in the cells") = None
    sheet: about(str | None, "tables: sheet of a workbook; needed if more than one holds data") = None


class Preprocess(Section, frozen=True, kw_only=True):
    bins: about(int | None, "tables: most intervals of a column of numbers; by default by the number of rows", ge=2, le=512) = None
    levels: about(int | None, "tables: most levels of a column of texts that are learned one by one; 1000", ge=2, le=20_000) = None


class Model(Section, frozen=True, kw_only=True):
    name: about(
        Literal["residual", "dcgan", "autoregressive", "row_gan"] | None,
        "images: residual (R3GAN's form) or dcgan; tables: autoregressive (a column after the other) or row_gan",
    ) = None
    latent: about(int | None, "residual, dcgan, row_gan: random numbers from which an image or a row is made", ge=1, le=1024) = None
    width: about(int | None, "images: channels at half of the image's size; tables: units of the hidden layers", ge=4, le=1024) = None
    blocks: about(int | None, "residual: blocks of each stage", ge=1, le=8) = None
    dropout: about(float | None, "autoregressive: dropout of the hidden layers", ge=0, lt=1) = None


class Learn(Section, frozen=True, kw_only=True):
    gamma: about(float | None, "two nets: weight of the penalties on the critic's gradient (R1 and R2)", ge=0) = None


class Score(Section, frozen=True, kw_only=True):
    trunk: about(bool, "images with classes: score in the features of the shipped ImageNet trunk too, which takes longer") = False


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "generate"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    learn: Learn = field(default_factory=Learn)
    train: sections.Train = field(default_factory=sections.Train)
    score: Score = field(default_factory=Score)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.conditional",
    "data.image_size",
    "data.target",
    "data.ignore",
    "model.name",
    "model.width",
    "train.epochs",
    "train.seed",
)
