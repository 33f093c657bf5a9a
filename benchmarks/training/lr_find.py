"""python -m benchmarks.training.lr_find [WORDS]: the finder's rate compared with nine from 1e-4 to 1, each a full training."""

import os
import sys
import time

from benchmarks.runner import ROOT, Row, read, write

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
GRID = [10 ** (-4 + i / 2) for i in range(9)]
WITHIN = 0.02
SEEDS, NEAR = 3, 0.25  # of the rates whose first score is within this share of the best
PIPELINES = {  # recipe, overrides; short enough that eleven trainings are minutes
    "digits": ("digits.toml", {"train.epochs": 20}),
    "digits mlp": ("digits.toml", {"train.epochs": 20, "model.name": "mlp", "train.optimizer": "adam"}),
    "tabular mlp": ("tabular.toml", {"model.name": "mlp", "train.epochs": 40}),
    "tabular tabm": ("tabular.toml", {"model.name": "tabm", "train.epochs": 40}),
    "sentences transformer": (  # the table is trained row by row and takes no finder
        "sentences.toml",
        {"model.name": "transformer", "model.width": 64, "model.depth": 1, "data.max_rows": 2000, "train.epochs": 2},
    ),
    "forecast nlinear": ("forecast.toml", {"model.name": "nlinear"}),
    "forecast tsmixer": ("forecast.toml", {"model.name": "tsmixer", "train.epochs": 20}),
}


def summary(found: dict) -> list[Row]:
    """How far the suggestion is from the best of the grid, where a single validation row moves the score by less than is asked for."""
    grain = {name: row.get("grain", 0.0) for name, row in found["pipelines"].items()}
    behind = {name: row["behind"] for name, row in found["pipelines"].items()}
    worst = max(share for name, share in behind.items() if grain[name] <= WITHIN)
    coarse = {name: f" (not scored: one row is {share:.0%})" for name, share in grain.items() if share > WITHIN}
    beside = ", ".join(f"{name} {share:+.1%}{coarse.get(name, '')}" for name, share in behind.items())
    return [Row("lr-find: validation score behind the best of nine rates", f"{worst:.1%}", "≤ 2%", worst <= WITHIN, beside)]


def details(found: dict) -> list[str]:
    rows = []
    for name, row in found["pipelines"].items():
        rows.append(
            f"| {name} | {row['suggested']:.2g} | {row['metric']} {row['score']:.4f} | {row['best_rate']:.2g} | {row['best']:.4f} |"
        )
    return ["| pipeline | suggested | score with it | best of the grid | its score |", "|---|---|---|---|---|", *rows]


def pipeline(recipe: str, overrides: dict) -> dict:
    """The score on validation rows under every rate; a training that diverges has none."""
    from applied_dl.core import config
    from applied_dl.core.cache import cache_folder
    from applied_dl.core.errors import DataError
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks import load_task
    from applied_dl.training.hardware import as_float32
    from applied_dl.training.lr_finder import RateFinder
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    settings = recipes.read_recipe(ROOT / "pipelines" / recipe, overrides)
    task = load_task(settings.task)
    prepared = task.prepare(settings, cache_folder())
    settings = task.resolve_defaults(settings, prepared)
    finder = RateFinder()
    set_up(settings.train.seed, True)
    task.fit(settings, prepared, finder)
    suggested, metric, rising, scores = finder.found[0][2].chosen, "", False, {}

    def run(rate: float, seed: int) -> float | None:
        nonlocal metric, rising
        one = config.replace(settings, train={"learning_rate": float(rate), "seed": seed})
        set_up(seed, True)
        try:
            fitted = task.fit(one, prepared, CheckpointingTrainer())
        except DataError:  # the loss exploded
            return None
        serving = task.serving(one, fitted._replace(model=as_float32(fitted.model)), prepared)
        found = task.score(one, keras_outputs(serving, prepared.validation), prepared.validation, prepared.encoder)
        metric, rising = found.main, found.rises()
        return float(found.value)

    for rate in [suggested, *GRID]:
        scores[rate] = [run(rate, 0)]
    sign = 1 if rising else -1
    alive = {rate: found[0] for rate, found in scores.items() if found[0] is not None}
    best = max(sign * score for score in alive.values())
    for rate, score in alive.items():
        if best - sign * score <= NEAR * abs(best):  # the others are out of the question
            scores[rate] += [run(rate, seed) for seed in range(1, SEEDS)]
    means = {rate: sum(scores[rate]) / len(scores[rate]) for rate in alive if None not in scores[rate]}
    winner = max((rate for rate in GRID if rate in means), key=lambda rate: sign * means[rate])
    behind = sign * (means[winner] - means[suggested]) / abs(means[winner])
    return {
        "metric": metric,
        "suggested": suggested,
        "steepest": finder.found[0][2].steepest,
        "score": round(means[suggested], 6),
        "best_rate": winner,
        "best": round(means[winner], 6),
        "behind": round(behind, 5),
        "grain": round(1 / len(prepared.validation) / abs(means[winner]), 5) if rising else 0.0,
        "scores": {f"{rate:.3g}": scores[rate] for rate in [suggested, *GRID]},
    }


def main() -> None:
    from applied_dl.core import console

    console.quiet = True
    words = sys.argv[1:]
    found = (read("training_lr_find") or {"pipelines": {}})["pipelines"]
    for name, (recipe, overrides) in PIPELINES.items():
        if not words or any(word in name for word in words):
            start = time.perf_counter()
            found[name] = {**pipeline(recipe, overrides), "seconds": round(time.perf_counter() - start)}
            print(name, found[name], file=sys.stderr, flush=True)
    write("training_lr_find", {"pipelines": found})


if __name__ == "__main__":
    main()
