"""DINOv2 ViT-B/14 without registers."""

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads = heads

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x):
        return x * self.gamma


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(width, 1e-6), Attention(width, heads), Scale(width)
        self.norm2, self.mlp, self.ls2 = nn.LayerNorm(width, 1e-6), Mlp(width), Scale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)


class Dinov2(nn.Module):
    """[B, 3, 224, 224] to the class tokens behind four blocks, [B, 768] each."""

    RESOLUTION = 224
    MEAN = (0.485, 0.456, 0.406)
    DEVIATION = (0.229, 0.224, 0.225)
    BLOCKS = (0, 3, 7, 11)

    def __init__(self, width=768, depth=12, heads=12, patch=14, side=37):
        super().__init__()
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + side * side, width))
        self.patch_embed = PatchEmbed(width, patch)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, 1e-6)
        self.side, self.wanted = side, self.RESOLUTION // patch

    @torch.no_grad()
    def settle(self):
        """Resizes the table of positions, once."""
        table = self.pos_embed[:, 1:].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)
        scale = (self.wanted + 0.1) / self.side
        table = F.interpolate(table, scale_factor=scale, mode="bicubic")
        self.positions = torch.cat([self.pos_embed[:, :1], table.flatten(2).transpose(1, 2)], 1)
        return self

    def forward(self, image):
        patches = self.patch_embed.proj(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(image), -1, -1), patches], 1) + self.positions
        tokens = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.BLOCKS:
                tokens.append(self.norm(x[:, 0]))
        return tokens

    @staticmethod
    def published(key):
        return key
