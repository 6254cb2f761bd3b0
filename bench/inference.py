"""
The predictions of inference.ts in PyTorch, and the same network as an ONNX file. A request {network, batch, steps} is answered with the
milliseconds of one batch; {network, export} writes the file (batch size open).
"""

import json
import sys
import time
import warnings

import torch
from networks import build

warnings.filterwarnings("ignore")
SIZE = 224
models = {}


def model_of(network):
    if network not in models:
        torch.manual_seed(1)
        models[network] = build(network).eval()
    return models[network]


def export(network, file):
    images = torch.randn(1, 3, SIZE, SIZE)
    torch.onnx.export(
        model_of(network), (images,), file, dynamo=False, input_names=["images"], output_names=["logits"],
        dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
    )  # fmt: skip
    return file


compiled = {}


def fastest(network, batch, images):
    """Traced, frozen and optimized for inference, which folds batch normalization, or as it is: whichever is faster."""
    if (network, batch) not in compiled:
        plain = model_of(network).to(memory_format=torch.channels_last)
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(plain, images)))
        candidates = [plain, frozen]
        compiled[network, batch] = min(candidates, key=lambda candidate: timed(candidate, images, 5))
    return compiled[network, batch]


def timed(model, images, steps):
    for _ in range(steps):
        model(images)
    start = time.perf_counter()
    for _ in range(steps):
        model(images)
    return 1000 * (time.perf_counter() - start) / steps


def measure(network, batch, steps):
    images = torch.randn(batch, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    return timed(fastest(network, batch, images), images, steps)


print(json.dumps(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        answer = export(request["network"], request["export"]) if "export" in request else measure(**request)
        print(json.dumps(answer), flush=True)
