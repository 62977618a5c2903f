"""JPEGs of every kind that is read to libjpeg's levels, and the levels that Pillow gives them.

    python make.py        # beside this file; needs Pillow with libjpeg-turbo, and numpy
"""

from pathlib import Path

import numpy
from PIL import Image

FOLDER = Path(__file__).parent

# Pillow counts chroma at full size, half the width, and half of both as subsampling 0, 1, 2.
CASES = {
    "full": ((45, 37), {"subsampling": 0, "quality": 90}),
    "full_restarts": ((50, 41), {"subsampling": 0, "quality": 85, "restart_marker_rows": 1}),
    "half_width": ((45, 37), {"subsampling": 1, "quality": 75}),
    "half": ((45, 37), {"subsampling": 2, "quality": 95}),
    "half_even": ((64, 48), {"subsampling": 2, "quality": 30, "optimize": True}),
    "half_restarts": ((100, 50), {"subsampling": 2, "quality": 85, "restart_marker_blocks": 3}),
    "coarse": ((70, 33), {"subsampling": 2, "quality": 2}),
    "fine": ((33, 24), {"subsampling": 2, "quality": 100}),
    "grey": ((45, 37), {"quality": 80}),
    "grey_restarts": ((45, 37), {"quality": 80, "restart_marker_blocks": 4}),
}


def scene(width, height, seed):
    """Waves of colour, a square, a disc, and noise."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    waves = [128 + 70 * numpy.sin(x / (3 + 2 * c) + seed) + 50 * numpy.cos(y / (4 + c) - c) for c in range(3)]
    levels = numpy.stack(waves, axis=-1)
    levels[height // 4 : height // 2, width // 3 : 2 * width // 3] = [230, 30, 60]
    levels[(x - width * 0.7) ** 2 + (y - height * 0.6) ** 2 < (height / 5) ** 2] = [10, 60, 240]
    levels += random.normal(0, 6, levels.shape)
    return Image.fromarray(levels.clip(0, 255).round().astype("uint8"))


def main():
    for seed, (name, (size, settings)) in enumerate(CASES.items()):
        picture = scene(*size, seed)
        if name.startswith("grey"):
            picture = picture.convert("L")
        picture.save(FOLDER / f"{name}.jpg", **settings)
        Image.open(FOLDER / f"{name}.jpg").convert("RGB").save(FOLDER / f"{name}.png", optimize=True)
    scene(45, 37, 0).save(FOLDER / "progressive.jpeg", progressive=True)


if __name__ == "__main__":
    main()
