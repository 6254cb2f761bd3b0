"""Writes test/torchvision.json, what torchvision's transforms make of small images: python scripts/torchvision-fixtures.py (torchvision installed)."""

import base64
import json
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

rng = np.random.default_rng(0)
INTERPOLATIONS = {"nearest": InterpolationMode.NEAREST, "bilinear": InterpolationMode.BILINEAR}


def noise(height, width, channels):
    """Noise over a slope: both smooth and rough, from 0 to 255."""
    slope = np.linspace(0, 255, height * width * channels).reshape(height, width, channels)
    pixels = np.clip(slope + rng.normal(0, 60, slope.shape), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def smooth(height, width):
    y, x = np.mgrid[0:height, 0:width]
    channels = [127 + 100 * np.sin(x / 4 + phase) * np.cos(y / 5) for phase in (0, 1, 2)]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def packed(image):
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    height, width, channels = pixels.shape
    return {"height": height, "width": width, "channels": channels, "data": base64.b64encode(pixels.tobytes()).decode()}


images = {"photo": smooth(17, 22), "noise": noise(12, 10, 3), "gray": noise(9, 14, 1), "flat": Image.new("RGB", (5, 4), (10, 200, 40))}
results = []


def add(name, image, arguments, result):
    results.append({"name": name, "image": image, "arguments": arguments, "result": packed(result)})


for name, image in images.items():
    for factor in (0, 0.6, 1, 1.7):
        add("adjustBrightness", name, [factor], F.adjust_brightness(image, factor))
        add("adjustContrast", name, [factor], F.adjust_contrast(image, factor))
        add("adjustSaturation", name, [factor], F.adjust_saturation(image, factor))
        add("adjustSharpness", name, [factor], F.adjust_sharpness(image, factor))
    for turn in (-0.5, -0.17, 0, 0.08, 0.5):
        add("adjustHue", name, [turn], F.adjust_hue(image, turn))
    add("invert", name, [], F.invert(image))
    for bits in (1, 2, 5, 8):
        add("posterize", name, [bits], F.posterize(image, bits))
    for threshold in (0, 100.5, 255):
        add("solarize", name, [threshold], F.solarize(image, threshold))
    add("autocontrast", name, [], F.autocontrast(image))
    add("equalize", name, [], F.equalize(image))
    if min(image.size) > 4:
        add("gaussianBlur", name, [5, 1.3], F.gaussian_blur(image, [5, 5], [1.3, 1.3]))
        add("pad", name, [[1, 2, 3, 4], 7], F.pad(image, [1, 2, 3, 4], fill=7))
        add("pad", name, [2, "reflect"], F.pad(image, 2, padding_mode="reflect"))
        add("pad", name, [3, "symmetric"], F.pad(image, 3, padding_mode="symmetric"))
        add("pad", name, [[4, 1], "edge"], F.pad(image, [4, 1], padding_mode="edge"))
    for interpolation, mode in INTERPOLATIONS.items():
        options = {"interpolation": interpolation}
        for degrees in (90, 30, -100.5):
            add("rotate", name, [degrees, {**options, "fill": 50}], F.rotate(image, degrees, mode, fill=50))
        for degrees, translate, scale, shear in [(10, [2, -1], 1, [0, 0]), (-30, [0, 0], 0.8, [10, 0]), (0, [1, 1], 1.3, [-20, 15])]:
            change = {"degrees": degrees, "translate": translate, "scale": scale, "shear": shear}
            add("affine", name, [change, options], F.affine(image, degrees, translate, scale, shear, mode))
        width, height = image.size
        start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        end = [[1, 0], [width - 2, 1], [width - 1, height - 1], [0, height - 2]]
        add("perspective", name, [start, end, options], F.perspective(image, start, end, mode))
    for size in ([7, 9], [30, 40], [5, 40]):
        # Rows, then columns: Pillow 13 takes columns first where heights shrink much more, which rounds otherwise in between
        wide = F.resize(image, [image.height, size[1]], InterpolationMode.BICUBIC)
        add("resize", name, [*size, {"interpolation": "bicubic"}], F.resize(wide, size, InterpolationMode.BICUBIC))


class Numbers:
    """Uniform numbers, given to torch.rand and torch.randint in turn."""

    def __init__(self):
        self.given = []

    def draw(self):
        self.given.append(float(rng.random()))
        return self.given[-1]

    def rand(self, *_, **__):
        return torch.tensor(self.draw())

    def randint(self, high, *_, **__):
        return torch.tensor(int(self.draw() * high))


policies = []
for name, transform in {
    "randAugment": v2.RandAugment(),
    "trivialAugmentWide": v2.TrivialAugmentWide(),
    "imagenet": v2.AutoAugment(v2.AutoAugmentPolicy.IMAGENET),
    "cifar10": v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10),
    "svhn": v2.AutoAugment(v2.AutoAugmentPolicy.SVHN),
}.items():
    for _ in range(20):
        numbers = Numbers()
        with mock.patch("torch.rand", numbers.rand), mock.patch("torch.randint", numbers.randint):
            result = transform(images["photo"])
        policies.append({"name": name, "numbers": numbers.given, "result": packed(result)})

fixtures = {
    "torchvision": torchvision.__version__,
    "images": {name: packed(image) for name, image in images.items()},
    "results": results,
    "policies": policies,
}
path = Path(__file__).parent.parent / "test" / "torchvision.json"
path.write_text(json.dumps(fixtures) + "\n")
