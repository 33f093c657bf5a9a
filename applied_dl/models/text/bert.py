"""A local Hugging Face directory → our Keras encoder with its weights: BERT, RoBERTa (XLM-R, CamemBERT) and DistilBERT.

Read are config.json, model.safetensors, and where sentence-transformers wrote them 1_Pooling/config.json and modules.json. Differences
that matter: GELU is the exact one, the epsilon of the norms is the config's, the segment vector is folded into the positions, and
RoBERTa's positions start after its padding id.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

from applied_dl.errors import DataError
from applied_dl.models.text.transformer import EXACT, transformer

FAMILIES = {"bert": "bert", "roberta": "roberta", "xlm-roberta": "roberta", "camembert": "roberta", "distilbert": "distilbert"}
ACTIVATIONS = {"gelu": EXACT, "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "gelu_fast": "gelu", "relu": "relu", "silu": "swish"}
LAYERS = {  # our parts ← the names of each family, queries, keys and values joined
    "bert": ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
             "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"),
    "distilbert": ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2",
                   "output_layer_norm"),
}  # fmt: skip


def pretrained(folder: str | Path, *, length: int | None = None, pooling: str | None = None, dropout: float = 0.0) -> keras.Model:
    """{"ids": (B, T)} → unit vectors, with the weights of a directory. Raises `DataError` for one that it cannot hold.

    length: most tokens of a text, up to the model's own. pooling: the directory's own by default, else the mean.
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


def read_facts(folder: Path) -> dict:
    """The shape of a model directory, in our words."""
    config = _json(folder / "config.json")
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise DataError(
            f"{str(folder / 'config.json')!r}: model_type {kind!r} is not of the BERT family; expected one of {', '.join(FAMILIES)}."
        )
    family = FAMILIES[kind]
    get = lambda a, b: config[b if family == "distilbert" else a]  # noqa: E731
    try:
        act = get("hidden_act", "activation")
        if act not in ACTIVATIONS or config.get("position_embedding_type", "absolute") != "absolute":
            raise DataError(f"{str(folder)!r}: activation {act!r} or its kind of positions is not supported.")
        first = config.get("pad_token_id", 1) + 1 if family == "roberta" else 0
        own = _json(folder / "sentence_bert_config.json").get("max_seq_length") if (folder / "sentence_bert_config.json").exists() else None
        most = config["max_position_embeddings"] - first
        return {
            "family": family, "vocabulary": config["vocab_size"], "width": get("hidden_size", "dim"), "first": first,
            "depth": get("num_hidden_layers", "n_layers"), "heads": get("num_attention_heads", "n_heads"),
            "hidden": get("intermediate_size", "hidden_dim"), "activation": ACTIVATIONS[act], "length": most,
            "usual_length": min(own or most, most), "padding": config.get("pad_token_id", 0) or 0, "pooling": _pooling(folder),
            "epsilon": config.get("layer_norm_eps", 1e-12),
        }  # fmt: skip
    except KeyError as error:
        raise DataError(f"{str(folder / 'config.json')!r} lacks the key {error}.") from error


def _pooling(folder: Path) -> str:
    modules = folder / "modules.json"
    if modules.exists():
        kinds = [str(m.get("type", "")).rsplit(".", 1)[-1] for m in _json(modules)]
        if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
            raise DataError(
                f"{str(modules)!r} has a module {sorted(unknown)[0]!r}, which is not supported; expected Transformer, Pooling, Normalize."
            )
    path = folder / "1_Pooling" / "config.json"
    if not path.exists():
        return "mean"
    config = _json(path)
    for name, key in (("mean", "pooling_mode_mean_tokens"), ("cls", "pooling_mode_cls_token"), ("max", "pooling_mode_max_tokens")):
        if config.get(key):
            return name
    raise DataError(f"{str(path)!r} asks for a pooling that is not mean, cls or max.")


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


def _json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error}; a model directory holds config.json, model.safetensors and tokenizer.json."
        ) from error
