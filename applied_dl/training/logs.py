"""The history of a training as it grows, for TensorBoard or MLflow (`train.log`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from applied_dl.core.errors import UsageError
from applied_dl.core.records import History

OnEpoch = Callable[[str, History], None]


def epoch_logger(kind: str | None, folder: Path, name: str) -> tuple[OnEpoch, ...]:
    """What to call after each epoch with the training's tag and its history.

    Args:
        kind: `train.log`: "tensorboard", "mlflow", or None for nothing.
        folder: where the event files of TensorBoard are written, one run per tag.
        name: the name of the run in MLflow's experiment "applied_dl"; `MLFLOW_TRACKING_URI` says where that is.

    Raises:
        UsageError: MLflow is not installed.
    """
    if kind is None:
        return ()
    return (_tensorboard(folder) if kind == "tensorboard" else _mlflow(name),)


def _tensorboard(folder: Path) -> OnEpoch:
    """Event files, written by TensorFlow alone: TensorBoard itself is needed only to look at them."""
    import tensorflow as tf

    writers: dict[str, tf.summary.SummaryWriter] = {}
    scalar = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
    )

    def log(tag: str, history: History) -> None:
        if tag not in writers:
            writers[tag] = tf.summary.create_file_writer(str(folder / tag))
        writer = writers[tag]
        row = history.rows[-1]
        with writer.as_default():
            for key, value in row.items():
                if key != "epoch":
                    tf.summary.write(key, tf.constant(value, tf.float32), step=int(row["epoch"]), metadata=scalar)
        writer.flush()

    return log


def _mlflow(name: str) -> OnEpoch:
    """Metrics of one MLflow run, named by the tag of the training and their own name."""
    try:
        import mlflow
    except ImportError as error:
        raise UsageError("train.log = 'mlflow' needs MLflow: pip install mlflow, or remove the key.") from error

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("applied_dl")
    run = client.create_run(experiment.experiment_id if experiment else client.create_experiment("applied_dl"), run_name=name)

    def log(tag: str, history: History) -> None:
        row = history.rows[-1]
        for key, value in row.items():
            if key != "epoch":
                client.log_metric(run.info.run_id, f"{tag}/{key}", value, step=int(row["epoch"]))

    return log
