"""Loading and saving weights in PyTorch, as weights.ts does: a request {task, path} is answered with milliseconds.

python weights.py NETWORK PATH: the most memory, in MB, of a process that loads them into torchvision's network.
"""

import json
import sys
import time

import torch
from peak import peak_megabytes

try:
    from safetensors.torch import load_file
except ImportError:
    load_file = None

state = {}


def read(path):
    return load_file(path) if path.endswith(".safetensors") else torch.load(path, weights_only=True)


def load(path):
    """What load_state_dict does: the values are copied into tensors that are there."""
    weights = read(path)
    if not state:
        state.update({name: torch.empty_like(tensor) for name, tensor in weights.items()})
    for name, tensor in weights.items():
        state[name].copy_(tensor)


if len(sys.argv) > 1:
    import torchvision

    torchvision.models.get_model(sys.argv[1]).load_state_dict(read(sys.argv[2]))
    print(json.dumps(peak_megabytes()))
    sys.exit()

print(json.dumps(f"PyTorch {torch.__version__}"), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    start = time.perf_counter()
    if request["task"] == "load":
        load(request["path"])
    else:
        torch.save(state, request["path"])
    print(json.dumps(1000 * (time.perf_counter() - start)), flush=True)
