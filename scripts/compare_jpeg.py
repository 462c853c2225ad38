#!/usr/bin/env python3
"""Share of values in which our decoding of JPEG files differs from Pillow's.

    pip install pillow numpy
    scripts/compare_jpeg.py FOLDER [...]

Prints the share of differing values, the largest difference and the files that differ; exit code 1 when
there are any. Pillow decodes with libjpeg-turbo, as torchvision, TensorFlow and OpenCV do.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ENDINGS = {".jpg", ".jpeg"}
BATCH = 200


def pictures(folders):
    for folder in map(pathlib.Path, folders):
        found = folder.rglob("*") if folder.is_dir() else [folder]
        yield from sorted(p for p in found if p.suffix.lower() in ENDINGS)


def pillow(path):
    """Pixels as torchvision's folders of pictures give them; grey ones keep one channel."""
    with Image.open(path) as picture:
        picture = picture if picture.mode == "L" else picture.convert("RGB")
        pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def ours(paths):
    """Pixels of all files, and the milliseconds that decoding took."""
    root = pathlib.Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        command = ["cargo", "run", "--quiet", "--example", "pixels", "--", folder]
        out = subprocess.run(command + [p.absolute() for p in paths], cwd=root,
                             check=True, stdout=subprocess.PIPE)
        return [np.load(f"{folder}/{i}.npy") for i in range(len(paths))], float(out.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    paths = list(pictures(parser.parse_args().folders))
    values = different = largest = 0
    files, their_time, our_time = [], 0.0, 0.0
    for start in range(0, len(paths), BATCH):
        batch = paths[start:start + BATCH]
        pixels, spent = ours(batch)
        our_time += spent
        for path, mine in zip(batch, pixels):
            now = time.perf_counter()
            other = pillow(path)
            their_time += (time.perf_counter() - now) * 1e3
            if mine.shape != other.shape:
                sys.exit(f"{path}: shape {mine.shape} here, {other.shape} in Pillow")
            differences = np.abs(mine.astype(int) - other)
            values += differences.size
            different += np.count_nonzero(differences)
            largest = max(largest, differences.max(initial=0))
            if differences.any():
                files.append(f"{path}: {np.count_nonzero(differences)} values, up to {differences.max()}")
    print("\n".join(files[:20]))
    print(f"{len(paths)} files, {values} values: {different} differ "
          f"({different / max(values, 1):.2%}), by up to {largest}; {len(files)} files")
    print(f"decoding: {our_time:.0f} ms here, {their_time:.0f} ms in Pillow")
    sys.exit(1 if files else 0)


if __name__ == "__main__":
    main()
