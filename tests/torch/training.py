"""Short trainings in PyTorch, recorded as the golden cases `training_*` for this program's own to agree with.

    python training.py [OUT]        # without OUT: tests/golden

Weights, pictures and noise come from their names (`recipe.py`), so the record holds only what came of them: the losses and
the gradient's norm of every step, and by how much every weight had changed in the end (as float16). Kernels begin as long
as PyTorch draws them: from longer ones, a training in float32 and the same in float64 part by more than a hundredth.
"""

import functools
import json
import math
import pathlib
import sys

from networks import network, weights  # first: it makes the peers importable

import torch
import torch.nn.functional as F
from clip import Vision
from dinov2 import Dinov2
from objective import AVERAGE_PSNR, DIFFICULTY, PROXIES, TEMPERATURE, WEIGHT, Objective
from recipe import fill, picture
from safetensors.torch import save_file
from vgg16 import Vgg16

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"

FOUR_LEVELS = {"dim": 16, "blocks": [1, 1, 1, 2], "heads": [1, 2, 4, 8], "refine": 1}
NETWORKS = [
    {"network": "restormer", **FOUR_LEVELS},
    {"network": "nafnet", "width": 16, "encoder": [1, 1, 1, 6], "middle": 1, "decoder": [1, 1, 1, 1]},
    {
        "network": "perceive-ir",
        **FOUR_LEVELS,
        "feat_dim": 24,
        "z_dim": 32,
        "cfe_widths": [16, 32, 64],
        "cfe_units": 1,
    },
]
STEPS, BATCH, PATCH = 50, 2, 64
KERNELS = 1 / math.sqrt(3)  # of the recipe's
CLIP_SCALE = 10.0
SCHEDULE = {"start": 2e-4, "end": 1e-6, "warm_up": 5, "cosine": True}
ADAMW = {"weight_decay": 1e-4, "clip_norm": 1.0}
CLIP = {"embed_dim": 32, "vision_layers": 2, "vision_width": 32, "vision_heads": 2, "vision_patch_size": 32}
DINOV2 = {"embed_dim": 24, "depth": 12, "num_heads": 2}
VGG16 = {"widths": [8, 8, "M", 16, 16, "M", 32, 32, 32]}
OBJECTIVE = {
    "weight": WEIGHT,
    "temperature": TEMPERATURE,
    "clip_scale": CLIP_SCALE,
    "average_psnr": AVERAGE_PSNR,
    "proxies": PROXIES,
    "difficulty": DIFFICULTY,
    "clip": CLIP,
    "dinov2": DINOV2,
    "vgg16": VGG16,
}


def objective():
    clip = functools.partial(
        Vision,
        width=CLIP["vision_width"],
        layers=CLIP["vision_layers"],
        heads=CLIP["vision_heads"],
        patch=CLIP["vision_patch_size"],
        features=CLIP["embed_dim"],
    )
    dino = functools.partial(Dinov2, width=DINOV2["embed_dim"], depth=DINOV2["depth"], heads=DINOV2["num_heads"])
    vgg = functools.partial(Vgg16, [None if width == "M" else width for width in VGG16["widths"]])
    terms = Objective(clip, dino, vgg)
    terms.clip_scale = CLIP_SCALE
    return terms


@torch.no_grad()
def start(module):
    for parameter in fill(module, module.published).parameters():
        if parameter.dim() >= 2 and parameter.numel() > max(parameter.shape):
            parameter.mul_(KERNELS)


def crops(step):
    def noise(name):
        return picture(f"{name}.{step}", BATCH, PATCH, PATCH) - 0.5

    clean = picture(f"clean.{step}", BATCH, PATCH, PATCH)
    return {
        "clean": clean,
        "degraded": clean + 0.25 * noise("degraded"),
        "second": clean + 0.25 * noise("second"),
        "negatives": [clean + 0.125 * noise(f"negative.{index}") for index in range(len(PROXIES))],
        "kinds": torch.arange(BATCH),
    }


def schedule(adamw):
    """A linear climb, then half a cosine."""
    warm_up = SCHEDULE["warm_up"]
    climb = torch.optim.lr_scheduler.LambdaLR(adamw, lambda step: min(1.0, (step + 1) / warm_up))
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adamw, STEPS - warm_up, SCHEDULE["end"])
    return torch.optim.lr_scheduler.SequentialLR(adamw, [climb, fall], [warm_up])


def train(settings):
    module = network(settings)
    start(module)
    before = {key: value.clone() for key, value in weights(module).items()}
    adamw = torch.optim.AdamW(module.parameters(), lr=SCHEDULE["start"], weight_decay=ADAMW["weight_decay"])
    rates = schedule(adamw)
    terms = objective() if settings["network"] == "perceive-ir" else None
    losses, norms = [], []
    for step in range(STEPS):
        batch = crops(step)
        adamw.zero_grad()
        if terms:
            found = terms(module, batch)
        else:
            loss = F.l1_loss(module(batch["degraded"]), batch["clean"])
            found = {"l1": loss, "loss": loss}
        found["loss"].backward()
        norms.append(torch.nn.utils.clip_grad_norm_(module.parameters(), ADAMW["clip_norm"]).item())
        adamw.step()
        rates.step()
        losses.append({name: value.item() for name, value in found.items()})
    change = {key: (value - before[key]).half().contiguous() for key, value in weights(module).items()}
    return losses, norms, change


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    for settings in NETWORKS:
        name = f"training_{settings['network'].replace('-', '_')}"
        losses, norms, change = train(settings)
        record = {
            "name": name,
            "note": f"PyTorch {torch.__version__}, tests/torch/training.py; tensors: how much each weight changed",
            "config": settings,
            "kernels": KERNELS,
            "batch": BATCH,
            "patch": PATCH,
            "schedule": SCHEDULE | {"steps": STEPS},
            "adamw": ADAMW,
            **({"objective": OBJECTIVE} if settings["network"] == "perceive-ir" else {}),
            "losses": losses,
            "gradient_norms": norms,
        }
        (out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        save_file(change, out / f"{name}.safetensors")
        print(f"{name}: loss {losses[0]['loss']:.4f} to {losses[-1]['loss']:.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()
