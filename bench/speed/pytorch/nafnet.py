"""NAFNet of width 32 (Chen et al., ECCV 2022)."""

import torch
import torch.nn.functional as F
from torch import nn

from restormer import ChannelNorm


def gate(x):
    a, b = x.chunk(2, dim=1)
    return a * b


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        wide = 2 * channels
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.conv1 = nn.Conv2d(channels, wide, 1)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1))
        self.conv4 = nn.Conv2d(channels, wide, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.norm1 = ChannelNorm(channels, 1e-6)
        self.norm2 = ChannelNorm(channels, 1e-6)

    def forward(self, x):
        features = gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(features * self.sca(features)) * self.beta
        return x + self.conv5(gate(self.conv4(self.norm2(x)))) * self.gamma


def stack(count, channels):
    return nn.Sequential(*(Block(channels) for _ in range(count)))


def up(channels):
    return nn.Sequential(nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.PixelShuffle(2))


class Nafnet(nn.Module):
    MULTIPLE = 16

    def __init__(self, width=32, encoder=(1, 1, 1, 28), middle=1, decoder=(1, 1, 1, 1)):
        super().__init__()
        widths = [width << level for level in range(len(encoder))]
        self.intro = nn.Conv2d(3, width, 3, padding=1)
        self.ending = nn.Conv2d(width, 3, 3, padding=1)
        self.encoders = nn.ModuleList(map(stack, encoder, widths))
        self.downs = nn.ModuleList(nn.Conv2d(channels, 2 * channels, 2, stride=2) for channels in widths)
        self.middle_blks = stack(middle, 2 * widths[-1])
        self.ups = nn.ModuleList(up(2 * channels) for channels in reversed(widths))
        self.decoders = nn.ModuleList(map(stack, decoder, reversed(widths)))

    def forward(self, image):
        skips, x = [], self.intro(image)
        for blocks, down in zip(self.encoders, self.downs):
            skips.append(blocks(x))
            x = down(skips[-1])
        x = self.middle_blks(x)
        for widen, blocks in zip(self.ups, self.decoders):
            x = blocks(widen(x) + skips.pop())
        return self.ending(x) + image

    @staticmethod
    def published(key):
        return key


def paper():
    return Nafnet()
