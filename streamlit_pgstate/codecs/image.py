"""PIL images: the pixels, with mode, size, palette, format and the plain values of ``info``."""

from __future__ import annotations

from typing import Any

from . import plain, sections
from .limits import check_size
from .payload import Body, Codec, DamagedError, RefusedError, UnreadableError

__all__ = ["CODECS"]

# mode: bytes of one pixel; mode "1" packs eight pixels of a row into one byte
_PIXEL_BYTES = {
    **dict.fromkeys(("1", "L", "P"), 1),
    **dict.fromkeys(("LA", "PA", "La", "I;16", "I;16L", "I;16B", "I;16N"), 2),
    **dict.fromkeys(("RGB", "YCbCr", "LAB", "HSV"), 3),
    **dict.fromkeys(("RGBA", "RGBX", "RGBa", "CMYK", "I", "F"), 4),
}


# Limits the lines of an image of no width, because Pillow uses memory for each line.
_MOST_EMPTY = 1 << 16


def _dump(image: Any) -> bytes:
    if image.mode not in _PIXEL_BYTES:
        raise RefusedError(
            f"an image of the mode {image.mode!r}, which is not kept. "
            "Keep `value.convert('RGB')` instead"
        )
    if _frames(image) > 1:
        raise RefusedError(
            "an image of several frames, of which only one would be kept. "
            "Keep `[frame.copy() for frame in PIL.ImageSequence.Iterator(value)]` instead, or the "
            "bytes of its file"
        )
    header: dict[str, Any] = {
        "mode": image.mode,
        "size": list(image.size),
        "info": _notes(image.info),
    }
    if image.format is not None:
        header["format_name"] = image.format
    if not all(image.size) and max(image.size) > _MOST_EMPTY:
        raise RefusedError(
            f"an image of no pixels, in over {_MOST_EMPTY:,} lines or columns. "
            "Keep `value.size` instead"
        )
    check_size(_size(image.mode, *image.size))
    palette = [] if image.palette is None else [_dump_palette(image, header)]
    pixels = image.tobytes() if all(image.size) else b""
    return sections.join(header, [pixels, *palette])


def _frames(image: Any) -> int:
    """Load the pixels of an image, and return how many frames it has."""
    try:
        frames = getattr(image, "n_frames", 1)
        image.load()
    except Exception as cause:  # AssertionError for a closed file, any error for a damaged one
        raise RefusedError(
            f"an image that Pillow cannot load ({type(cause).__name__}): its file is closed or "
            "damaged. Call its load() while the file is open"
        ) from cause
    return int(frames)


def _notes(info: dict[Any, Any]) -> dict[str, object]:
    """Return the entries of ``info`` that are plain. Those of PIL's own classes are left out."""
    notes = {}
    for name, note in info.items():
        if type(name) is not str:
            continue
        text = str(note) if isinstance(note, str) else note  # PNG's text is a subclass of str
        try:
            plain.dump(text)
        except RefusedError:
            continue
        notes[name] = text
    return notes


def _dump_palette(image: Any, header: dict[str, Any]) -> bytes:
    header["palette"] = image.palette.mode
    return bytes(image.getpalette(image.palette.mode) or ())


def _load(body: Body) -> Any:
    library = _pillow()
    header, (pixels, *palette) = sections.split(body)
    mode, (width, height) = header["mode"], header["size"]
    if len(pixels) != _size(mode, width, height):
        raise DamagedError("an image whose pixels do not match its stated size")
    if pixels:
        image = _image(library, mode, (width, height), pixels)
    elif max(width, height) > _MOST_EMPTY:
        raise DamagedError("an image of no pixels, but with very many lines")
    else:
        image = library.new(mode, (width, height))
    if palette:
        image.putpalette(bytes(palette[0]), header["palette"])
    image.info = dict(header["info"])
    image.format = header.get("format_name")
    return image


def _image(library: Any, mode: str, size: tuple[int, int], pixels: memoryview) -> Any:
    try:
        return library.frombytes(mode, size, pixels)
    except TypeError:  # Pillow 9 accepts only bytes
        return library.frombytes(mode, size, bytes(pixels))


def _size(mode: str, width: int, height: int) -> int:
    if type(width) is not int or type(height) is not int or min(width, height) < 0:
        raise DamagedError("an image without a valid size")
    line = (width + 7) // 8 if mode == "1" else width
    return line * height * _PIXEL_BYTES[mode]


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise UnreadableError("and needs Pillow: pip install pillow") from None
    return Image


CODECS = {"PIL.image": Codec(_dump, _load)}
