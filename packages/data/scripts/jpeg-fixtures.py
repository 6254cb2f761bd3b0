"""Writes test/jpeg.json: small images, and how they come back from JPEG files of libjpeg-turbo (through Pillow, in its default settings)."""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, features

draw = np.random.default_rng(1)
cases = []
for channels, height, width, quality in [
    (3, 21, 27, 50),
    (3, 32, 16, 90),
    (3, 7, 3, 75),
    (3, 18, 22, 10),
    (1, 13, 10, 30),
    (3, 9, 41, 100),
]:
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([255 * x / width, 200.0 * (x + y > 12), 7.0 * ((x * y) % 30)], -1)[..., :channels]
    pixels = (smooth + draw.integers(0, 50, smooth.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    case = dict(channels=channels, height=height, width=width, quality=quality)
    for name, content in [("image", pixels.tobytes()), ("result", Image.open(file).tobytes())]:
        case[name] = base64.b64encode(content).decode()
    cases.append(case)
fixture = {"libjpeg-turbo": features.version("libjpeg_turbo"), "cases": cases}
Path(__file__, "../../test/jpeg.json").resolve().write_text(json.dumps(fixture, indent=1) + "\n")
