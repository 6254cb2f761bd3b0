"""torchvision's part of data.ts: a request {task, workers, length, …} is answered with images a second, over one epoch of a DataLoader."""

import json
import sys
import time
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

torch.set_num_threads(1)


class Photos(Dataset):
    def __init__(self, folder, length):
        self.files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
        self.length = length
        self.augment = v2.Compose([v2.RandomResizedCrop(224, antialias=True), v2.RandomHorizontalFlip(), v2.PILToTensor()])

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        with Image.open(self.files[index % len(self.files)]) as image:
            return self.augment(image.convert("RGB")), 0


class Memory(Dataset):
    def __init__(self, length):
        self.images = torch.randint(0, 256, (length, 3, 32, 32), dtype=torch.uint8)
        self.augment = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.augment(self.images[index]), 0


loaders = {}


def loader(request):
    photos = request["task"] == "photos"
    if request["task"] not in loaders:
        dataset = Photos(request["folder"], request["length"]) if photos else Memory(request["length"])
        loaders[request["task"]] = DataLoader(
            dataset, 64 if photos else 512, shuffle=True, num_workers=request["workers"], persistent_workers=True
        )
    return loaders[request["task"]]


print(json.dumps(f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}"), flush=True)
for line in sys.stdin:
    batches = loader(json.loads(line))
    start = time.perf_counter()
    count = sum(len(labels) for _, labels in batches)
    print(json.dumps(count / (time.perf_counter() - start)), flush=True)
