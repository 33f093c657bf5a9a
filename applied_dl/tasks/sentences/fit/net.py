"""How a sentence encoder is trained: which texts meet in a batch, under which loss, by which engine."""

from __future__ import annotations

import keras
import msgspec
import numpy as np
from keras import layers, ops

from applied_dl.core import console
from applied_dl.core.errors import UsageError
from applied_dl.core.records import Fitted, History
from applied_dl.layers import draws
from applied_dl.layers.backend import JAX
from applied_dl.tasks.sentences.defaults import LIGHT
from applied_dl.tasks.sentences.encoder import MASK, SubwordEncoder
from applied_dl.tasks.sentences.fit.embedding_init import initialize_embedding, initialize_english, initialize_from_file
from applied_dl.tasks.sentences.fit.ids import stacked, token_ids, trimmed
from applied_dl.tasks.sentences.fit.linear import fit_linear, linear_share
from applied_dl.tasks.sentences.fit.pairs import held_out, pairs_of, teacher_pairs, times_shown
from applied_dl.tasks.sentences.fit.stored import stored_texts
from applied_dl.tasks.sentences.models.losses import Contrastive, MaskedTokens, SameSimilarities
from applied_dl.tasks.sentences.models.token_augment import mask_tokens, token_augmentation
from applied_dl.tasks.sentences.readers.groups import balanced
from applied_dl.text.models.static import on_word_ids
from applied_dl.text.models.transformer import classifier, masked_language_model
from applied_dl.text.subwords import english
from applied_dl.training.class_weights import class_weights
from applied_dl.training.losses import loss as named_loss
from applied_dl.training.source import resident
from applied_dl.training.transfer import fit_staged

FIRST_WORD = 3  # ids below are special


def fit_sentences(recipe, prepared, trainer, tag: str, model: keras.Model, evaluate) -> Fitted:
    """Train one encoder in place; `evaluate() -> metrics` scores its vectors on the validation part."""
    objective, settings = recipe.learn.objective, recipe.train
    if settings.epochs == 0 and recipe.model.name == "pretrained":  # as it is
        return Fitted(model, History())
    ids = token_ids(model, prepared.train, prepared.encoder)
    tokens = model if prepared.encoder.tokenizer else on_word_ids(model)
    if recipe.model.name in LIGHT:
        with trainer.preparing(1, 1):
            _initialize(recipe, prepared, model, ids)
    if settings.epochs == 0 and objective != "classification":
        return Fitted(model, History())
    if recipe.learn.pretrain and objective != "mlm":
        first = msgspec.structs.replace(settings, epochs=recipe.learn.pretrain)
        _fit_mlm(recipe, prepared, model, ids, first, trainer, f"{tag}-mlm")
    if objective == "mlm":
        history = _fit_mlm(recipe, prepared, model, ids, settings, trainer, tag)
    elif objective == "classification":
        return _fit_classes(recipe, prepared, tokens, model, ids, trainer, tag)
    else:
        history = _fit_vectors(recipe, prepared, tokens, model, ids, trainer, tag, evaluate)
    return Fitted(model, history)


def _initialize(recipe, prepared, model: keras.Model, ids: np.ndarray) -> None:
    """Initialise the table as `learn.init` says."""
    if recipe.learn.init == "english":
        initialize_english(model)
    elif recipe.learn.init in ("random", "svd"):
        initialize_embedding(model, ids, prepared.encoder.padding, recipe.learn.init, recipe.train.seed)
    else:
        initialize_from_file(model, ids, prepared.encoder, recipe.learn.init)


def _fit_vectors(recipe, prepared, tokens, model, ids, trainer, tag, evaluate) -> History:
    """Contrastive, SimCSE and distillation: a loss of vectors, by the row-sparse engine for a table and by Keras for the others.

    tokens: the layers of `model` that take token ids."""
    settings, padding = recipe.train, prepared.encoder.padding
    source, pick, sides = (
        pairs_of(recipe, prepared, ids) if recipe.learn.objective != "distillation" else teacher_pairs(recipe, prepared, ids)
    )
    nested = tuple(d for d in recipe.model.matryoshka or () if d < model.output_shape[-1])
    if recipe.learn.objective == "distillation":
        loss = SameSimilarities(recipe.learn.temperature, nested)
    else:
        loss = Contrastive(len(sides), recipe.learn.temperature, nested)
    change = token_augmentation(recipe.preprocess.augment, recipe.preprocess.strength, padding)

    def augment(inputs, target, seed):
        inputs, target = pick(inputs, target, seed)
        if change is None:
            return inputs, target
        seeds = draws.split(seed, len(sides) + 1)
        return {name: change(inputs[name], seeds[i + 1]) for i, name in enumerate(sides)}, target

    if recipe.model.name in LIGHT and (recipe.model.pooling or "mean") == "mean":
        known = evaluate()
        monitor = next(
            name for name in ("val_spearman", "val_accuracy", "val_mrr") if name in known
        )  # of the retrieval metrics the least noisy one
        strata = None
        if JAX:
            raise UsageError("train.backend = 'jax' has no meaning for a table of vectors, whose rows TensorFlow updates; remove it.")
        from applied_dl.tasks.sentences.fit.contrastive import fit_table

        if recipe.learn.objective == "contrastive" and not prepared.encoder.labels:
            strata = prepared.state.source[times_shown(prepared.state.rows)]
        return fit_table(
            model, source, settings, trainer, loss=loss, sides=sides, augment=augment, strata=strata, evaluate=evaluate, monitor=monitor,
            padding=padding, tag=tag,
        )  # fmt: skip
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in sides}
    vectors = [tokens({"ids": inputs[name]}) for name in sides]
    beside = keras.Model(inputs, layers.Concatenate(name="beside")(vectors) if len(vectors) > 1 else vectors[0])
    validation = held_out(recipe, prepared, model, sides) if recipe.learn.objective != "distillation" else None
    monitor = "val_loss" if validation else "loss"
    shared = {"loss": loss, "augment": augment, "monitor": monitor}
    return _fit_whole(beside, model, source, validation, settings, trainer, shared, tag, head=False)


def _fit_classes(recipe, prepared, tokens, model, ids, trainer, tag) -> Fitted:
    """Labeled texts: a net, where epochs are asked for, and the linear classifier, where the recipe says so."""
    fitted = Fitted(model, History())
    if recipe.train.epochs:
        fitted = _fit_net(recipe, prepared, tokens, model, ids, trainer, tag)
    if not recipe.model.ngrams:
        return fitted
    with trainer.preparing(1, 1):
        return _with_linear(recipe, prepared, fitted, ids)


def _fit_net(recipe, prepared, tokens, model, ids, trainer, tag) -> Fitted:
    """A linear head on the vector, trained together with the encoder (`tokens`: its layers on token ids)."""
    encoder, settings, stored = prepared.encoder, recipe.train, prepared.state.stored
    several, held, target = encoder.multi_label, prepared.validation, (stored or prepared.train).target
    weight = None if several else class_weights(target, encoder.labels, settings.class_weights)
    one_hot = (lambda target: target) if several else (lambda target: np.eye(len(encoder.labels), dtype=np.float32)[target])
    rows = _balanced_rows(recipe, encoder, target)
    if stored is None:
        source = resident({"ids": ids[rows]}, one_hot(target[rows]), None if weight is None else weight[rows])
    else:
        source = stored_texts(stored, encoder, None if recipe.data.balance == "none" else rows, weight)
    validation = resident({"ids": token_ids(model, held, encoder)}, one_hot(held.target))
    change = token_augmentation(recipe.preprocess.augment, recipe.preprocess.strength, encoder.padding)

    def augment(inputs, target, seed):
        rows = trimmed(inputs["ids"], encoder.padding)
        return {"ids": rows if change is None else change(rows, seed)}, target

    whole = classifier(tokens, len(encoder.labels), dropout=0.2 if recipe.model.name in LIGHT else 0.1)
    own = "binary_crossentropy" if several else "crossentropy"
    loss = named_loss(own if settings.loss == "own" else settings.loss, label_smoothing=settings.label_smoothing)
    accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0) if several else keras.metrics.CategoricalAccuracy("accuracy")
    shared = {"loss": loss, "metrics": (accuracy,), "augment": augment}
    history = _fit_whole(whole, model, source, validation, settings, trainer, shared, tag, head=True)
    return Fitted(model, history, {"classifier": whole})


def _balanced_rows(recipe, encoder: SubwordEncoder, target: np.ndarray) -> np.ndarray:
    return np.arange(len(target)) if encoder.multi_label else balanced(target, recipe.data.balance, recipe.train.seed)


def _with_linear(recipe, prepared, fitted: Fitted, ids: np.ndarray) -> Fitted:
    """The linear classifier, its share beside the net, and where the recipe says so its fit on all rows."""
    encoder, part = prepared.encoder, prepared.train
    rows = _balanced_rows(recipe, encoder, part.target)
    vectors = english().vectors if recipe.learn.init == "english" else None

    def fit(ids, target, choice=None):
        weight = None if encoder.multi_label else class_weights(target, encoder.labels, recipe.train.class_weights)
        return fit_linear(encoder, ids, target, vectors, choice, weight)

    with console.timed("linear", f"linear classifier fitted on {len(rows):,} texts"):
        linear, choice = fit(ids[rows], part.target[rows])
    share = _share(fitted, linear, prepared)
    fitted = fitted._replace(extra={**fitted.extra, "linear": linear, "share": share})
    if not recipe.train.refit or not share:
        return fitted
    parts = [part.take(rows), *(getattr(prepared, name) for name in ("validation", "test") if name not in prepared.state.explicit)]
    everything = stacked([p.inputs["ids"] for p in parts], encoder.padding)
    again, _ = fit(everything, np.concatenate([p.target for p in parts]), choice)
    return fitted._replace(extra={**fitted.extra, "refitted": again})


def _share(fitted: Fitted, linear: keras.Model, prepared) -> float:
    """The share of the linear classifier beside the net, which validation texts decide."""
    if "classifier" not in fitted.extra:
        return 1.0
    encoder, held = prepared.encoder, prepared.validation
    net = class_model(fitted.model, fitted.extra["classifier"], encoder)
    own, other = (_outputs(model, held, encoder)["probabilities"] for model in (net, blended(net, linear, 1.0, encoder)))
    return linear_share(own, other, held.target)


def class_model(model: keras.Model, classifier: keras.Model, encoder: SubwordEncoder) -> keras.Model:
    """{"ids" or "bytes"} → {"vector", "probabilities"} of the net."""
    entry = keras.Input(model.input[encoder.input].shape[1:], dtype="int32", name=encoder.input)
    vector = layers.Identity(dtype="float32", name="vector")(model({encoder.input: entry}))
    logits = classifier.get_layer("logits")(vector)
    squash = "sigmoid" if encoder.multi_label else "softmax"
    probabilities = layers.Activation(squash, dtype="float32", name="probabilities")(logits)
    return keras.Model({encoder.input: entry}, {"vector": vector, "probabilities": probabilities}, name="sentence_serving")


def blended(net: keras.Model, linear: keras.Model, share: float, encoder: SubwordEncoder) -> keras.Model:
    """The linear classifier beside a net (`class_model`), or beside a table of vectors alone, whose share is then 0."""
    entry = keras.Input((None,), dtype="int32", name="ids")
    outputs = net({"ids": entry})
    outputs = outputs if isinstance(outputs, dict) else {"vector": outputs}
    squash = "sigmoid" if encoder.multi_label else "softmax"
    other = layers.Activation(squash, dtype="float32", name="gram_probabilities")(linear({"ids": entry}))
    if share < 1:
        own = layers.Rescaling(1 - share, dtype="float32", name="net_share")(outputs["probabilities"])
        other = layers.Add(dtype="float32", name="blend")([own, layers.Rescaling(share, dtype="float32", name="gram_share")(other)])
    vector = layers.Identity(dtype="float32", name="vector")(outputs["vector"])
    probabilities = layers.Identity(dtype="float32", name="probabilities")(other)
    return keras.Model({"ids": entry}, {"vector": vector, "probabilities": probabilities}, name="sentence_serving")


def _outputs(model: keras.Model, part, encoder: SubwordEncoder) -> dict[str, np.ndarray]:
    inputs = {encoder.input: part.inputs[encoder.input]}
    return {name: np.asarray(found) for name, found in model.predict(inputs, batch_size=256, verbose=0).items()}


def _fit_whole(whole, encoder, source, validation, settings, trainer, shared: dict, tag: str, head: bool) -> History:
    """Train all layers; a pretrained encoder by stages and with learning rates by depth, where the recipe asks for them."""
    if not (settings.unfreeze_epochs or settings.layerwise_lr_decay):
        return trainer.train(whole, source, validation, settings, tag=tag, **shared)

    def stage(own, rates, name: str, turn) -> History:
        return turn.train(whole, source, validation, own, rates=rates, tag=f"{tag}-{name}", **shared)

    return fit_staged(whole, encoder, settings, trainer, stage, head=head)


def _fit_mlm(recipe, prepared, model, ids, settings, trainer, tag) -> History:
    """Masked-language-model training."""
    encoder = prepared.encoder
    mask = encoder.id(MASK) if encoder.id(MASK) is not None else encoder.id("<mask>")
    if mask is None:
        raise UsageError("The tokenizer has no mask token ([MASK] or <mask>), which masked-language-model training needs.")
    whole = masked_language_model(model)

    def augment(inputs, target, seed):
        masked, target = mask_tokens(inputs["ids"], seed, recipe.learn.mask, mask, encoder.vocabulary, FIRST_WORD, encoder.padding)
        return {"ids": masked}, target

    held = prepared.validation.inputs["ids"]
    masked, target = mask_tokens(
        ops.convert_to_tensor(held),
        ops.array([1, 2], dtype="int32"),
        recipe.learn.mask,
        mask,
        encoder.vocabulary,
        FIRST_WORD,
        encoder.padding,
    )
    validation = resident({"ids": np.asarray(masked)}, np.asarray(target))
    return trainer.train(whole, resident({"ids": ids}, ids), validation, settings, loss=MaskedTokens(), augment=augment, tag=tag)
