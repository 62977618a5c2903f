"""A restorer that `perceive-ir weights export` wrote, run by PyTorch.

    python restore.py FILE OUT      # OUT: safetensors with `image`, and `z` where the network has one

The picture and DINOv2's tokens come from their names (`recipe.py`).
"""

import json
import sys

from networks import network  # first: it makes the peers importable

import torch
from recipe import array, picture
from safetensors import safe_open
from safetensors.torch import save_file


def load(path):
    """The network of the file, whose keys must be exactly the network's own."""
    with safe_open(path, "pt") as file:
        settings = json.loads(file.metadata()["configuration"])
        state = {key: file.get_tensor(key) for key in file.keys()}
    module = network(settings)
    own = {module.published(key): key for key in module.state_dict()}
    module.load_state_dict({own.get(key, key): value for key, value in state.items()})
    return module, settings


@torch.no_grad()
def main():
    module, settings = load(sys.argv[1])
    image = picture("image", 1, 48, 48)
    if settings["network"] == "perceive-ir":
        tokens = [array(f"token.{index}", (1, settings["feat_dim"])) for index in range(4)]
        restored, z = module(image, tokens)
        found = {"image": restored, "z": z}
    else:
        found = {"image": module(image)}
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, sys.argv[2])


if __name__ == "__main__":
    main()
