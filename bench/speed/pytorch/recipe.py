"""Weights and pictures made of nothing but their names, as `model/src/weights/recipe.rs` makes them."""

import math

import torch


def signed(value):
    """64 bits as torch's int64 holds them."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def fnv1a(key):
    value = 0xCBF29CE484222325
    for byte in key.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def shifted(z, bits):
    """Without the sign."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def units(key, count):
    """SplitMix64 seeded by the key: float32 in -1..1."""
    z = torch.arange(1, count + 1) * signed(0x9E3779B97F4A7C15) + signed(fnv1a(key))
    z = (z ^ shifted(z, 30)) * signed(0xBF58476D1CE4E5B9)
    z = (z ^ shifted(z, 27)) * signed(0x94D049BB133111EB)
    z = z ^ shifted(z, 31)
    return shifted(z, 40).float() / (1 << 23) - 1.0


def array(key, shape):
    count = math.prod(shape)
    unit = units(key, count)
    if len(shape) >= 2 and count > max(shape):
        unit *= math.sqrt(3 / math.prod(shape[1:]))
    else:
        ones = {"weight", "gamma", "temperature", "logit_scale"}
        unit = 0.1 * unit + (1.0 if key.rsplit(".", 1)[-1] in ones else 0.0)
    return unit.reshape(shape)


@torch.no_grad()
def fill(module, published=lambda key: key):
    """Gives every parameter the value of its published key."""
    for key, parameter in module.named_parameters():
        parameter.copy_(array(published(key), tuple(parameter.shape)))
    return module


def picture(name, batch, height, width):
    """Seeded noise in 0..1, [batch, 3, height, width]."""
    values = array(name, (batch * 3 * height * width,))
    return (0.5 + 5.0 * values).reshape(batch, 3, height, width)
