"""The operations of operations.ts in PyTorch: a request {name, seconds} is answered with milliseconds, forwards and backwards."""

import json
import sys
import time

import torch
from torch.nn import functional as F


def images(channels=64, size=32):
    """As PyTorch's own guide advises for CNNs on CPUs: NCHW in shape, channels last in memory."""
    return torch.randn(32, channels, size, size).to(memory_format=torch.channels_last)


LABELS = torch.arange(512) % 100
OPERATIONS = {
    "conv2d 3x3 64→64": ([images(), torch.randn(64, 64, 3, 3)], lambda x, w: F.conv2d(x, w, padding=1)),
    "conv2d 3x3 64→128 stride 2": (
        [images(), torch.randn(128, 64, 3, 3)],
        lambda x, w: F.conv2d(x, w, padding=1, stride=2),
    ),
    "conv2d 1x1 64→256": ([images(), torch.randn(256, 64, 1, 1)], F.conv2d),
    "conv2d 3x3 depthwise": ([images(), torch.randn(64, 1, 3, 3)], lambda x, w: F.conv2d(x, w, padding=1, groups=64)),
    "batch norm": (
        [images(), torch.randn(64), torch.randn(64)],
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True),
    ),
    "max pool 2": ([images()], lambda x: F.max_pool2d(x, 2)),
    "average pool 2": ([images()], lambda x: F.avg_pool2d(x, 2)),
    "relu": ([images()], F.relu),
    "gelu": ([images()], F.gelu),
    "add": ([images(), images()], torch.add),
    "linear 512→512": ([torch.randn(512, 512), torch.randn(512, 512), torch.randn(512)], F.linear),
    "cross-entropy of 100 classes": ([torch.randn(512, 100)], lambda logits: F.cross_entropy(logits, LABELS)),
}


def slopes(name):
    inputs, run = OPERATIONS[name]
    inputs = [x.requires_grad_() for x in inputs]
    weight = torch.randn_like(run(*inputs))
    return lambda: torch.autograd.grad((run(*inputs) * weight).sum(), inputs)


def momentum_update():
    shapes = [(64, 64, 3, 3), (64,), (64,)] * 20
    parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, weight_decay=1e-4).step


steps = {}


def measure(name, seconds):
    if name not in steps:
        steps[name] = slopes(name) if name in OPERATIONS else momentum_update()
    start = time.perf_counter()
    count = 0
    while count == 0 or time.perf_counter() - start < seconds:
        steps[name]()
        count += 1
    return 1000 * (time.perf_counter() - start) / count


print(json.dumps(f"PyTorch {torch.__version__} on the CPU, {torch.get_num_threads()} threads"), flush=True)
for line in sys.stdin:
    print(json.dumps(measure(**json.loads(line))), flush=True)
