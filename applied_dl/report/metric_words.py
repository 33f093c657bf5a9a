"""What the names of metrics mean, in a few words: the legend below scores on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

WORDS = {
    "analogy": "share of analogy questions answered rightly",
    "association_error": "how far relations between columns are from the real ones; 0 is best",
    "auc": "how often the right class scores above the wrong one; 0.5 is chance",
    "boundary_f1": "how well borders are met; 1 is best",
    "closest_record": "median distance to the closest training row, over that of real rows; far below 1 repeats training rows",
    "column_error": "how far the values of single columns are from the real ones; 0 is best",
    "copies": "share of made rows that equal a training row",
    "copies_of_real": "the same of real rows",
    "coverage": "share of true values inside the prediction interval",
    "density": "how many made images lie close to real ones; 1 is like real ones",
    "dice": "overlap of predicted and true areas; 1 is best",
    "ece": "how far stated probabilities are from how often they are right; 0 is best",
    "f1": "balance of missed and false labels, each class counting alike; 1 is best",
    "false_alarms": "share of test rows reported as unlike the training data",
    "fid": "distance between made and real images; lower is better",
    "fid_of_training": "the same of real training images, which a good model comes near",
    "log_loss": "penalty for probability given to wrong classes; 0 is best",
    "lowest_set_coverage": "set_coverage of the class where it is lowest, of those with 20 test rows or more",
    "mae": "mean absolute error",
    "map": "mean average precision: how well labels are ranked; 1 is best",
    "mase": "error over that of repeating the last season; below 1 is better than that",
    "miou": "overlap of predicted and true areas, mean over classes; 1 is best",
    "mrr": "1 over the rank of the first right item; 1 is best",
    "mse": "mean squared error",
    "ndcg_at_10": "how far up the right items stand in the first 10; 1 is best",
    "nearest_training": "distance to the nearest training image over that of real images; far below 1 repeats training images",
    "novelty": "how seldom the recommended items are, in bits",
    "owa": "smape and mase over those of a naive forecast; below 1 is better than that",
    "pair_error": "how far pairs of columns are from the real ones; 0 is best",
    "pair_error_of_training": "the same of real training rows, which a good model comes near",
    "pinball": "error of the predicted quantiles; 0 is best",
    "precision": "share of made images that could be real ones",
    "probe_accuracy": "accuracy of a linear classifier on the vectors",
    "r2": "share of the variance that is explained",
    "recall": "share of real images that could be made ones",
    "recall_at_10": "share of pairs whose other text is among the 10 nearest",
    "recall_at_20": "share of the right items that are among the first 20",
    "recall_at_k": "share of pairs whose other text is the nearest",
    "rmse": "root mean squared error",
    "set_coverage": "share of rows whose label set holds the true label",
    "set_size": "labels in a label set, on average",
    "smape": "error in percent of the values",
    "spearman": "rank correlation with the human ratings; 1 is best",
    "top5_accuracy": "share of rows whose true label is among the five likeliest",
    "trtr_accuracy": "accuracy of the same model trained on real rows",
    "trtr_r2": "r2 of the same model trained on real rows",
    "tstr_accuracy": "accuracy on real rows of a model trained on made ones",
    "tstr_r2": "r2 on real rows of a model trained on made ones",
    "tstr_ratio": "the first of these two over the second; 1 is best",
}
OF_TASK = {
    "generate": {"coverage": "share of real images with a made one close by"},
    "recommend": {"coverage": "share of the items that are recommended to somebody"},
    "words": {"auc": "how often a true neighbour is nearer than a random word; 0.5 is chance"},
}


def legend(metrics: Iterable[str], task: str) -> list[str]:
    """What metrics mean, one line each; a name without words is its own explanation.

    Example:
        >>> legend(["accuracy", "ece"], "image")
        ['ece: how far stated probabilities are from how often they are right; 0 is best']
    """
    words = WORDS | OF_TASK.get(task, {})
    plain = dict.fromkeys(name.split(" of ")[0].removeprefix("trunk_") for name in metrics)  # "rmse of price": one of several targets
    return [f"{name}: {words[name]}" for name in plain if name in words]
