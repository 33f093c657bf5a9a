"""Read bundles of schema 1, which version 0.1 wrote: keys of the manifest and of the recipe that were renamed since."""

from __future__ import annotations

from typing import Any

EXPORTS = {"metric_loss": "metric_drop", "metric_loss_interval": "metric_drop_interval"}
KEYS = {  # section.key of a recipe → section.key today
    "image": {"data.fit": "data.resize", "score.tta": "predict.tta", "score.temperature": "calibration.temperature"},
    "tabular": {
        "preprocess.numbers": "preprocess.numeric_embedding",
        "preprocess.pairs": "preprocess.pairwise_bins",
        **{f"score.{key}": f"calibration.{key}" for key in ("coverage", "quantiles", "temperature", "threshold")},
    },
    "forecast": {
        **{f"data.{key}": f"data.{key}_covariates" for key in ("past", "future", "static")},
        **{f"score.{key}": f"calibration.{key}" for key in ("coverage", "quantiles")},
        "score.non_negative": "predict.non_negative",
    },
    "words": {"learn.start": "learn.init"},
    "sentences": {"learn.start": "learn.init", "score.index": "predict.index"},
}
EVERYWHERE = {
    "train.freeze": "train.unfreeze_epochs",
    "train.depth_rates": "train.layerwise_lr_decay",
    "export.max_loss": "export.max_metric_drop",
}


def upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest (a plain dict) with today's names; a manifest of a later schema is returned unchanged."""
    if manifest.get("schema") != 1:
        return manifest
    exports = [{EXPORTS.get(key, key): value for key, value in item.items()} for item in manifest.get("exports", [])]
    facts = dict(manifest.get("facts", {}))
    if isinstance(slices := facts.get("slices"), dict):  # numbers alone, without the rows
        facts["slices"] = {name: _slice(name, value) for name, value in slices.items()}
    return {**manifest, "facts": facts, "exports": exports, "recipe": _recipe(manifest.get("recipe", {}), manifest.get("task", ""))}


def _slice(name: str, value: float | None) -> dict[str, Any]:
    """Schema 1 named the metric of a slice in front of it, where it was not the main one: "coverage, steps 1 to 3"."""
    metric = next((metric for metric in ("coverage", "mase") if name.startswith(f"{metric}, ")), "")
    return {"value": value, "rows": None, "metric": metric}


def table_encoder(encoder: dict[str, Any]) -> dict[str, Any]:
    """The plain `encoder.json` of a table with today's names: one target with its format instead of four fields."""
    if "targets" in encoder:
        return encoder
    kept = {key: value for key, value in encoder.items() if key not in ("target", "labels", "style", "set_aside")}
    target = {"name": encoder["target"], "labels": encoder.get("labels", []), "format": {"style": encoder.get("style", "plain")}}
    return {**kept, "targets": [target], "dropped": encoder.get("set_aside", {})}


def _recipe(recipe: dict[str, Any], task: str) -> dict[str, Any]:
    renamed = {**EVERYWHERE, **KEYS.get(task, {})}
    sections: dict[str, Any] = {}
    for section, keys in recipe.items():
        if not isinstance(keys, dict):
            sections[section] = keys
            continue
        for key, value in keys.items():
            to_section, _, to_key = renamed.get(f"{section}.{key}", f"{section}.{key}").partition(".")
            sections.setdefault(to_section, {})[to_key] = _decay(value) if to_key == "layerwise_lr_decay" else value
    return sections


def _decay(times_slower: float | None) -> float | None:
    """Schema 1 stored how many times slower each deeper stage learns; today the key is the factor itself."""
    return None if times_slower is None else 1.0 / times_slower


def renamed_keys(task: str) -> dict[str, str]:
    """The recipe keys (section.key) of a task that have another name today."""
    return {**EVERYWHERE, **KEYS.get(task, {})}
