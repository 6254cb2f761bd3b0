"""The training steps of engines.ts in PyTorch: a request {network, batch, seconds} is answered with images per second."""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def two_convolutions():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
    )  # fmt: skip


def conv_bn(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Scale(nn.Module):
    def forward(self, x):
        return 0.125 * x


def resnet9():
    return nn.Sequential(
        conv_bn(3, 64),
        conv_bn(64, 128), nn.MaxPool2d(2), Residual(conv_bn(128, 128), conv_bn(128, 128)),
        conv_bn(128, 256), nn.MaxPool2d(2),
        conv_bn(256, 512), nn.MaxPool2d(2), Residual(conv_bn(512, 512), conv_bn(512, 512)),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(512, 10, bias=False), Scale(),
    )  # fmt: skip


class Training:
    def __init__(self, network, batch):
        self.model = {"two-conv": two_convolutions, "resnet9": resnet9}[network]().to(memory_format=torch.channels_last)
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
