"""python -m benchmarks.sentences.default [SEEDS]: the offline default compared with TF-IDF in finding the neighbouring sentence.

The default recipe on several splits (the seed decides the split too). Baselines are fitted on the same texts and answer the same
queries. The recipe's values were chosen on validation rows.
"""

from __future__ import annotations

from benchmarks.runner import Row, each_seed, format_mean, mean_interval, seeds_argument

CODE = r"""
import json, sys, tempfile
from pathlib import Path
import numpy as np
from applied_dl.tasks.sentences import task
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.training.reproducible import set_up
from applied_dl.workflows import recipes
recipe = recipes.read_recipe("pipelines/sentences.toml", {"train.seed": int(sys.argv[1])})
prepared = task.prepare(recipe, None)
recipe = task.resolve_defaults(recipe, prepared)
set_up(recipe.train.seed, True)
with tempfile.TemporaryDirectory() as folder:
    fitted = task.fit(recipe, prepared, CheckpointingTrainer(Store(Path(folder), {})))
answer = {"vector": task._vectors(fitted.model, prepared.test.inputs["ids"])}
found = {"model": task.score(recipe, answer, prepared.test, prepared.encoder).metrics}
found |= {name: scores.metrics for name, scores in task.baselines(recipe, prepared).items()}
print("RESULT" + json.dumps({"scores": found, "pairs": len(prepared.test) // 2, "seconds": fitted.history.seconds}))
"""


def summary(found: dict) -> list[Row]:
    """Three retrieval metrics compared with TF-IDF on the same splits."""
    rows = []
    for key, name in (("recall_at_k", "first"), ("recall_at_10", "among ten"), ("mrr", "mean reciprocal rank")):
        ours, theirs = ([run["scores"][who][key] for run in found["runs"]] for who in ("model", "TF-IDF"))
        mean, low, high = mean_interval([a - b for a, b in zip(ours, theirs)])
        goal, met = ("better than TF-IDF", low > 0) if key == "recall_at_k" else ("", None)
        rows.append(Row(f"offline default, the neighbouring sentence: {name}", format_mean(ours, 3), goal, met,
                        f"TF-IDF {format_mean(theirs, 3)}; difference {mean:+.3f} [{low:+.3f}, {high:+.3f}]"))  # fmt: skip
    return rows


if __name__ == "__main__":
    each_seed("sentences_default", CODE, seeds_argument(5))
