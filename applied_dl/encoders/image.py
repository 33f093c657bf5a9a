"""Picture → `uint8 (H, W, C)`: the one decoder of the trainer and the predictor. Pillow and numpy alone.

Every kind of picture is brought to plain 8-bit grey or RGB in the same stated way: EXIF orientation applied, alpha laid over white,
CMYK and palettes converted, 16 bits scaled (not clipped) to 8, the first frame of an animation, then a stretch to the model's size with
a pinned filter.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.errors import DataError

LARGEST_PIXELS = 100_000_000  # width × height; a larger picture is refused before it is decoded
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
FILE = "encoder.json"


class ImageEncoder(msgspec.Struct, frozen=True, kw_only=True):
    """Size and kind of the arrays, and the names of the classes. `mean` and `std` (C,) summarise the training pixels, 0..255."""

    height: int
    width: int
    channels: int
    labels: tuple[str, ...]
    multi_label: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    threshold: float = 0.5


def save(encoder: ImageEncoder, folder: Path) -> None:
    """Write `encoder.json`."""
    (Path(folder) / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(encoder), indent=1))


def load(folder: Path) -> ImageEncoder:
    """Read `encoder.json`; `DataError` where it is damaged."""
    path = Path(folder) / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=ImageEncoder)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{str(path)!r} is not a readable image encoder: {error}.") from error


def encode(source, encoder: ImageEncoder) -> np.ndarray:
    """One picture as `uint8 (H, W, C)`. source: a path, bytes, a PIL image, or an array (H, W), (H, W, 1|3|4) of 0..255 or 0..1.

    Raises `DataError` with one sentence for what is no readable picture.
    """
    return decode(source, encoder.height, encoder.width, encoder.channels)


def decode(source, height: int | None, width: int | None, channels: int) -> np.ndarray:
    """As `encode`, with the size spelt out; None keeps the picture's own."""
    from PIL import Image

    if isinstance(source, np.ndarray):
        image = _from_array(source)
    elif isinstance(source, Image.Image):
        image = source
    else:
        image = _open(source)
    image = _plain(image, "L" if channels == 1 else "RGB", source)
    size = (width or image.width, height or image.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=None)
    array = np.asarray(image, np.uint8)
    return array[..., None] if channels == 1 else array


def probe(source) -> tuple[int, int, bool]:
    """Height, width and whether the picture has colour, read from its header."""
    image = _open(source)
    return image.height, image.width, image.mode not in ("1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L")


def _open(source):
    """A lazily opened picture; nothing is decoded yet."""
    from PIL import Image, UnidentifiedImageError

    name = "the bytes" if isinstance(source, bytes | bytearray) else repr(str(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit below speaks for Pillow's bomb warning
            image = Image.open(io.BytesIO(source) if isinstance(source, bytes | bytearray) else source)
    except FileNotFoundError:
        raise DataError(f"There is no picture at {name}.") from None
    except Image.DecompressionBombError:
        raise DataError(_too_large(name, "far too many")) from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is not a picture that can be read (expected {', '.join(e[1:] for e in EXTENSIONS)}).") from None
    except (OSError, ValueError, SyntaxError, TypeError, AttributeError) as error:
        raise DataError(f"{name} cannot be read: {error}.") from error
    if image.width * image.height > LARGEST_PIXELS:
        raise DataError(_too_large(name, f"{image.width} × {image.height}"))
    return image


def _too_large(name: str, pixels: str) -> str:
    return f"{name} has {pixels} pixels, above the limit of {LARGEST_PIXELS:,}; make it smaller first."


def _plain(image, mode: str, source):
    """Decode, turn upright, and bring to 8-bit grey or RGB."""
    from PIL import Image, ImageOps

    name = repr(str(source)) if isinstance(source, str | Path) else "the picture"
    try:
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in ("I", "F", "I;16", "I;16B", "I;16L"):
            image = _eight_bits(image)
        if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image)
        return image if image.mode == mode else image.convert("RGB").convert(mode)
    except Image.DecompressionBombError:
        raise DataError(_too_large(name, "far too many")) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, TypeError) as error:
        raise DataError(f"{name} is damaged or cut short and cannot be decoded: {error}.") from error


def _eight_bits(image):
    """16-bit and float greys scaled to 0..255: by 257 for 16 bits; Pillow's own conversion would clip them to white."""
    from PIL import Image

    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        top = 1.0 if values.max(initial=0) <= 1 else 255.0 if values.max(initial=0) <= 255 else 65535.0
    else:
        top = 65535.0
    return Image.fromarray(np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8), "L")


def _from_array(array: np.ndarray):
    from PIL import Image

    shape = array.shape
    if array.ndim == 3 and shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in shape:
        raise DataError(f"An array must be a picture of shape (H, W) or (H, W, 1, 3 or 4), received shape {shape}.")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise DataError(f"The array of shape {shape} holds NaN or infinity; expected grey levels 0..1 or 0..255.")
        top = array.max(initial=0)
        if array.min(initial=0) < 0 or top > 255:
            raise DataError(f"The array of shape {shape} has values from {array.min():.4g} to {top:.4g}; expected 0..1 or 0..255.")
        array = np.rint(array * (255 if top <= 1 else 1)).astype(np.uint8)
    elif array.dtype.kind == "b":
        array = array.astype(np.uint8) * 255
    elif array.dtype.kind in "iu":
        if array.min(initial=0) < 0 or array.max(initial=0) > 255:
            raise DataError(f"The array of shape {shape} has values from {array.min()} to {array.max()}; expected 0..255.")
        array = array.astype(np.uint8)
    else:
        raise DataError(f"An array must hold numbers, received {array.dtype}.")
    return Image.fromarray(np.ascontiguousarray(array))
