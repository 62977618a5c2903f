"""Perceive-IR's network (eqs. 2 to 8): a Restormer whose latent and decoder are guided by Z and DINOv2's tokens."""

import torch
import torch.nn.functional as F
from torch import nn

from restormer import (
    ChannelNorm,
    Down,
    Gdfn,
    Up,
    channel_attention,
    dense,
    depthwise,
    pointwise,
    stack,
)


class Pgm(nn.Module):
    """Y = γ(c) X + β(c), eq. 6."""

    def __init__(self, channels, condition):
        super().__init__()
        self.gamma_fc, self.beta_fc = nn.Linear(condition, channels), nn.Linear(condition, channels)
        self.gamma_conv, self.beta_conv = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x, condition):
        gamma = self.gamma_conv(self.gamma_fc(condition)[:, :, None, None])
        beta = self.beta_conv(self.beta_fc(condition)[:, :, None, None])
        return torch.addcmul(beta, x, gamma)


class Pgca(nn.Module):
    """Queries of Y, keys and values of X, eq. 7."""

    def __init__(self, channels, heads):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.q, self.q_dwconv = pointwise(channels, channels), depthwise(channels)
        self.kv, self.kv_dwconv = pointwise(channels, 2 * channels), depthwise(2 * channels)
        self.project_out = pointwise(channels, channels)

    def forward(self, x, y):
        k, v = self.kv_dwconv(self.kv(x)).chunk(2, dim=1)
        return self.project_out(channel_attention(self.q_dwconv(self.q(y)), k, v, self.temperature))


class Etb(nn.Module):
    def __init__(self, channels, heads, condition):
        super().__init__()
        self.norm1, self.attn = ChannelNorm(channels), Pgca(channels, heads)
        self.norm2, self.ffn = ChannelNorm(channels), Gdfn(channels)
        self.pgm = Pgm(channels, condition)

    def forward(self, x, condition):
        y = self.pgm(x, condition)
        y = y + self.attn(self.norm1(x), self.norm1(y))
        return y + self.ffn(self.norm2(y))


class Level(nn.Module):
    def __init__(self, count, channels, heads, condition):
        super().__init__()
        self.blocks = nn.ModuleList(Etb(channels, heads, condition) for _ in range(count))

    def forward(self, x, condition):
        for block in self.blocks:
            x = block(x, condition)
        return x


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        inner = self.conv2(F.leaky_relu(self.conv1(x), 0.1))
        return F.leaky_relu(inner + self.shortcut(x), 0.1)


class Unit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.leaky_relu(self.conv1(x), 0.1))


class Cfe(nn.Module):
    """Z of a picture."""

    def __init__(self, widths=(64, 128, 256), units=2, z=128):
        super().__init__()
        inputs = (3, *widths)
        strides = (1, *(2 for _ in widths[1:]))
        self.down = nn.ModuleList(map(Residual, inputs, widths, strides))
        self.units = nn.ModuleList(Unit(widths[-1]) for _ in range(units))
        self.fc1, self.fc2 = nn.Linear(widths[-1], z), nn.Linear(z, z)

    def forward(self, image):
        for block in (*self.down, *self.units):
            image = block(image)
        return self.fc2(F.leaky_relu(self.fc1(image.mean((2, 3))), 0.1))


class PerceiveIr(nn.Module):
    MULTIPLE = 8

    def __init__(self, dim=48, blocks=(4, 6, 6, 8), heads=(1, 2, 4, 8), refine=4, token=768, **cfe):
        super().__init__()
        self.cfe = Cfe(**cfe)
        z = self.cfe.fc2.out_features
        self.patch_embed = dense(3, dim)
        self.encoder_level1, self.down1_2 = stack(blocks[0], dim, heads[0]), Down(dim)
        self.encoder_level2, self.down2_3 = stack(blocks[1], 2 * dim, heads[1]), Down(2 * dim)
        self.encoder_level3, self.down3_4 = stack(blocks[2], 4 * dim, heads[2]), Down(4 * dim)
        self.latent = Level(blocks[3], 8 * dim, heads[3], z + token)
        self.up4_3, self.reduce_chan_level3 = Up(8 * dim), pointwise(8 * dim, 4 * dim)
        self.decoder_level3 = Level(blocks[2], 4 * dim, heads[2], z + token)
        self.up3_2, self.reduce_chan_level2 = Up(4 * dim), pointwise(4 * dim, 2 * dim)
        self.decoder_level2 = Level(blocks[1], 2 * dim, heads[1], z + token)
        self.up2_1 = Up(2 * dim)
        self.decoder_level1 = Level(blocks[0], 2 * dim, heads[0], z + token)
        self.refinement = stack(refine, 2 * dim, heads[0])
        self.output = dense(2 * dim, 3)

    def forward(self, image, tokens):
        z = self.cfe(image)
        c1, c2, c3, c4 = (torch.cat([z, token], 1) for token in tokens)
        skip1 = self.encoder_level1(self.patch_embed(image))
        skip2 = self.encoder_level2(self.down1_2(skip1))
        skip3 = self.encoder_level3(self.down2_3(skip2))
        x = self.latent(self.down3_4(skip3), c4)
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), skip3], 1)), c3)
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), skip2], 1)), c2)
        x = self.decoder_level1(torch.cat([self.up2_1(x), skip1], 1), c1)
        return self.output(self.refinement(x)) + image, z

    @staticmethod
    def published(key):
        return key


def paper():
    return PerceiveIr()
