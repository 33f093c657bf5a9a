"""The files that hold images: their extensions, their headers, how they are opened, and why one cannot be read."""

from __future__ import annotations

import importlib.util
import io
import warnings
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError

EXTENSIONS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".avifs", ".heic", ".heif", ".hif", ".bmp", ".dib", ".gif", ".tif",
    ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".icns", ".jp2", ".j2k", ".jpx", ".pcx", ".dds", ".sgi", ".qoi", ".psd",
)  # fmt: skip
CONVERT = {  # formats of images that Pillow does not read → what to do
    ".svg": "render them as PNG", ".pdf": "render them as PNG", ".dcm": "convert them to 16-bit PNG with pydicom",
    ".nii": "cut them into PNG slices with nibabel", ".npy": "put the arrays into one .npz with x and y",
    ".cr2": "convert them with rawpy", ".cr3": "convert them with rawpy", ".nef": "convert them with rawpy",
    ".arw": "convert them with rawpy", ".dng": "convert them with rawpy", ".raw": "convert them with rawpy",
    ".mp4": "extract frames as JPEG", ".mov": "extract frames as JPEG", ".avi": "extract frames as JPEG",
}  # fmt: skip
HEIF_BRANDS = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypmif1", b"ftypmsf1")
INSTALL_HEIF = "an HEIC photo; install its reader with `pip install pillow-heif`, or convert it to JPEG"
MAX_PIXELS = 120_000_000  # a larger image is refused before it is decoded (decompression bombs)
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")


class Header(Struct, frozen=True):
    """What the header of an image file holds: the size as it is shown, whether it is grey, its Pillow mode, and transparency."""

    height: int
    width: int
    grey: bool
    mode: str = "RGB"
    transparent: bool = False


def peek(path: Path) -> Header | None:
    """The header of an image file; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(path) as image:
                rotated = image.getexif().get(0x0112, 1) >= 5
                width, height = image.size[::-1] if rotated else image.size
                clear = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
                return Header(height, width, image.mode in GREY_MODES, image.mode, clear)
    except Exception:  # damaged headers raise whatever Pillow's plugins raise; decoding the image gives the reason
        return None


def open_image(source):
    """`PIL.Image.open` of a path or bytes; HEIC through pillow-heif, where it is installed."""
    from PIL import Image

    try:
        return Image.open(source if isinstance(source, str | Path) else io.BytesIO(source))
    except Image.UnidentifiedImageError:
        if _head(source)[4:12] not in HEIF_BRANDS or not importlib.util.find_spec("pillow_heif"):
            raise
        import pillow_heif

        pillow_heif.register_heif_opener()
        return Image.open(source if isinstance(source, str | Path) else io.BytesIO(source))


def refuse_bomb(size: tuple[int, int], name: str) -> None:
    """Raises `DataError` for an image of too many pixels, before it is decoded."""
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(f"{name} is {size[0]} by {size[1]} pixels: expected at most {MAX_PIXELS:,} in all; reduce it first.")


def what_it_is(source) -> str:
    """What the first bytes of a file that is no readable image say about it."""
    head = _head(source)
    if not head:
        return "it is empty (0 bytes)"
    if head[4:12] in HEIF_BRANDS:
        return f"it is {INSTALL_HEIF}"
    if head.startswith(MAGIC) or head[8:12] == b"WEBP":
        return f"it begins as one ({head[:8]!r}) and is cut short or damaged"
    return f"its first bytes are {head[:8]!r}; expected JPEG, PNG, WebP, AVIF, BMP, GIF, TIFF or another format of Pillow"


def _head(source) -> bytes:
    if not isinstance(source, str | Path):
        return bytes(source[:16])
    with open(source, "rb") as file:
        return file.read(16)
