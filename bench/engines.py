"""The training steps of engines.ts in PyTorch: a request {network, batch, seconds} is answered with images per second."""

import json
import sys
import time

import torch
from networks import build
from torch.nn import functional as F


class Training:
    def __init__(self, network, batch):
        self.model = build(network).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.images = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
        self.labels = torch.arange(batch) % 10

    def step(self):
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()


trainings = {}


def measure(network, batch, seconds):
    training = trainings.setdefault((network, batch), Training(network, batch))
    start = time.perf_counter()
    steps = 0
    while steps == 0 or time.perf_counter() - start < seconds:
        training.step()
        steps += 1
    return batch * steps / (time.perf_counter() - start)


print(json.dumps(f"PyTorch {torch.__version__} on the CPU, {torch.get_num_threads()} threads"), flush=True)
for line in sys.stdin:
    print(json.dumps(measure(**json.loads(line))), flush=True)
