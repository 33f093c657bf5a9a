"""A BERT-family directory with random weights, and its forward pass in plain numpy: the reference for what we load."""

import json
from pathlib import Path

import numpy as np
from scipy.special import erf

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_bert(folder: Path, words: list[str], *, kind: str = "bert", width=16, depth=2, heads=2, hidden=24, length=20, seed=0, **config):
    """config.json, model.safetensors and tokenizer.json of `words`; returns the tensors by their name."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    random = np.random.default_rng(seed)
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *dict.fromkeys(words)])}
    draw = lambda *shape: (random.normal(size=shape) * 0.3).astype(np.float32)  # noqa: E731
    own = "embeddings."
    weights = {
        f"{own}word_embeddings.weight": draw(len(vocabulary), width),
        f"{own}position_embeddings.weight": draw(length, width),
        f"{own}LayerNorm.weight": 1 + draw(width),
        f"{own}LayerNorm.bias": draw(width),
    }
    if kind != "distilbert":
        weights[f"{own}token_type_embeddings.weight"] = draw(2 if kind == "bert" else 1, width)
    bert = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
            "intermediate.dense", "output.dense", "output.LayerNorm")  # fmt: skip
    distil = ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2",
              "output_layer_norm")  # fmt: skip
    for i in range(depth):
        block = f"transformer.layer.{i}." if kind == "distilbert" else f"encoder.layer.{i}."
        for place, name in enumerate(distil if kind == "distilbert" else bert):
            if "orm" in name:
                weights[f"{block}{name}.weight"], weights[f"{block}{name}.bias"] = 1 + draw(width), draw(width)
            else:
                shape = (hidden, width) if place == 5 else (width, hidden) if place == 6 else (width, width)
                weights[f"{block}{name}.weight"], weights[f"{block}{name}.bias"] = draw(*shape), draw(shape[0])
    keys = ("dim", "n_layers", "n_heads", "hidden_dim", "activation") if kind == "distilbert" else (
        "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")  # fmt: skip
    shape = {**dict(zip(keys, (width, depth, heads, hidden, "gelu"))), "model_type": kind, "vocab_size": len(vocabulary),
             "max_position_embeddings": length, "pad_token_id": 0, "layer_norm_eps": 1e-12}  # fmt: skip
    (folder / "config.json").write_text(json.dumps({**shape, **config}))
    save_file(weights, folder / "model.safetensors")
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    made.save(str(folder / "tokenizer.json"))
    return weights


def forward(weights: dict, ids: np.ndarray, *, kind: str = "bert", depth=2, heads=2, epsilon=1e-12, first: int = 0) -> np.ndarray:
    """The mean of the last layer's real tokens, of unit length (B, D), by the published equations in float64."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][first : first + ids.shape[1]]
    if kind != "distilbert":
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    real = ids != 0
    for i in range(depth):
        if kind == "distilbert":
            block = f"transformer.layer.{i}."
            q, k, v, out, norm1, up, down, norm2 = (block + n for n in ("attention.q_lin", "attention.k_lin", "attention.v_lin",
                "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"))  # fmt: skip
        else:
            block = f"encoder.layer.{i}."
            q, k, v, out, norm1, up, down, norm2 = (block + n for n in ("attention.self.query", "attention.self.key",
                "attention.self.value", "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense",
                "output.LayerNorm"))  # fmt: skip
        mixed = np.zeros_like(x)
        size = x.shape[-1] // heads
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            scores = dense(x, q)[..., part] @ dense(x, k)[..., part].transpose(0, 2, 1) / np.sqrt(size)
            scores = np.where(real[:, None, :], scores, -np.inf)
            share = np.exp(scores - scores.max(-1, keepdims=True))
            mixed[..., part] = share / share.sum(-1, keepdims=True) @ dense(x, v)[..., part]
        x = norm(x + dense(mixed, out), norm1)
        inner = dense(x, up)
        x = norm(x + dense(inner * (1 + erf(inner / np.sqrt(2))) / 2, down), norm2)
    mean = (x * real[..., None]).sum(1) / real.sum(1, keepdims=True)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)
