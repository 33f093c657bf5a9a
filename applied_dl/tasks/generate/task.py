"""The generate task: new images, by class or without, and new rows of tables."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from threadpoolctl import threadpool_limits

from applied_dl.core.cache import cache_folder
from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.exporting.serving import Serving
from applied_dl.tasks.generate.baselines import image_baselines, row_baselines
from applied_dl.tasks.generate.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.generate.defaults import name_model, resolve_generate, smaller_models
from applied_dl.tasks.generate.encoder import GenerateEncoder, rows_frame, save
from applied_dl.tasks.generate.encoder import load_with_scorer as load_encoder
from applied_dl.tasks.generate.features import Scorer, fit_scorer, trunk_scorer
from applied_dl.tasks.generate.fit.methods import build_generator, fit_generator, sizes_of
from applied_dl.tasks.generate.models.columns import drawing_graph
from applied_dl.tasks.generate.models.rows import choosing_graph
from applied_dl.tasks.generate.plots import image_plots, row_plots
from applied_dl.tasks.generate.readers.images import prepare_images
from applied_dl.tasks.generate.readers.images import read_part as read_images
from applied_dl.tasks.generate.readers.tables import prepare_table, target_of
from applied_dl.tasks.generate.readers.tables import read_part as read_rows
from applied_dl.tasks.generate.scores import score_images, score_rows

PREVIEW = 32  # images

trained_by_keras = True
save_encoder = save


def prepare(recipe, cache: Path) -> Prepared:
    """Read and split images or a table; understand its columns on training rows."""
    recipe = name_model(recipe)
    return prepare_table(recipe) if recipe.model.name in ("autoregressive", "row_gan") else prepare_images(recipe, cache)


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the kind and the number of the examples."""
    return resolve_generate(recipe, prepared)


def build(recipe, prepared) -> keras.Model:
    """The untrained generator."""
    return build_generator(recipe, prepared)


def fit(recipe, prepared, trainer) -> Fitted:
    """Two nets that learn from each other, or one by maximum likelihood."""
    return fit_generator(recipe, prepared, trainer)


def serving(recipe, fitted, prepared) -> Serving:
    """Latent (and label) → "image" 0..255, or "codes" and "places" of a row."""
    _ensure_scorer(prepared.encoder, prepared.test, recipe.train.seed)
    form = prepared.encoder.form
    if not form.height:
        make = drawing_graph if recipe.model.name == "autoregressive" else choosing_graph
        firsts = tuple(int(not column.holes) for column in form.learned)  # a column without empty cells gets none
        return Serving(make(fitted.model, sizes_of(prepared), firsts))
    inputs = {"latent": keras.Input((form.latent,), name="latent")}
    if form.labels:
        inputs["label"] = keras.Input((), dtype="int32", name="label")
    image = layers.Rescaling(127.5, 127.5, name="levels")(fitted.model(inputs))
    image = layers.ReLU(max_value=255.0, name="image")(image)
    return restore_serving(recipe, keras.Model(inputs, {"image": image}, name="image_serving"), prepared.encoder)


def restore_serving(recipe, model: keras.Model, encoder: GenerateEncoder) -> Serving:
    """The serving graph as it was saved."""
    return Serving(model)


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """FID and accuracy of images, errors of pairs of columns of rows, with what else says how good they are."""
    form = encoder.form
    with threadpool_limits(1):  # the matrices are so small that BLAS threads would mostly wait for each other
        if not form.height:
            return score_rows(outputs, part, form, target_of(recipe.data.target, form), metrics_only)
        scorer = _ensure_scorer(encoder, part, recipe.train.seed)
        trunk = _trunk(encoder, part) if recipe.score.trunk and not metrics_only else None
        return score_images(outputs, part, form, scorer, metrics_only, trunk)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """Images: noise, the mean of the class, a Gaussian of principal components; rows: shuffled columns, a Gaussian copula."""
    make = image_baselines if prepared.encoder.form.height else row_baselines
    return make(prepared, recipe.train.seed, lambda outputs: score(recipe, outputs, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> dict:
    """Made beside real ones, the training, and the nearest training images or the shares of columns."""
    return (image_plots if prepared.encoder.form.height else row_plots)(prepared, fitted, outputs, folder)


def preview(recipe, prepared, path: Path) -> str:
    """The first training images, drawn to `path`, or the first rows as they are written again."""
    form, state = prepared.encoder.form, prepared.state
    if form.height:
        from applied_dl.report.grids import image_grid

        shown = np.asarray(state.pixels[:PREVIEW])
        names = [form.labels[code] for code in state.codes[:PREVIEW]] if form.labels else [""] * len(shown)
        image_grid(shown, names, path)
        return f"{len(shown)} training images, drawn in {path}"
    rows = rows_frame(form, state.codes[:3], state.places[:3]).rows()
    return "\n         ".join(", ".join("" if cell is None else str(cell) for cell in row)[:400] for row in rows)


def load_labeled(recipe, encoder: GenerateEncoder, source: str) -> Part:
    """Real images or rows of another source, beside which made ones are scored."""
    if encoder.form.height:
        return read_images(encoder.form, source, recipe.data, cache_folder())
    return read_rows(encoder.form, source, recipe.data)


def _ensure_scorer(encoder: GenerateEncoder, part: Part, seed: int) -> Scorer | None:
    """The scorer of an encoder; fitted on the training images that the part knows where the encoder has none yet."""
    form = encoder.form
    if not form.height:
        return None
    if encoder.compare is None:
        if not encoder.scorer:
            train = part.extra["train"]
            encoder.scorer.update(fit_scorer(form, train.pixels, train.codes, seed, cache_folder()))
        encoder.compare = Scorer(form, encoder.scorer)
    return encoder.compare


def _trunk(encoder: GenerateEncoder, part: Part) -> Scorer | None:
    """The scorer by the ImageNet trunk; None for a part that does not know the training images."""
    if encoder.trunk is None and "train" in part.extra:
        encoder.trunk = trunk_scorer(encoder.form, part.extra["train"].pixels)
    return encoder.trunk


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
