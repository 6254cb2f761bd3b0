"""python start-up.py import: the milliseconds that `import torch` takes; python start-up.py first-step: trains a step."""

import json
import sys
import time

start = time.perf_counter()
import torch  # noqa: E402

imported = 1000 * (time.perf_counter() - start)
if sys.argv[1] == "import":
    print(json.dumps(imported))
    sys.exit()

model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 32, 3, padding=1),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(32, 64, 3, padding=1),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(64 * 7 * 7, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loss = torch.nn.functional.cross_entropy(model(torch.rand(64, 1, 28, 28)), torch.arange(64) % 10)
loss.backward()
optimizer.step()
print(json.dumps(loss.item()))
