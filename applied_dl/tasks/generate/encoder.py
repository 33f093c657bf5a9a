"""What a generator's bundle knows without TensorFlow: how requests become latents, and how arrays become images or cells of a table."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct, field

from applied_dl.core import encoder_files as stored

ABSENT = 0  # code of an empty cell
SCORER = "scorer.npz"


class Column(Struct, frozen=True, kw_only=True):
    """A column of a table.

    Attributes:
        name: of the column.
        kind: "number", "moment", "category", "key" (every cell another one: made anew) or "empty".
        dtype: of the cells: "text", "int", "float", "bool", "date", "datetime".
        levels: the texts of a category.
        knots: of each interval of numbers, whose codes count from 1: the values at equal shares of its rows, minus `origin`.
        origin: subtracted from the numbers, so that float32 holds them.
        decimals: digits after the point; of a moment the seconds that all of them are multiples of, 0 for fractions.
        style: how the cells write numbers ("plain", "comma", …) or moments.
        before, after: what surrounds every number or time, such as "$", " kg" or "Z".
        holes: whether training cells are empty; where none is, none is made.
        first: kind "key": the next number; its texts begin with `prefix`.
    """

    name: str
    kind: str
    dtype: str = "text"
    levels: tuple[str, ...] = ()
    knots: tuple[tuple[float, ...], ...] = ()
    origin: float = 0.0
    decimals: int = 0
    style: str = "plain"
    before: str = ""
    after: str = ""
    holes: bool = True
    first: int = 1
    prefix: str = ""

    @property
    def size(self) -> int:
        """How many codes it has, with that of an empty cell."""
        return 1 + (len(self.levels) if self.kind == "category" else len(self.knots))

    def values(self, codes: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(N,) numbers minus the origin, by codes (N,) and places (N,) of 0..1 in their intervals; of a category its codes."""
        if self.kind == "category":
            return codes.astype(np.float64)
        knots = np.array(self.knots)
        row = np.clip(codes - 1, 0, len(knots) - 1)
        at = np.clip(places.astype(np.float64), 0, 1) * (knots.shape[1] - 1)
        left = np.minimum(at.astype(np.int64), knots.shape[1] - 2)
        low, high = knots[row, left], knots[row, left + 1]
        return np.where(codes == ABSENT, 0.0, low + (at - left) * (high - low))


class Form(Struct, frozen=True, kw_only=True):
    """The fitted state that `encoder.json` holds.

    Attributes:
        latent: how many random numbers make an image or a row.
        noise: their distribution: "normal", or "uniform" in 0..1.
        labels: the classes that may be asked for; empty where images are made without.
        shares: of the labels among the training images, from which a label that is left open is drawn.
        height, width, channels: of the images; 0 for tables.
        columns: of the table, in its order; those that are learned come in this order in the graph.
    """

    latent: int
    noise: str = "normal"
    labels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    height: int = 0
    width: int = 0
    channels: int = 0
    columns: tuple[Column, ...] = ()

    @property
    def learned(self) -> tuple[Column, ...]:
        """The columns that the graph makes."""
        return tuple(column for column in self.columns if column.kind in ("number", "moment", "category"))


class GenerateEncoder(Struct, kw_only=True):
    """The form, and what the scores of images need besides.

    Attributes:
        form: all that is needed to make images or rows.
        scorer: weights of the classifier in whose features images are compared.
        compare, trunk: the scorers themselves (`tasks.generate.features.Scorer`), once they are built; not written.
    """

    form: Form
    scorer: dict[str, np.ndarray] = field(default_factory=dict)
    compare: Any = None
    trunk: Any = None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.form.labels


class Request(Struct, frozen=True, kw_only=True):
    """One image or row that is asked for: the same seed, number and label give the same one."""

    seed: int = 0
    number: int = 0
    label: str | None = None


def latents(form: Form, requests: list[Request]) -> np.ndarray:
    """(N, latent) float32, each row a function of its request's seed and number alone."""
    rows = np.empty((len(requests), form.latent), np.float32)
    for row, request in zip(rows, requests):
        random = np.random.default_rng([request.seed, request.number])
        row[:] = random.random(form.latent, np.float32) if form.noise == "uniform" else random.standard_normal(form.latent, np.float32)
    return rows


def codes_of(form: Form, requests: list[Request]) -> np.ndarray:
    """(N,) int32 codes of the labels; one that is left open is drawn by the training shares."""
    place = {label: i for i, label in enumerate(form.labels)}
    ends = np.cumsum(form.shares)

    def drawn(request: Request) -> int:
        return min(int(np.searchsorted(ends, np.random.default_rng([request.seed, request.number, 1]).random())), len(ends) - 1)

    return np.array([drawn(one) if one.label is None else place[one.label] for one in requests], np.int32)


def inputs_of(form: Form, requests: list[Request]) -> dict[str, np.ndarray]:
    """Inputs of the graph."""
    found = {"latent": latents(form, requests)}
    return found | {"label": codes_of(form, requests)} if form.labels else found


def pixels(image: np.ndarray) -> np.ndarray:
    """The graph's images (…, C) in 0..255 as uint8."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def rows_frame(form: Form, codes: np.ndarray, places: np.ndarray, first: int = 0) -> pl.DataFrame:
    """Cells of the table.

    Args:
        form: the fitted state.
        codes: (N, F) int32 of the learned columns; 0 is an empty cell.
        places: (N, F) float32: where in its interval a number lies.
        first: the number of the first row, by which keys go on.
    """
    place = {column.name: i for i, column in enumerate(form.learned)}
    found: list[pl.Series] = []
    for column in form.columns:
        if column.kind == "empty":
            found.append(pl.Series(column.name, [None] * len(codes), dtype=pl.String))
        elif column.kind == "key":
            numbers = column.first + first + np.arange(len(codes))
            found.append(pl.Series(column.name, numbers if column.dtype == "int" else [f"{column.prefix}{n}" for n in numbers]))
        else:
            at = place[column.name]
            cells = cells_of(column, codes[:, at], places[:, at])
            found.append(pl.Series(column.name, cells, dtype=_TYPES[column.dtype], strict=False))
    return pl.DataFrame(found)


_TYPES: dict[str, Any] = {
    "text": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "date": pl.Date, "datetime": pl.Datetime("us"),
}  # fmt: skip


def cells_of(column: Column, codes: np.ndarray, places: np.ndarray) -> list[Any]:
    """The cells of a learned column by codes and places (N,); None where it is empty."""
    values = column.values(codes, places)
    if column.kind == "category":
        made: list[Any] = [None if code == ABSENT else column.levels[min(code, len(column.levels)) - 1] for code in codes.tolist()]
        return [None if cell is None else cell == "true" for cell in made] if column.dtype == "bool" else made
    numbers = values + column.origin
    if column.kind == "moment":
        unit = column.decimals or 1e-6
        made = [_moment(column, number) for number in (np.round(numbers / unit) * unit).tolist()]
        return [None if code == ABSENT else cell for code, cell in zip(codes.tolist(), made)]
    numbers = np.round(numbers, column.decimals) + 0.0  # no -0
    if column.dtype == "int":
        made = [int(number) for number in numbers.tolist()]
    elif column.dtype == "float":
        made = numbers.tolist()
    else:
        made = [f"{column.before}{written(number, column.decimals, column.style)}{column.after}" for number in numbers.tolist()]
    return [None if code == ABSENT else cell for code, cell in zip(codes.tolist(), made)]


def written(number: float, decimals: int, style: str) -> str:
    """A number as the column writes it: "1234.5" plain, "1,234.5" thousands, "1234,5" comma."""
    text = f"{number:{',' if style == 'thousands' else ''}.{max(decimals, 0)}f}"
    return text.replace(".", ",") if style == "comma" else text


def _moment(column: Column, seconds: float) -> Any:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    if column.dtype == "datetime":
        return moment
    if column.dtype == "date":
        return moment.date()
    return moment.strftime(column.style.replace("%.f", "")) + column.after


def save(encoder: GenerateEncoder, folder: Path) -> None:
    """Write `encoder.json`, and `scorer.npz` where there is a classifier."""
    stored.save(encoder.form, folder)
    if encoder.scorer:
        np.savez(Path(folder) / SCORER, **encoder.scorer)


def load(folder: Path) -> GenerateEncoder:
    """Read `encoder.json`, all that predictions need. Raises `DataError` where it is damaged."""
    return GenerateEncoder(form=stored.read(Form, folder))


def load_with_scorer(folder: Path) -> GenerateEncoder:
    """Read `scorer.npz` too."""
    encoder, path = load(folder), Path(folder) / SCORER
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            encoder.scorer.update({name: file[name] for name in file.files})
    return encoder
