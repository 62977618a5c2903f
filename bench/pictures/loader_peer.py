"""Batches from BSD400's JPEGs by PyTorch's DataLoader with two workers; prints pictures a second and memory as JSON.

    PERCEIVE_PICTURES=FOLDER python loader_peer.py cold|kept SECONDS

The same as `batches.rs`: decoded (Pillow), a random crop of 128 (cut before it is converted), flips, Gaussian noise of 25
(`torch.randn`), clipped, f32 as [16, 3, 128, 128]. Workers persist, and one long epoch spares the loader its ends. `kept`:
each worker keeps what it has decoded.
"""

import json
import os
import platform
import random
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import numpy
import PIL
import torch
from PIL import Image, features
from torch.utils.data import DataLoader, Dataset, Sampler

BATCH, PATCH, SIGMA, WORKERS = 16, 128, 25 / 255, 2


class Noisy(Dataset):
    def __init__(self, paths, keep):
        self.paths, self.kept = paths, {} if keep else None

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        picture = self.open(index)
        width, height = picture.size
        x, y = random.randint(0, width - PATCH), random.randint(0, height - PATCH)
        crop = numpy.asarray(picture.crop((x, y, x + PATCH, y + PATCH)))
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if random.random() < 0.5:
            crop = crop[::-1]
        clean = torch.from_numpy(crop.transpose(2, 0, 1).astype(numpy.float32)).div_(255)
        noisy = torch.randn(clean.shape).mul_(SIGMA).add_(clean).clamp_(0, 1)
        return noisy, clean

    def open(self, index):
        if self.kept is None:
            return Image.open(self.paths[index]).convert("RGB")
        if index not in self.kept:
            self.kept[index] = Image.open(self.paths[index]).convert("RGB")
        return self.kept[index]


class Endless(Sampler):
    """Each picture once in random order, again and again."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        while True:
            yield from torch.randperm(self.count).tolist()


def memory(process):
    told = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in told if line.startswith("Pss:")) * 1024


def main():
    how, seconds = sys.argv[1], float(sys.argv[2])
    folder = Path(os.environ["PERCEIVE_PICTURES"]) / "BSDS500/data/images"
    paths = sorted(path for split in ("train", "test") for path in (folder / split).glob("*.jpg"))
    data = Noisy(paths, how == "kept")
    loader = DataLoader(
        data,
        batch_size=BATCH,
        sampler=Endless(len(paths)),
        num_workers=WORKERS,
        persistent_workers=True,
    )
    batches = iter(loader)
    # Each worker sees every other batch: after so many epochs it has met nearly every picture.
    for _ in range(len(paths) // BATCH * (8 if how == "kept" else 1)):
        next(batches)
    made, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        next(batches)
        made += 1
    rate = made * BATCH / (time.perf_counter() - began)
    held = sum(memory(process) for process in [os.getpid(), *(child.pid for child in active_children())])
    simd = "turbo" if features.check_feature("libjpeg_turbo") else "plain"
    versions = f"torch {torch.__version__}, Pillow {PIL.__version__} (libjpeg-{simd}), Python {platform.python_version()}"
    print(json.dumps({"versions": versions, "rate": rate, "memory": held}))
    sys.stdout.flush()
    # Workers are in the middle of an endless epoch.
    for child in active_children():
        child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
