"""Restormer (Zamir et al., CVPR 2022), and the blocks that Perceive-IR shares with it."""

import re

import torch
import torch.nn.functional as F
from torch import nn


class ChannelNorm(nn.Module):
    """Layer norm over the channels of every pixel."""

    def __init__(self, channels, epsilon=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.epsilon = epsilon

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.epsilon)
        return x.permute(0, 3, 1, 2)


def pointwise(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def depthwise(channels):
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def dense(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def channel_attention(q, k, v, temperature):
    """Attention over channels: [B, C, H, W] each, temperature [heads, 1, 1]."""
    shape = q.shape
    q, k, v = (x.reshape(shape[0], len(temperature), -1, shape[2] * shape[3]) for x in (q, k, v))
    scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * temperature
    return (scores.softmax(-1) @ v).reshape(shape)


class Mdta(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = pointwise(channels, 3 * channels)
        self.qkv_dwconv = depthwise(3 * channels)
        self.project_out = pointwise(channels, channels)

    def forward(self, x):
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, dim=1)
        return self.project_out(channel_attention(q, k, v, self.temperature))


class Gdfn(nn.Module):
    def __init__(self, channels, expansion=2.66):
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = pointwise(channels, 2 * hidden)
        self.dwconv = depthwise(2 * hidden)
        self.project_out = pointwise(hidden, channels)

    def forward(self, x):
        gate, value = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        return self.project_out(F.gelu(gate) * value)


class TransformerBlock(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.norm1, self.attn = ChannelNorm(channels), Mdta(channels, heads)
        self.norm2, self.ffn = ChannelNorm(channels), Gdfn(channels)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


def stack(count, channels, heads):
    return nn.Sequential(*(TransformerBlock(channels, heads) for _ in range(count)))


class Down(nn.Sequential):
    def __init__(self, channels):
        super().__init__(dense(channels, channels // 2), nn.PixelUnshuffle(2))


class Up(nn.Sequential):
    def __init__(self, channels):
        super().__init__(dense(channels, 2 * channels), nn.PixelShuffle(2))


class Restormer(nn.Module):
    MULTIPLE = 8

    def __init__(self, dim=48, blocks=(4, 6, 6, 8), heads=(1, 2, 4, 8), refine=4):
        super().__init__()
        self.patch_embed = dense(3, dim)
        self.encoder_level1, self.down1_2 = stack(blocks[0], dim, heads[0]), Down(dim)
        self.encoder_level2, self.down2_3 = stack(blocks[1], 2 * dim, heads[1]), Down(2 * dim)
        self.encoder_level3, self.down3_4 = stack(blocks[2], 4 * dim, heads[2]), Down(4 * dim)
        self.latent = stack(blocks[3], 8 * dim, heads[3])
        self.up4_3, self.reduce_chan_level3 = Up(8 * dim), pointwise(8 * dim, 4 * dim)
        self.decoder_level3 = stack(blocks[2], 4 * dim, heads[2])
        self.up3_2, self.reduce_chan_level2 = Up(4 * dim), pointwise(4 * dim, 2 * dim)
        self.decoder_level2 = stack(blocks[1], 2 * dim, heads[1])
        self.up2_1 = Up(2 * dim)
        self.decoder_level1 = stack(blocks[0], 2 * dim, heads[0])
        self.refinement = stack(refine, 2 * dim, heads[0])
        self.output = dense(2 * dim, 3)

    def forward(self, image):
        skip1 = self.encoder_level1(self.patch_embed(image))
        skip2 = self.encoder_level2(self.down1_2(skip1))
        skip3 = self.encoder_level3(self.down2_3(skip2))
        x = self.latent(self.down3_4(skip3))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), skip3], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), skip2], 1)))
        x = self.decoder_level1(torch.cat([self.up2_1(x), skip1], 1))
        return self.output(self.refinement(x)) + image

    @staticmethod
    def published(key):
        """The key of the official checkpoints."""
        key = re.sub(r"\b(norm\d|(?:down|up)\d_\d)\.", r"\1.body.", key)
        return key.replace("patch_embed.", "patch_embed.proj.")


def paper():
    return Restormer()


def small():
    return Restormer(dim=16, blocks=(1, 1, 1, 2), refine=1)
