"""Sentences to vectors: a static table by default, a Transformer, or a pretrained encoder; labelled texts get a classifier too."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from applied_dl.core.builders import call
from applied_dl.core.metrics import classification as metric
from applied_dl.core.metrics.answers import with_answers
from applied_dl.core.metrics.embedding import linear_probe, score_pairs
from applied_dl.core.metrics.intervals import bootstrap, bootstrap_mean, wilson
from applied_dl.core.records import Fitted, Part, Prepared, Scores, Slice
from applied_dl.exporting.answers import with_distance, with_sets
from applied_dl.exporting.serving import Serving
from applied_dl.report import plots as draw
from applied_dl.report.figures import BLUE, GREY, figure
from applied_dl.tasks.sentences.baselines import sentence_baselines
from applied_dl.tasks.sentences.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.sentences.defaults import resolve_sentences, smaller_models
from applied_dl.tasks.sentences.encoder import SubwordEncoder, pieces
from applied_dl.tasks.sentences.encoder import load as load_encoder
from applied_dl.tasks.sentences.encoder import save as save_encoder
from applied_dl.tasks.sentences.fit.net import blended, class_model, fit_sentences
from applied_dl.tasks.sentences.readers.parts import TOGETHER, read_part
from applied_dl.tasks.sentences.readers.prepare import prepare_sentences
from applied_dl.text.bert_files import model_folder
from applied_dl.text.models.bert import pretrained
from applied_dl.text.models.static import raw_bytes, static
from applied_dl.text.models.transformer import transformer

BATCH = 512
CUT = 110  # characters of a text of the first batch
SHOWN = 30  # characters of a text on the map

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, remove the test sentences from training, split, tokenise; the tokenizer is trained on the training rows."""
    return prepare_sentences(recipe, cache)


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the number of pairs."""
    return resolve_sentences(recipe, prepared)


def build(recipe, prepared) -> keras.Model:
    """{"ids": (B, T)} (raw bytes: {"bytes": (B, T)}) → unit vectors (B, D)."""
    model, encoder = recipe.model, prepared.encoder
    if model.name == "static":
        options = {"dimensions": model.dimensions, "pooling": model.pooling}
        return call(static, options, encoder.vocabulary, padding=encoder.padding, seed=recipe.train.seed)
    if model.name == "bytes":
        return call(raw_bytes, {"dimensions": model.dimensions, "pooling": model.pooling}, encoder.length, seed=recipe.train.seed)
    if model.name == "pretrained":
        return call(pretrained, {"pooling": model.pooling, "dropout": model.dropout}, model_folder(model.weights), length=encoder.length)
    keys = ("width", "depth", "heads", "hidden", "dimensions", "positions", "pre_norm", "activation", "dropout", "pooling")
    options = {key: getattr(model, key) for key in keys}
    return call(transformer, options, encoder.vocabulary, length=encoder.length, padding=encoder.padding)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train by the recipe's objective. Vectors of several seeds live in different spaces, so there is no ensemble."""
    model = build(recipe, prepared)
    part, name = prepared.validation, prepared.encoder.input

    def evaluate() -> dict[str, float]:
        vectors = _vectors(model, part.inputs[name])
        if prepared.encoder.labels:
            return {"val_accuracy": linear_probe(vectors, part.target)}
        return {f"val_{key}": value for key, value in score_pairs(vectors, part.target, metrics_only=True).metrics.items()}

    return fit_sentences(recipe, prepared, trainer, "model", model, evaluate)


def serving(recipe, fitted, prepared) -> Serving:
    """Ids (or bytes) → {"vector"} of unit length, and {"probabilities"} for labelled texts."""
    encoder, model = prepared.encoder, fitted.model
    scored, share, linear = None, fitted.extra.get("share"), fitted.extra.get("linear")
    net = class_model(model, fitted.extra["classifier"], encoder) if "classifier" in fitted.extra else model
    if share:
        whole = blended(net, fitted.extra.get("refitted", linear), share, encoder)
        scored = blended(net, linear, share, encoder) if "refitted" in fitted.extra else None
    elif "classifier" in fitted.extra:
        whole = net
    else:
        entry = keras.Input(model.input[encoder.input].shape[1:], dtype="int32", name=encoder.input)
        outputs = {"vector": layers.Identity(dtype="float32", name="vector")(model({encoder.input: entry}))}
        whole = keras.Model({encoder.input: entry}, outputs, name="sentence_serving")
    if "probabilities" in whole.output_names:
        whole, scored = _with_answers(recipe, whole, scored, prepared)
    keep_index(recipe, prepared, lambda ids: np.asarray(whole.predict({encoder.input: ids}, batch_size=BATCH, verbose=0)["vector"]))
    return restore_serving(recipe, whole, encoder)._replace(scored=scored, unseen=prepared.state.explicit if scored else ())


def _with_answers(recipe, whole: keras.Model, scored: keras.Model | None, prepared) -> tuple[keras.Model, keras.Model | None]:
    """The serving graph of labelled texts, and the one that is scored, with label sets and the distance of the vector."""
    held = prepared.validation
    models = [whole] if scored is None else [scored, whole]
    p = np.asarray(models[0].predict(held.inputs, batch_size=BATCH, verbose=0)["probabilities"])
    models = with_sets(models, p, held.target, recipe.calibration)

    def measured(model: keras.Model) -> keras.Model:
        alarms, one = recipe.calibration.false_alarms, not prepared.encoder.multi_label
        return with_distance(model, model.output["vector"], prepared.train, held, alarms, classes=one)

    return measured(models[-1]), None if scored is None else measured(models[0])


def restore_serving(recipe, model: keras.Model, encoder: SubwordEncoder) -> Serving:
    """The serving graph with its class names."""
    return Serving(model, labels=tuple(encoder.labels) if "probabilities" in model.output_names else ())


def keep_index(recipe, prepared, vectors) -> None:
    """Store some training texts and their vectors in the encoder, for `predict --nearest`."""
    part, encoder = prepared.train, prepared.encoder
    if not recipe.predict.index:
        return
    rows = np.linspace(0, len(part) - 1, min(recipe.predict.index, len(part))).astype(np.int64)
    encoder.index["texts"] = [str(text) for text in part.extra["text"][rows]]
    encoder.index["vectors"] = vectors(part.inputs[encoder.input][rows])


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Rank correlation with scored pairs, retrieval of the other half of a pair, accuracy on labelled texts, F1 where they have several."""
    if not encoder.labels:
        return score_pairs(outputs["vector"], part.target, metrics_only)
    return with_answers(_score_labels(outputs, part.target, encoder, metrics_only), outputs, part.target, metrics_only)


def _score_labels(outputs, truth: np.ndarray, encoder, metrics_only: bool) -> Scores:
    if "probabilities" not in outputs:
        accuracy = linear_probe(outputs["vector"], truth)
        return Scores(
            main="accuracy", metrics={"accuracy": accuracy}, intervals={"accuracy": wilson(round(accuracy * len(truth)), len(truth))}
        )
    p = outputs["probabilities"]
    if encoder.multi_label:
        return _score_several(truth, p, encoder.labels, metrics_only)
    metrics = {"accuracy": metric.accuracy(truth, p), "f1": metric.f1(truth, p), "log_loss": metric.log_loss(truth, p)}
    metrics["probe_accuracy"] = linear_probe(outputs["vector"], truth)
    if metrics_only:
        return Scores(main="accuracy", metrics=metrics)
    best = p.argmax(1)
    right = int(np.sum(best == truth))
    rows = {name: truth == i for i, name in enumerate(encoder.labels)}
    slices = {name: Slice(value=float((best == truth)[at].mean()), rows=int(at.sum())) for name, at in rows.items() if at.any()}
    intervals = {"accuracy": wilson(right, len(truth)), "log_loss": bootstrap_mean(metric.row_log_loss(truth, p))}
    return Scores(main="accuracy", metrics=metrics, intervals=intervals, slices=slices)


def _score_several(truth: np.ndarray, p: np.ndarray, labels: tuple[str, ...], metrics_only: bool) -> Scores:
    """Macro F1 at 0.5 and mean average precision over labels (N, C), and the F1 of each label."""
    metrics = {
        "f1": metric.f1(truth, p), "map": metric.mean_average_precision(truth, p), "accuracy": metric.accuracy(truth, p),
        "log_loss": metric.log_loss(truth, p),
    }  # fmt: skip
    if metrics_only:
        return Scores(main="f1", metrics=metrics)
    slices = {
        name: Slice(value=metric.f1(truth[:, [i]], p[:, [i]]), rows=int(truth[:, i].sum()))
        for i, name in enumerate(labels)
        if truth[:, i].any()
    }
    intervals = {"f1": bootstrap(metric.f1, truth, p), "log_loss": bootstrap_mean(metric.row_log_loss(truth, p))}
    return Scores(main="f1", metrics=metrics, intervals=intervals, slices=slices)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """TF-IDF with and without SVD and the mean of random word vectors; the majority label and logistic regression for labelled texts."""
    return sentence_baselines(prepared, lambda outputs: score(recipe, outputs, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> dict[str, object]:
    """The curves, true pairs against others, similarity against the human score, and a map of some sentences."""
    history, test = fitted.history, prepared.test
    draw.training_curves(history.rows, folder / "training.png", history.monitor, history.best_epoch)
    vectors = outputs["vector"]
    if prepared.encoder.labels:
        if "probabilities" in outputs and not prepared.encoder.multi_label:
            best, labels = outputs["probabilities"].argmax(1), list(prepared.encoder.labels)
            draw.confusion(metric.confusion_matrix(test.target, best, len(labels)), labels, folder / "confusion.png")
    else:
        _draw_pairs(vectors, test.target, folder)
    _draw_map(vectors, [str(text) for text in test.extra["text"]], folder / "neighbourhood.png")
    return {"share of the n-gram classifier": fitted.extra["share"]} if "share" in fitted.extra else {}


def preview(recipe, prepared, path: Path) -> str:
    """The first training texts as the tokenizer splits them; no image is drawn."""
    rows = prepared.train.inputs[prepared.encoder.input][:3]
    return "\n         ".join(" ".join(pieces(prepared.encoder, row))[:CUT] for row in rows)


def load_labeled(recipe, encoder, source: str) -> Part:
    """Another source's pairs or labels through the fitted encoder."""
    return read_part(encoder, recipe.data, source)


def _vectors(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    (name,) = model.input
    return np.concatenate([np.asarray(model({name: ids[i : i + BATCH]})) for i in range(0, len(ids), BATCH)])


def _draw_pairs(vectors: np.ndarray, scores: np.ndarray, folder: Path) -> None:
    a, b, wanted = vectors[0::2], vectors[1::2], scores[0::2]
    cosine, scored = np.einsum("nd,nd->n", a, b), ~np.isnan(wanted)
    if scored.any():
        with figure(folder / "similarity.png") as axis:
            axis.scatter(wanted[scored], cosine[scored], s=8, alpha=0.4, color=BLUE, edgecolors="none")
            axis.set(xlabel="human score", ylabel="cosine", title="Similarity of held-out pairs")
    if (~scored).any():
        others = np.einsum("nd,nd->n", a[~scored], np.roll(b[~scored], len(b[~scored]) // 2, axis=0))  # distant in the text too
        edges = draw.edges(np.concatenate([others, cosine[~scored]]), 40)
        with figure(folder / "pairs.png") as axis:
            for values, name, colour in ((others, "two texts at random", GREY), (cosine[~scored], "true pairs", BLUE)):
                axis.hist(values, bins=edges, alpha=0.7, label=name, color=colour)
            axis.set(xlabel="cosine", ylabel="pairs", title="True pairs against others")
            axis.legend()


def _draw_map(vectors: np.ndarray, texts: list[str], path: Path, most: int = 48) -> None:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows = np.linspace(0, len(texts) // TOGETHER - 1, min(most, len(texts)) // TOGETHER).astype(int) * TOGETHER
    rows = np.unique(np.concatenate([rows + i for i in range(TOGETHER)]))  # pairs from all over the part
    if len(rows) < 8:
        return
    with threadpool_limits(1):  # so few points: threads would only wait for each other
        points = TSNE(2, perplexity=min(12, len(rows) / 4), init="pca", random_state=0).fit_transform(vectors[rows])
    names = [text if len(text) <= SHOWN else text[: SHOWN - 2] + "…" for text in (texts[i] for i in rows)]
    draw.neighbourhood(points, names, path, "Held-out texts (t-SNE)")


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
