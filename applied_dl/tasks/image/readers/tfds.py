"""`tfds:NAME`: a classification dataset of TensorFlow Datasets, with its own parts and class names."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.io.parts import PARTS
from applied_dl.tasks.image.readers.listing import Listing


def list_tfds(name: str, cache: Path, manual: str | None = None) -> dict[str, Listing]:
    """Prepare the dataset under `cache/tfds` (once) and list its parts.

    Args:
        name: the dataset's name.
        cache: folder under which it is prepared.
        manual: a folder with the dataset's original files, for machines without a network; TFDS checks their sha256.

    Raises:
        DataError: the dataset is unknown, cannot be fetched, or has no image with one label.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError('tfds: sources need TensorFlow Datasets: pip install "applied_dl[train]".') from error
    options = {"try_download_gcs": False, "manual_dir": str(Path(manual).resolve()) if manual else None}
    try:
        builder = tfds.builder(name, data_dir=str(cache / "tfds"))
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(**options))
    except Exception as error:  # TFDS raises whatever its downloaders and parsers raise
        raise DataError(
            f"The dataset tfds:{name} could not be prepared: {str(error).strip().splitlines()[0][:200]}; without a network, "
            "set data.manual_dir to a folder with its original files."
        ) from error
    features = builder.info.features
    if "image" not in features or "label" not in features or not hasattr(features["label"], "names"):
        raise DataError(f"The dataset tfds:{name} has no 'image' with one class 'label'; its features are {sorted(features)}.")
    names = tuple(features["label"].names)
    return {PARTS[part]: _part(builder, part, names) for part in builder.info.splits if part in PARTS}


def _part(builder, part: str, names: tuple[str, ...]) -> Listing:
    import tensorflow_datasets as tfds

    rows = list(tfds.as_numpy(builder.as_dataset(split=part, shuffle_files=False)))
    return Listing(items=[row["image"] for row in rows], labels=[(names[row["label"]],) for row in rows], order=names)
