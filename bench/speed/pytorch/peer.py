"""PyTorch's side of the benchmark: does one piece of work as often as it is told to, and tells what it took.

    python peer.py eager|compile WORK_AS_JSON        (see `bench/speed/work.rs` and `side.rs`)
    python peer.py --versions
"""

import importlib
import json
import os
import platform
import resource
import sys
import time

import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True

from recipe import fill, picture

SAMPLES = 16
MODULES = {"restormer": "restormer", "nafnet": "nafnet", "perceive-ir": "perceive_ir"}


def versions():
    return f"PyTorch {torch.__version__}, Python {platform.python_version()}"


def sampled(image):
    values = image.detach().flatten()
    places = [index * (len(values) - 1) // (SAMPLES - 1) for index in range(SAMPLES)]
    return {f"output {place}": values[place].item() for place in places}


def norm(gradients):
    return sum(gradient.double().square().sum().item() for gradient in gradients) ** 0.5


class Task:
    def __init__(self, work, compiled):
        module = importlib.import_module(MODULES[work["network"]])
        network = getattr(module, work["size"])()
        self.bare = fill(network, network.published)
        self.network = torch.compile(self.bare) if compiled else self.bare
        self.size = work["batch"], work["height"], work["width"]
        self.degraded = picture("degraded", *self.size)

    def parameters(self):
        return sum(parameter.numel() for parameter in self.bare.parameters())


class Forward(Task):
    @torch.no_grad()
    def restored(self):
        _, height, width = self.size
        multiple = self.bare.MULTIPLE
        padded = F.pad(self.degraded, (0, -width % multiple, 0, -height % multiple), "reflect")
        return self.network(padded)[:, :, :height, :width]

    run = restored

    def check(self):
        return sampled(self.restored())


class Backward(Task):
    def __init__(self, work, compiled):
        super().__init__(work, compiled)
        self.clean = picture("clean", *self.size)

    def run(self):
        self.bare.zero_grad(set_to_none=True)
        restored = self.network(self.degraded)
        F.l1_loss(restored, self.clean).backward()
        return restored

    def check(self):
        restored = self.run()
        return {**sampled(restored), "gradient norm": norm(p.grad for p in self.bare.parameters())}


class Step(Backward):
    """With AdamW and the gradient clipped by its norm."""

    def __init__(self, work, compiled):
        super().__init__(work, compiled)
        self.adamw = torch.optim.AdamW(self.bare.parameters(), lr=2e-4, weight_decay=1e-4, fused=True)

    def losses(self):
        loss = F.l1_loss(self.network(self.degraded), self.clean)
        return {"l1": loss, "loss": loss}

    def run(self):
        self.adamw.zero_grad(set_to_none=True)
        losses = self.losses()
        losses["loss"].backward()
        length = torch.nn.utils.clip_grad_norm_(self.bare.parameters(), 1.0)
        self.adamw.step()
        return {name: loss.item() for name, loss in losses.items()}, length.item()

    def check(self):
        losses, length = self.run()
        return {**losses, "gradient norm": length}


class PaperStep(Step):
    """The same with all four losses and their towers."""

    def __init__(self, work, compiled):
        super().__init__(work, compiled)
        from objective import Objective

        self.objective = Objective()
        self.crops = {
            "degraded": self.degraded,
            "clean": self.clean,
            "second": picture("second", *self.size),
            "negatives": [picture(f"negative.{index}", *self.size) for index in range(2)],
            "kinds": torch.arange(work["batch"]),
        }

    def losses(self):
        return self.objective(self.network, self.crops)


TASKS = {"forward": Forward, "backward": Backward, "step": Step, "paper-step": PaperStep}


def peak_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def say(what):
    print(json.dumps(what), flush=True)


def main():
    if sys.argv[1] == "--versions":
        print(versions())
        return
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    work = json.loads(sys.argv[2])
    task = TASKS[work["kind"]](work, compiled=sys.argv[1] == "compile")
    say({"parameters": task.parameters()})
    for word in sys.stdin:
        if word.strip() == "check":
            say(task.check())
            continue
        times = int(word)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        began = time.perf_counter()
        for _ in range(times):
            task.run()
        seconds = (time.perf_counter() - began) / times
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        say({"seconds": seconds, "peak": peak_memory(), "faults": faults})


if __name__ == "__main__":
    main()
