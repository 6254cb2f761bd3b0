"""Writes src/test/jpeg.json: small JPEG files, and what libjpeg-turbo (through Pillow) makes of them."""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

height, width = 45, 53
y, x = np.mgrid[0:height, 0:width]
noise = np.random.default_rng(1).integers(0, 30, (height, width, 3))
picture = np.stack([255 * x / width, 200 * (np.hypot(x - 25, y - 20) < 15), 5 * ((x + y) % 50)], -1) + noise
image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))

files = {
    "4:4:4": dict(quality=90, subsampling=0),
    "4:2:2": dict(quality=75, subsampling=1),
    "4:2:0": dict(quality=60, subsampling=2, optimize=True),
    "4:2:0 with restarts": dict(quality=95, subsampling=2, restart_marker_blocks=2),
    "4:4:4 with restarts": dict(quality=30, subsampling=0, restart_marker_rows=1),
    "gray": dict(quality=80),
}
written = {}
for name, options in files.items():
    bytes_ = io.BytesIO()
    (image.convert("L") if name == "gray" else image).save(bytes_, "JPEG", **options)
    decoded = Image.open(bytes_).convert("RGB").tobytes()
    written[name] = dict(file=base64.b64encode(bytes_.getvalue()).decode(), pixels=base64.b64encode(decoded).decode())
fixture = dict(height=height, width=width, files=written)
Path(__file__, "../../../src/test/jpeg.json").resolve().write_text(json.dumps(fixture, indent=1) + "\n")
