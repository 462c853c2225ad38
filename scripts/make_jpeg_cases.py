#!/usr/bin/env python3
"""Makes the small JPEG files of tests/data/pictures/jpeg with the pixels that Pillow decodes them to.

    pip install pillow numpy
    scripts/make_jpeg_cases.py

Every NAME.jpg has a NAME.png beside it: 8-bit grey, or RGB (converted from CMYK where need be). The
pictures are generated. Kinds that Pillow does not write are made by changing headers of what it does.
"""
import io
from pathlib import Path

import numpy as np
from PIL import Image

OUT = Path(__file__).resolve().parent.parent / "tests/data/pictures/jpeg"


def scene(height, width, seed, noise=25):
    """Waves, edges and noise: much of everything in a few pixels."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / 3.1 + y / 7), 127 + 120 * np.cos(x * y / 40), (x * 17 + y * 29) % 256]
    values = np.stack(waves, -1) + random.normal(0, noise, (height, width, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def meadow(height, width, seed):
    """Slow changes: what is left of it at low frequencies is smoothed by decoders."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(x / 23 + y / 37 + seed), 127 + 100 * np.cos(x * y / 900), (2 * x + 3 * y) % 256]
    return Image.fromarray(np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8))


def encoded(picture, **options):
    file = io.BytesIO()
    picture.save(file, "jpeg", **{"quality": 85, **options})
    return bytearray(file.getvalue())


def segments(data):
    """(marker, start, end) of the segments; a scan's end is that of its header."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0, 0xFF) or 0xD0 <= data[at + 1] <= 0xD9:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        yield data[at + 1], at, end
        at = end


def relabelled(data, sampling, height, width):
    """Other sampling factors for the same blocks."""
    start = next(start for marker, start, _ in segments(data) if marker in (0xC0, 0xC2))
    data[start + 5:start + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    for i, factor in enumerate(sampling):
        data[start + 11 + 3 * i] = factor
    return data


def units(size, unit):
    return -(-size // unit)


def stopped(data, scans):
    """A progressive file that ends after some of its scans."""
    starts = [start for marker, start, _ in segments(data) if marker == 0xDA]
    return data[:starts[scans]] + b"\xff\xd9"


def without_tables(data):
    tables = [(start, end) for marker, start, end in segments(data) if marker == 0xC4]
    for start, end in reversed(tables):
        del data[start:end]
    return data


def adobe(data, transform):
    data[data.index(b"Adobe") + 11] = transform
    return data


def turned(picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture, exif=exif)


def cases():
    for name in ("444", "422", "420"):
        sampling = ":".join(name)
        yield name, encoded(scene(24, 32, 1), subsampling=sampling)
        yield f"{name}_odd", encoded(scene(19, 29, 2), subsampling=sampling)
        yield f"{name}_progressive", encoded(scene(19, 29, 3), subsampling=sampling, progressive=True)
        yield f"{name}_narrow", encoded(scene(5, 3, 4), subsampling=sampling)
    for height, width in ((32, 24), (29, 19)):
        other = scene(8 * units(height, 16), 16 * units(width, 8), 5)
        data = relabelled(encoded(other, subsampling="4:2:2"), [0x12, 0x11, 0x11], height, width)
        yield f"440_{height}x{width}", data
    other = scene(16 * units(21, 8), 16 * units(45, 32), 6)
    yield "411", relabelled(encoded(other, subsampling="4:2:0"), [0x41, 0x11, 0x11], 21, 45)
    yield "one_pixel", encoded(scene(1, 1, 7))
    yield "restart", encoded(scene(35, 50, 8), subsampling="4:2:0", restart_marker_blocks=2)
    yield "restart_progressive", encoded(
        scene(35, 50, 9), subsampling="4:2:0", progressive=True, restart_marker_blocks=1)
    yield "optimised", encoded(scene(24, 32, 10), optimize=True)
    yield "coarse", encoded(scene(24, 32, 11, noise=90), quality=1)
    yield "fine", encoded(scene(24, 32, 12, noise=90), quality=100, subsampling="4:4:4")
    yield "grey", encoded(scene(21, 30, 13).convert("L"))
    yield "grey_progressive", encoded(scene(21, 30, 14).convert("L"), progressive=True)
    yield "grey_2x2", relabelled(encoded(scene(21, 30, 15).convert("L")), [0x22], 21, 30)
    yield "rgb", encoded(scene(21, 30, 16), keep_rgb=True)
    yield "cmyk", encoded(scene(21, 30, 17).convert("CMYK"))
    yield "ycck", adobe(encoded(scene(21, 30, 18).convert("CMYK")), 2)
    yield "without_tables", without_tables(encoded(scene(24, 32, 19)))
    fill = encoded(scene(24, 32, 20))
    yield "fill_bytes", fill[:-2] + b"\x12\x34\xff\xff\xff\xd9after the end"
    for height, width, scans in ((56, 72, 1), (41, 57, 1), (56, 72, 4), (41, 57, 6), (20, 9, 1)):
        data = encoded(meadow(height, width, scans), subsampling="4:2:0", progressive=True, quality=60)
        yield f"stops_{height}x{width}_{scans}", stopped(data, scans)
    for orientation in (1, 3, 6):
        yield f"orientation_{orientation}", turned(scene(12, 20, 21), orientation)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, data in cases():
        (OUT / f"{name}.jpg").write_bytes(data)
        with Image.open(OUT / f"{name}.jpg") as picture:
            picture = picture if picture.mode == "L" else picture.convert("RGB")
            picture.save(OUT / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
