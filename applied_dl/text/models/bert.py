"""A local Hugging Face directory → our Keras encoder with its weights: BERT, RoBERTa (XLM-R, CamemBERT) and DistilBERT.

Read are config.json, model.safetensors, and where sentence-transformers wrote them 1_Pooling/config.json and modules.json. Differences
that matter: GELU is the exact one, the epsilon of the norms is the config's, the segment vector is folded into the positions, and
RoBERTa's positions start after its padding id.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.text.bert_files import read_facts
from applied_dl.text.models.transformer import transformer

LAYERS = {  # our parts ← the names of each family, queries, keys and values joined
    "bert": ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
             "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"),
    "distilbert": ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2",
                   "output_layer_norm"),
}  # fmt: skip


def pretrained(folder: str | Path, *, length: int | None = None, pooling: str | None = None, dropout: float = 0.0) -> keras.Model:
    """A Transformer encoder with the weights of a local Hugging Face directory.

    Args:
        folder: holds config.json, model.safetensors and tokenizer.json.
        length: most tokens of a text, up to the model's own, which is the default.
        pooling: "mean", "cls" or "max"; the directory's own by default, else the mean.
        dropout: rate while fine-tuning.

    Returns:
        A model {"ids": (B, T ≤ length) int32} → unit vectors (B, D).

    Raises:
        DataError: for a directory of another family, or weights that do not fit its configuration.

    Example:
        >>> model = pretrained("all-MiniLM-L6-v2", length=128)  # doctest: +SKIP
    """
    folder = Path(folder)
    facts = read_facts(folder)
    if length is not None and length > facts["length"]:
        raise DataError(f"{str(folder)!r} knows {facts['length']} positions, received preprocess.length {length}.")
    model = transformer(
        facts["vocabulary"], width=facts["width"], depth=facts["depth"], heads=facts["heads"], hidden=facts["hidden"],
        length=length or facts["length"], pre_norm=False, activation=facts["activation"], dropout=dropout, padding=facts["padding"],
        pooling=pooling or facts["pooling"], epsilon=facts["epsilon"],
    )  # fmt: skip
    _load(model, folder, facts, length or facts["length"])
    return model


def _load(model: keras.Model, folder: Path, facts: dict, length: int) -> None:
    weights = _weights(folder)
    family = facts["family"]
    block, first = ("transformer.layer", "") if family == "distilbert" else ("encoder.layer", "")
    names = LAYERS["distilbert" if family == "distilbert" else "bert"]

    def get(name):
        if name not in weights:
            raise DataError(f"{str(folder)!r}: model.safetensors has no tensor {name!r}; is it a {family} encoder?")
        return weights[name].astype(np.float32)

    def dense(*parts):  # theirs is (out, in)
        return [np.concatenate([get(f"{p}.weight").T for p in parts], 1), np.concatenate([get(f"{p}.bias") for p in parts])]

    def norm(part):
        return [get(f"{part}.weight"), get(f"{part}.bias")]

    def put(layer, values):
        try:
            model.get_layer(layer).set_weights(values)
        except ValueError as error:
            raise DataError(f"{str(folder)!r}: the tensors do not fit config.json at {layer!r}: {error}.") from error

    e = f"{first}embeddings."
    put("table", [get(f"{e}word_embeddings.weight")])
    places = get(f"{e}position_embeddings.weight")[facts["first"] :][:length]
    if f"{e}token_type_embeddings.weight" in weights:
        places = places + get(f"{e}token_type_embeddings.weight")[0]
    put("positions", [places])
    put("norm", norm(f"{e}LayerNorm"))
    for i in range(facts["depth"]):
        query, key, value, out, norm1, up, down, norm2 = (f"{block}.{i}.{name}" for name in names)
        put(f"attention_{i}", dense(query, key, value) + dense(out))
        put(f"norm1_{i}", norm(norm1))
        put(f"up_{i}", dense(up))
        put(f"down_{i}", dense(down))
        put(f"norm2_{i}", norm(norm2))


def _weights(folder: Path) -> dict[str, np.ndarray]:
    """All tensors, by their name without the family's prefix."""
    from safetensors import SafetensorError, safe_open

    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise DataError(f"{str(folder)!r} holds no model.safetensors; save the model in that format (it can be read without running code).")
    found: dict[str, np.ndarray] = {}
    for path in files:
        try:
            with safe_open(path, framework="numpy") as file:
                for name in file.keys():  # noqa: SIM118  (it is no dict)
                    short = name
                    for prefix in ("bert.", "roberta.", "distilbert."):
                        short = short.removeprefix(prefix)
                    found[short] = file.get_tensor(name)
        except (SafetensorError, OSError, TypeError) as error:
            raise DataError(f"{str(path)!r} cannot be read: {error}.") from error
    return found
