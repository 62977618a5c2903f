"""The loss of eq. 13: L1, contrastive (eq. 12), CLIP-aware (eq. 9), difficulty-adaptive perceptual (eqs. 10 and 11)."""

import torch
import torch.nn.functional as F
from torch import nn

from clip import Vision
from dinov2 import Dinov2
from recipe import array, fill
from vgg16 import Vgg16

WEIGHT = 0.1
TEMPERATURE = 0.07
CLIP_SCALE = 100.0
LAYER_WEIGHTS = (1 / 16, 1 / 8, 1 / 4, 1)
AVERAGE_PSNR, PROXIES, DIFFICULTY = 27.0, (24.0, 30.0), 0.25
EPSILON = 1e-7


def frozen(tower):
    return fill(tower, tower.published).requires_grad_(False).eval()


def normalised(image, tower):
    mean = image.new_tensor(tower.MEAN).view(1, 3, 1, 1)
    return (image - mean) / image.new_tensor(tower.DEVIATION).view(1, 3, 1, 1)


def resized(image, tower):
    return F.interpolate(image, size=(tower.RESOLUTION, tower.RESOLUTION), mode="bilinear")


def contrastive(anchor, positive, kinds):
    """Each Z between the other crop of its picture and all crops of other kinds."""
    anchor, positive = F.normalize(anchor, dim=1), F.normalize(positive, dim=1)
    same = kinds[:, None] == torch.cat([kinds, kinds])
    negatives = (anchor @ torch.cat([anchor, positive]).T / TEMPERATURE).masked_fill(same, -1e30)
    first = (anchor * positive).sum(1, keepdim=True) / TEMPERATURE
    return -torch.cat([first, negatives], 1).log_softmax(1)[:, 0].mean()


class Objective:
    """With the towers in their published sizes, or with others."""

    clip_scale = CLIP_SCALE

    def __init__(self, clip=Vision, dino=Dinov2, vgg=Vgg16):
        self.clip, self.dino, self.vgg = frozen(clip()), frozen(dino()).settle(), frozen(vgg())
        self.text = F.normalize(array("text", (3, self.clip.proj.shape[1])), dim=1)
        hard = [1 + DIFFICULTY if AVERAGE_PSNR >= proxy else 1 - DIFFICULTY for proxy in PROXIES]
        self.negative_weights = (len(PROXIES), *hard)

    @torch.no_grad()
    def tokens(self, degraded):
        return self.dino(normalised(resized(degraded, self.dino), self.dino))

    def clip_aware(self, restored):
        image = self.clip(normalised(resized(restored, self.clip), self.clip))
        logits = self.clip_scale * F.normalize(image, dim=1) @ self.text.T
        return (1 - logits.softmax(1)[:, 0]).mean()

    def perceptual(self, restored, clean, degraded, negatives):
        with torch.no_grad():
            fixed = self.vgg(normalised(torch.cat([clean, degraded, *negatives]), self.vgg))
        loss = 0.0
        for weight, ours, others in zip(LAYER_WEIGHTS, self.vgg(normalised(restored, self.vgg)), fixed):
            positive, *pushing = (F.l1_loss(ours, other) for other in others.split(len(restored)))
            below = sum(factor * distance for factor, distance in zip(self.negative_weights, pushing))
            loss = loss + weight * positive / (below + EPSILON)
        return loss

    def __call__(self, network, crops):
        restored, z = network(crops["degraded"], self.tokens(crops["degraded"]))
        terms = {
            "l1": F.l1_loss(restored, crops["clean"]),
            "contrastive": contrastive(z, network.cfe(crops["second"]), crops["kinds"]),
            "clip_aware": self.clip_aware(restored),
            "perceptual": self.perceptual(restored, crops["clean"], crops["degraded"], crops["negatives"]),
        }
        total = terms["l1"] + WEIGHT * (terms["contrastive"] + terms["clip_aware"] + terms["perceptual"])
        return {**terms, "loss": total}
