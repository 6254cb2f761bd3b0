"""The most memory, in MB, that was ever resident in a process that trains five steps in PyTorch: python memory.py NETWORK BATCH SIZE CLASSES."""

import json
import sys

import torch
from networks import build
from peak import peak_megabytes
from torch.nn import functional as F

network, batch, size, classes = sys.argv[1], *map(int, sys.argv[2:])
model = build(network).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
images = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
labels = torch.arange(batch) % classes
for _ in range(5):
    optimizer.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimizer.step()
print(json.dumps(peak_megabytes()))
