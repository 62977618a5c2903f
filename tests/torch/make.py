"""Checkpoints as training programs save them, written by PyTorch itself.

    python make.py fixtures                    # the files of this folder, of some tensors of the golden NAFNet
    python make.py files SOURCE OUT LAYOUT …   # safetensors files, each in another layout

Layouts are combinations of the words below, joined by `+`: `lightning+net+half`.
"""

import argparse
import collections
import json
import pathlib
import struct
import sys

import numpy
import torch

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "golden"

PREFIXES = {"net": "net.", "module": "module.", "compiled": "_orig_mod."}
TYPES = {"half": torch.float16, "bfloat16": torch.bfloat16, "double": torch.float64}


def read(path):
    """The tensors of a safetensors file of float32, without those in double underscores."""
    bytes_ = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", bytes_[:8])
    header = json.loads(bytes_[8 : 8 + length])
    tensors = collections.OrderedDict()
    for key, entry in header.items():
        if key.startswith("__"):
            continue
        begin, end = entry["data_offsets"]
        data = numpy.frombuffer(bytes_[8 + length + begin : 8 + length + end], dtype="<f4")
        tensors[key] = torch.from_numpy(data.copy()).reshape(entry["shape"])
    return tensors


def optimizer(state):
    """AdamW's state dict after one step, as it is saved beside the weights."""
    parameters = [torch.nn.Parameter(tensor.float().clone()) for tensor in list(state.values())[:2]]
    adamw = torch.optim.AdamW(parameters, lr=2e-4)
    sum(parameter.sum() for parameter in parameters).backward()
    adamw.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(adamw, [10, 20])
    return adamw.state_dict(), schedule.state_dict()


def wrapped(state, words):
    """What is given to torch.save."""
    for word in words:
        if word in TYPES:
            state = collections.OrderedDict((key, tensor.to(TYPES[word])) for key, tensor in state.items())
    for word in words:
        if word == "counters":
            # Batch norm's, as state dicts have them.
            for key in [key for key in state if key.endswith("running_var")]:
                state[key.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
        if word == "parameters":
            state = collections.OrderedDict((key, torch.nn.Parameter(tensor)) for key, tensor in state.items())
        if word == "transposed":
            state = collections.OrderedDict((key, strided(tensor)) for key, tensor in state.items())
        if word in PREFIXES:
            state = collections.OrderedDict((PREFIXES[word] + key, tensor) for key, tensor in state.items())
    for word in words:
        if word == "params":
            state = {"params": state}
        elif word == "ema":
            other = collections.OrderedDict((key, torch.zeros_like(tensor)) for key, tensor in state.items())
            state = {"params": other, "params_ema": state}
        elif word == "model":
            state = {"model": state, "epoch": 1000}
        elif word == "trainer":
            adamw, schedule = optimizer(state)
            state = {"epoch": 80, "state_dict": state, "optimizer": adamw, "scheduler": schedule, "best": 39.2}
        elif word == "lightning":
            adamw, schedule = optimizer(state)
            state = {
                "epoch": 119,
                "global_step": 61_440,
                "pytorch-lightning_version": "2.0.1",
                "state_dict": state,
                "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 120}}}},
                "callbacks": {
                    "ModelCheckpoint{'monitor': None}": {
                        "best_model_score": torch.tensor(0.01),
                        "best_model_path": pathlib.PurePosixPath("checkpoints/last.ckpt"),
                        "best_k_models": {},
                    }
                },
                "optimizer_states": [adamw],
                "lr_schedulers": [schedule],
                "hparams_name": "args",
                "hyper_parameters": argparse.Namespace(lr=2e-4, de_type=["denoise_15", "derain"], cuda=numpy.float64(0)),
            }
    return state


def strided(tensor):
    """The same values, last dimension first in memory, behind three numbers of another tensor."""
    if tensor.dim() < 2:
        return tensor
    order = list(reversed(range(tensor.dim())))
    turned = tensor.permute(order).contiguous()
    storage = torch.cat([torch.zeros(3, dtype=tensor.dtype), turned.flatten()])
    return storage[3:].reshape(turned.shape).permute(order)


def save(state, out, layout):
    words = layout.split("+")
    torch.save(wrapped(state, words), out, _use_new_zipfile_serialization="legacy" not in words)


def fixtures():
    golden = read(GOLDEN / "nafnet.safetensors")
    few = collections.OrderedDict(
        (key, tensor) for key, tensor in golden.items() if key.startswith(("intro.", "ending.", "encoders.0.0."))
    )
    for layout in [
        "bare",
        "legacy",
        "params",
        "ema+legacy",
        "lightning+net+half",
        "trainer+module",
        "trainer+module+legacy",
        "model+bfloat16+compiled",
        "double+parameters",
        "transposed",
        "transposed+legacy+half",
    ]:
        save(few, HERE / f"{layout}.pth", layout)
    scripted = torch.jit.script(Scripted(golden["intro.weight"]))
    torch.jit.save(scripted, HERE / "scripted.pt")


class Scripted(torch.nn.Module):
    """A module with a child in half precision."""

    def __init__(self, weight):
        super().__init__()
        self.intro = torch.nn.Conv2d(3, weight.shape[0], 3, bias=False).half()
        self.intro.weight.data = weight.half()
        self.register_buffer("scale", torch.tensor(2.5))

    def forward(self, x):
        return self.intro(x)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fixtures"]:
            fixtures()
        case ["files", *files] if files and len(files) % 3 == 0:
            for source, out, layout in zip(files[::3], files[1::3], files[2::3]):
                save(read(source), out, layout)
        case _:
            sys.exit(__doc__)
