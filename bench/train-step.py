"""
The training steps of train-step.ts in PyTorch, as its guides advise for CPUs: channels_last, a fused optimizer, for bf16 autocast with
float32 weights. A request {network, batch, size, classes, precision, compiled, steps} is answered with the milliseconds of one step.
"""

import json
import sys
import time

import torch
from networks import build
from torch.nn import functional as F


class Training:
    def __init__(self, network, batch, size, classes, precision, compiled):
        torch.manual_seed(1)
        model = build(network).to(memory_format=torch.channels_last)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
        self.model = torch.compile(model) if compiled else model
        self.images = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
        self.labels = torch.arange(batch) % classes
        self.bf16 = precision == "bf16"

    def step(self):
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(self.images)
        F.cross_entropy(logits.float(), self.labels).backward()
        self.optimizer.step()


current = (None, None)


def measure(steps, **settings):
    global current
    if current[0] != settings:
        current = (settings, Training(**settings))
        for _ in range(2):
            current[1].step()
    start = time.perf_counter()
    for _ in range(steps):
        current[1].step()
    return 1000 * (time.perf_counter() - start) / steps


print(json.dumps(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"), flush=True)
for line in sys.stdin:
    print(json.dumps(measure(**json.loads(line))), flush=True)
