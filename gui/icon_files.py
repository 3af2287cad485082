"""The icon files of Windows and macOS, packed from PNGs; both formats are a directory in front of unchanged PNG data."""

import struct
from collections.abc import Mapping

# Types of square PNG images by width in pixels: https://en.wikipedia.org/wiki/Apple_Icon_Image_format
ICNS_TYPES = {32: b"ic11", 64: b"ic12", 128: b"ic07", 256: b"ic08", 512: b"ic09"}
ICO_MAX_PIXELS = 256


def ico(images: Mapping[int, bytes]) -> bytes:
    """A Windows .ico of PNGs by width in pixels; wider ones than the format allows are left out."""
    kept = {width: data for width, data in sorted(images.items()) if width <= ICO_MAX_PIXELS}
    header = struct.pack("<HHH", 0, 1, len(kept))
    offset = len(header) + 16 * len(kept)
    entries = b""
    for width, data in kept.items():
        side = width % ICO_MAX_PIXELS  # 0 stands for 256
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(data), offset)
        offset += len(data)
    return header + entries + b"".join(kept.values())


def icns(images: Mapping[int, bytes]) -> bytes:
    """A macOS .icns of PNGs by width in pixels; widths the format does not have are left out."""
    kept = {ICNS_TYPES[width]: data for width, data in sorted(images.items()) if width in ICNS_TYPES}
    body = b"".join(struct.pack(">4sI", kind, 8 + len(data)) + data for kind, data in kept.items())
    return struct.pack(">4sI", b"icns", 8 + len(body)) + body
