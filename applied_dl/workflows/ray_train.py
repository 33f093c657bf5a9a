"""`applied-dl train --workers N`: the fit of a recipe on N processes of a Ray cluster, or of this machine, which train one model together.

Ray Train starts the workers, and starts them again where one dies; JAX divides every global batch among their devices
(`training.jax_steps`), so that batches, schedule and result are those of one process. Rank 0 writes checkpoints and results into the run's
folder, from which every restart goes on; each rank has a log.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.errors import AppliedError, DataError, RefusedError, UsageError
from applied_dl.workflows import elsewhere
from applied_dl.workflows.ray_cluster import aside, connected

LOOK_SECONDS = 0.5  # between two looks at the log of rank 0


def divided(asked, recipe, rows: int, workers: int):
    """The resolved recipe, whose batch can be divided among the workers: one that nobody asked for becomes the next multiple.

    Raises `UsageError` where the batch that was asked for cannot be.
    """
    from applied_dl.training.batches import plan

    size = plan(rows, recipe.train.batch_size).batch
    if size % workers == 0:
        return recipe
    if asked.train.batch_size is not None or rows < workers:
        raise UsageError(
            f"A batch of {size} rows cannot be divided among {workers} workers: choose train.batch_size as a multiple of {workers}, or "
            "another --workers."
        )
    wanted = -(-size // workers) * workers
    wanted = wanted if wanted <= rows else wanted - workers
    console.say("ray", f"batches of {wanted} rows, not {size}, so that {workers} workers can divide them (train.batch_size)")
    return replace(recipe, train=replace(recipe.train, batch_size=wanted))


def fit_by_ray(job: elsewhere.Job, workers: int, address: str | None, max_failures: int):
    """Train a job on Ray. Returns the trainer with which `fit` repeats it here.

    Args:
        job: what is trained; the folder of its store must be one that every worker sees.
        workers: processes, each with its own devices.
        address: of a running cluster, such as "ray://host:10001" or "auto"; None starts Ray on this machine.
        max_failures: how many times the workers are started again where one of them dies.

    Raises:
        AppliedError: what a worker refused, or that workers died too often.
    """
    folder = elsewhere.hand_over(job).absolute()
    job.logs.mkdir(parents=True, exist_ok=True)
    variables = {"KERAS_BACKEND": "jax", "RAY_TRAIN_V2_ENABLED": "1", "RAY_TRAIN_ENABLE_PRINT_PATCH": "0"}
    variables |= {name: os.environ[name] for name in ("JAX_PLATFORMS", "XLA_FLAGS") if name in os.environ}
    with connected(address, workers + 1, variables) as ray, _shown(job.logs / "rank-0.log", job.quiet):
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer  # `ray.train.data_parallel_trainer` is the first version

        gpu = ray.cluster_resources().get("GPU", 0) >= workers
        trainer = DataParallelTrainer(
            _work,
            train_loop_config={"folder": str(folder)},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpu),
            run_config=RunConfig(name="ray", storage_path=str(folder.parent), failure_config=FailureConfig(max_failures=max_failures)),
        )
        try:
            aside(trainer.fit)
        except Exception as error:
            raise _reason(error, job.logs) from error
    from applied_dl.training.trainer import CheckpointingTrainer

    return elsewhere.recorded(CheckpointingTrainer(job.store))


def _work(config: dict) -> None:
    """One worker."""
    import ray.train
    from ray.train.collective import broadcast_from_rank_zero

    context = ray.train.get_context()
    rank, count = context.get_world_rank(), context.get_world_size()
    job = elsewhere.take_over(Path(config["folder"]))
    import jax

    mine = None
    if rank == 0:  # a port of its own for each start: the one before may still hold its
        with socket.socket() as free:
            free.bind(("", 0))
            mine = f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"
    jax.distributed.initialize(broadcast_from_rank_zero(mine), num_processes=count, process_id=rank)
    if jax.process_count() != count or jax.device_count() != count * jax.local_device_count():
        raise DataError(
            f"{count} workers were asked for, and JAX sees {jax.process_count()} processes with {jax.device_count()} devices: they would "
            "train several models; check that JAX finds the same devices on every machine."
        )
    with (job.logs / f"rank-{rank}.log").open("a", buffering=1) as log, redirect_stderr(log):
        devices = f"{jax.local_device_count()} {jax.default_backend()} devices"
        console.say("ray", f"rank {rank} of {count}: process {os.getpid()} on {socket.gethostname()}, {devices}")
        elsewhere.fit(job._replace(store=job.store._replace(resume=True)), rank)


@contextmanager
def _shown(log: Path, quiet: bool):
    """What rank 0 writes into its log from now on is printed here."""
    ends, place = threading.Event(), log.stat().st_size if log.exists() else 0

    def follow() -> None:
        nonlocal place
        while True:
            last = ends.is_set()
            if log.exists():
                with log.open() as file:
                    file.seek(place)
                    text = file.read()
                    place = file.tell()
                sys.stderr.write(text)
                sys.stderr.flush()
            if last:
                return
            time.sleep(LOOK_SECONDS)

    thread = threading.Thread(target=follow, daemon=True)
    if not quiet:
        thread.start()
    try:
        yield
    finally:
        ends.set()
        if not quiet:
            thread.join()


def _reason(error: BaseException, logs: Path) -> AppliedError:
    """The sentence of a worker where one refused, or that workers died."""
    failed = getattr(error, "worker_failures", {}) or {}
    for rank, failure in sorted(failed.items()):
        cause: BaseException | None = failure
        while cause is not None:
            if isinstance(cause, AppliedError):
                return type(cause)(f"Worker {rank}: {cause}")
            cause = getattr(cause, "cause", None) or cause.__cause__
    ranks = ", ".join(str(rank) for rank in sorted(failed)) or "unknown"
    return RefusedError(
        f"The training on Ray ended because workers died (ranks {ranks}) more often than --max-failures allows; their logs are in "
        f"{str(logs)!r}, and --resume continues from the last checkpoint."
    )
