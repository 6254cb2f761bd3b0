"""Writes test/pillow.json, what Pillow makes of small images: python scripts/pillow-fixtures.py (Pillow and NumPy installed)."""

import base64
import json
import math
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageEnhance

rng = np.random.default_rng(0)


def noise(height, width, channels):
    """Noise over a slope: both smooth and rough, from 0 to 255."""
    slope = np.linspace(0, 255, height * width * channels).reshape(height, width, channels)
    return np.clip(slope + rng.normal(0, 60, slope.shape), 0, 255).astype(np.uint8)


def to_pillow(pixels):
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def packed(image):
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    height, width, channels = pixels.shape
    return {"height": height, "width": width, "channels": channels, "data": base64.b64encode(pixels.tobytes()).decode()}


resizes = []
for channels, size, target, box in [
    (3, (13, 17), (5, 7), None),
    (3, (13, 17), (26, 31), None),
    (3, (40, 30), (8, 8), None),
    (3, (9, 9), (9, 4), None),
    (3, (9, 9), (2, 9), None),
    (3, (7, 5), (1, 1), None),
    (3, (1, 1), (3, 2), None),
    (1, (28, 28), (8, 8), None),
    (1, (8, 8), (28, 28), None),
    (1, (50, 3), (7, 11), None),
    (3, (20, 31), (8, 8), (0, 5.5, 20, 20)),  # top, left, height, width: the square middle
    (3, (33, 20), (12, 16), (9.0, 0, 15.0, 20)),
    (1, (11, 12), (5, 6), (0.25, 1.75, 9.5, 8.125)),
]:
    image = to_pillow(noise(*size, channels))
    top, left, height, width = box or (0, 0, image.height, image.width)
    region = {"top": top, "left": left, "height": height, "width": width}
    resized = image.resize(target[::-1], Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))
    # Pillow 13 filters columns first where heights shrink much more than widths: these are the two passes in one fixed order
    rows = image.resize((target[1], image.height), Image.Resampling.BILINEAR, box=(left, 0, left + width, image.height))
    rows_first = rows.resize(target[::-1], Image.Resampling.BILINEAR, box=(0, top, target[1], top + height))
    resizes.append({"image": packed(image), "box": region, "resized": packed(resized), "rowsFirst": packed(rows_first)})

photo = to_pillow(noise(12, 10, 3))
gray = to_pillow(noise(12, 10, 1))

affines = []
for image, degrees, scale, shift in [(photo, 0, 1, (2, -1)), (photo, 10, 1, (0, 0)), (gray, -30, 1.2, (0.5, 1.25)), (photo, 5, 0.8, (-1, 2))]:
    # Pillow wants the way back, from output to input, in coordinates whose pixel centres end on .5
    angle = math.radians(degrees)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    cx, cy = image.width / 2, image.height / 2
    a, b, d, e = cos, sin, -sin, cos
    c = cx - a * (cx + shift[1]) - b * (cy + shift[0])
    f = cy - d * (cx + shift[1]) - e * (cy + shift[0])
    moved = image.transform(image.size, Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR)
    inside = Image.new("L", image.size, 255).transform(image.size, Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR)
    affines.append({"image": packed(image), "degrees": degrees, "scale": scale, "shift": {"y": shift[0], "x": shift[1]}, "moved": packed(moved), "inside": packed(inside)})

fixtures = {
    "pillow": PIL.__version__,
    "resizes": resizes,
    "gray": {"image": packed(photo), "converted": packed(photo.convert("L"))},
    "brightness": [{"image": packed(i), "factor": f, "changed": packed(ImageEnhance.Brightness(i).enhance(f))} for i in (photo, gray) for f in (0, 0.7, 1, 1.6)],
    "contrast": [{"image": packed(i), "factor": f, "changed": packed(ImageEnhance.Contrast(i).enhance(f))} for i in (photo, gray) for f in (0, 0.7, 1, 1.6)],
    "affines": affines,
}
path = Path(__file__).parent.parent / "test" / "pillow.json"
path.write_text(json.dumps(fixtures, indent=1) + "\n")
