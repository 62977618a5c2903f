"""Networks in PyTorch, built by this program's own settings of them (its `NetworkConfig` as JSON)."""

import pathlib
import sys

PEERS = pathlib.Path(__file__).parents[2] / "bench" / "speed" / "pytorch"
sys.dont_write_bytecode = True
sys.path.insert(0, str(PEERS))

from nafnet import Nafnet
from perceive_ir import PerceiveIr
from restormer import Restormer

# What the networks here can be told, by its name there; everything else they have in one way.
SETTINGS = {
    "restormer": (Restormer, {"dim": "dim", "blocks": "blocks", "heads": "heads", "refine": "refine"}),
    "nafnet": (Nafnet, {"width": "width", "encoder": "encoder", "middle": "middle", "decoder": "decoder"}),
    "perceive-ir": (
        PerceiveIr,
        {
            "dim": "dim",
            "blocks": "blocks",
            "heads": "heads",
            "refine": "refine",
            "feat_dim": "token",
            "z_dim": "z",
            "cfe_widths": "widths",
            "cfe_units": "units",
        },
    ),
}
FIXED = {
    "expansion": 2.66,
    "bias": False,
    "norm": "with-bias",
    "local": 0,
    "pgm_scope": "block",
    "pgm_hidden": 0,
    "pgm_kernel": 1,
    "pgca": "single",
    "cfe": True,
    "guidance": True,
    "pgm": True,
}


def network(settings):
    """The network, with weights as they come."""
    build, names = SETTINGS[settings["network"]]
    other = {name: value for name, value in settings.items() if name not in names and name != "network"}
    unknown = [f"{name} = {value}" for name, value in other.items() if FIXED.get(name) != value]
    if unknown:
        raise SystemExit(f"the PyTorch side has no {settings['network']} with {', '.join(unknown)}")
    return build(**{names[name]: value for name, value in settings.items() if name in names})


def weights(network):
    """Every weight under its published key."""
    return {network.published(key): value.detach() for key, value in network.named_parameters()}
