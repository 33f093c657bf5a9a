"""`applied-dl generate`: images as files with a grid of them, a walk through the latents as GIF, or the rows of a table. No TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.errors import UsageError
from applied_dl.io.write_tables import write_table
from applied_dl.predictor import Predictor
from applied_dl.tasks import load_generate
from applied_dl.workflows.predict import check_target

IMAGES, ROWS = 64, 1000  # made by default
STEPS, STOPS, MILLISECONDS = 12, 8, 80  # of a walk: images between two latents, latents, time of an image
PADDING, SCALE_TO = 2, 640  # pixels between the images of a grid, and its width at least


def generate(
    bundle: str | os.PathLike[str] | Predictor,
    *,
    count: int | None = None,
    label: str | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    walk: bool = False,
    variant: str | None = None,
) -> dict[str, Any]:
    """Make images or rows, and write them where `out` is given; see `applied_dl.generate`."""
    predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle, variant)
    if predictor.task != "generate":
        raise UsageError(f"generate needs a bundle of the task 'generate'; {str(predictor.folder)!r} is of the task {predictor.task!r}.")
    made = load_generate(predictor.task)
    images = bool(predictor.encoder.form.height)
    count = (IMAGES if images else ROWS) if count is None else count
    if count < 1:
        raise UsageError(f"count must be at least 1, received {count}.")
    if seed < 0:
        raise UsageError(f"seed must be a whole number from 0 on, received {seed}.")
    if not images:
        if label is not None or walk:
            raise UsageError(f"{'label' if label is not None else 'walk'} is for images; this model makes rows of a table.")
        target = check_target(out) if out is not None else None
        frame = made.rows(predictor, made.requests(count, seed))
        if target:
            write_table(frame, target)
        return {"rows": frame, "out": None if target is None else str(target)}
    requests = made.requests(count, seed, label)
    pixels, names = made.images(predictor, requests)  # refuses an unknown label before a folder is made
    folder = _empty_folder(out) if out is not None else None
    files: list[str] = []
    if folder is not None:
        files = [str(_write_image(image, folder / f"{name}{i:04d}.png")) for i, (image, name) in enumerate(zip(pixels, names))]
        files.append(str(_write_image(grid(pixels), folder / "grid.png")))
        if walk:
            files.append(str(_write_gif(made.walk(predictor, requests[:STOPS], STEPS), folder / "walk.gif")))
    elif walk:
        raise UsageError("walk writes walk.gif; name a folder by out.")
    return {"images": pixels, "labels": names, "files": files, "out": None if folder is None else str(folder)}


def grid(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) in rows and columns on one, enlarged to be seen."""
    N, H, W, C = images.shape
    columns = int(np.ceil(np.sqrt(N)))
    rows = -(-N // columns)
    whole = np.full((rows * (H + PADDING) + PADDING, columns * (W + PADDING) + PADDING, C), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = PADDING + i // columns * (H + PADDING), PADDING + i % columns * (W + PADDING)
        whole[top : top + H, left : left + W] = image
    times = max(1, SCALE_TO // whole.shape[1])
    return whole.repeat(times, 0).repeat(times, 1)


def _empty_folder(out: str | os.PathLike[str]) -> Path:
    """The folder for new files. Raises `UsageError` where it holds files already, or is a file."""
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{str(folder)!r} exists already and is {'not empty' if folder.is_dir() else 'a file'}; name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {str(folder)!r} cannot be made: {error.strerror}; name another one.") from error
    return folder


def _as_pillow(image: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _write_image(image: np.ndarray, path: Path) -> Path:
    _as_pillow(image).save(path)
    return path


def _write_gif(frames: np.ndarray, path: Path) -> Path:
    times = max(1, SCALE_TO // 4 // frames.shape[2])
    first, *rest = (_as_pillow(frame.repeat(times, 0).repeat(times, 1)) for frame in frames)
    first.save(path, save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)
    return path
