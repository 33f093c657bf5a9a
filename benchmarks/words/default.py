"""python -m benchmarks.words.default [SEEDS]: word vectors of the offline default compared with counted neighbours, on held-out text.

The default recipe on several splits (the seed decides the split too); the baselines read the same text and answer the same questions.
The recipe's values were chosen on validation rows.
"""

from __future__ import annotations

from benchmarks.runner import Row, each_seed, format_mean, mean_interval, seeds_argument

CODE = r"""
import json, sys, tempfile, time
from pathlib import Path
from applied_dl.tasks.words import task
from applied_dl.tasks.words.fit.methods import train_table
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
begun = time.process_time()
recipe = recipes.read_recipe("pipelines/words.toml", {"train.seed": int(sys.argv[1])})
with tempfile.TemporaryDirectory() as folder:
    prepared = task.prepare(recipe, Path(folder))
    recipe = task.resolve_defaults(recipe, prepared)
    table, history = train_table(recipe, prepared, CheckpointingTrainer(Store(Path(folder), {})))
spent = time.process_time() - begun
found = {"model": task.score(recipe, task._answers(prepared, table), prepared.test, prepared.encoder)} | task.baselines(recipe, prepared)
print("RESULT" + json.dumps({"scores": {name: scores.metrics for name, scores in found.items()}, "cpu_seconds": round(spent, 2),
                             "epochs": recipe.train.epochs, "words": prepared.state.total, "questions": len(prepared.test) // 3}))
"""


def summary(found: dict) -> list[Row]:
    """Compared with counted neighbours and random vectors on the same splits."""
    scores = {who: [run["scores"][who]["auc"] for run in found["runs"]] for who in ("model", "PPMI-SVD", "random vectors")}
    mean, low, high = mean_interval([a - b for a, b in zip(scores["model"], scores["PPMI-SVD"])])
    seconds = mean_interval([run["cpu_seconds"] for run in found["runs"]])[0]
    note = f"PPMI-SVD {format_mean(scores['PPMI-SVD'], 3)}; difference {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    note += f"; random vectors {format_mean(scores['random vectors'], 3)}"
    return [
        Row(
            "offline default, telling a word's neighbour from another word's (auc)",
            format_mean(scores["model"], 3),
            "no worse than counts",
            high >= 0,
            note,
        ),
        Row("offline default, reading and training", f"{seconds:.0f} CPU-seconds"),
    ]


if __name__ == "__main__":
    each_seed("words_default", CODE, seeds_argument(5))
