"""The files of a Hugging Face model of the BERT family, local or downloaded once, read without Keras."""

from __future__ import annotations

import json
from pathlib import Path

from applied_dl.core.errors import DataError, UsageError

FAMILIES = {"bert": "bert", "roberta": "roberta", "xlm-roberta": "roberta", "camembert": "roberta", "distilbert": "distilbert"}
ACTIVATIONS = {"gelu": "gelu_exact", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "gelu_fast": "gelu", "relu": "relu", "silu": "swish"}


HUB = "hf://"
FILES = ("*.json", "*.safetensors", "1_Pooling/*")  # of a repository, those that are read


def model_folder(weights: str) -> Path:
    """The directory of a model: a local one, or that of `hf://USER/MODEL`, which huggingface_hub downloads once into its cache.

    Raises:
        UsageError: an address is given and huggingface_hub is not installed.
        DataError: the download fails.
    """
    if not weights.startswith(HUB):
        return Path(weights)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise UsageError(f"{weights!r} is downloaded by huggingface_hub: pip install 'applied_dl[hub]'.") from error
    try:
        return Path(snapshot_download(weights.removeprefix(HUB), allow_patterns=list(FILES)))
    except Exception as error:  # huggingface_hub and its HTTP client raise whatever they raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"The model {weights!r} cannot be downloaded: {reason}") from error


def read_facts(folder: Path) -> dict:
    """The configuration of a model directory, by our names."""
    config = read_json(folder / "config.json")
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
        own = (
            read_json(folder / "sentence_bert_config.json").get("max_seq_length")
            if (folder / "sentence_bert_config.json").exists()
            else None
        )
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
        kinds = [str(m.get("type", "")).rsplit(".", 1)[-1] for m in read_json(modules)]
        if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
            raise DataError(
                f"{str(modules)!r} has a module {sorted(unknown)[0]!r}, which is not supported; expected Transformer, Pooling, Normalize."
            )
    path = folder / "1_Pooling" / "config.json"
    if not path.exists():
        return "mean"
    config = read_json(path)
    for name, key in (("mean", "pooling_mode_mean_tokens"), ("cls", "pooling_mode_cls_token"), ("max", "pooling_mode_max_tokens")):
        if config.get(key):
            return name
    raise DataError(f"{str(path)!r} asks for a pooling that is not mean, cls or max.")


def read_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error}; a model directory holds config.json, model.safetensors and tokenizer.json."
        ) from error
