"""Writes small image files of kinds that are seldom seen, and what Pillow makes of them, for the tests.

python3 -m pip install pillow; needs cjpeg of libjpeg-turbo. python3 packages/data/scripts/kinds-fixtures.py
"""

import base64
import io
import json
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import PIL
from PIL import Image, ImageCms, ImageOps

WIDTH, HEIGHT = 19, 13


def wave(x, y, k):
    return (9 * x * (k + 1) + 11 * y * (3 - k) + 40 * ((x // 4 + y // 4) % 2)) % 256


def row_of(y):
    return bytes(wave(x, y, k) for x in range(WIDTH) for k in range(3))


PIXELS = [row_of(y) for y in range(HEIGHT)]
picture = Image.frombytes("RGB", (WIDTH, HEIGHT), b"".join(PIXELS))
upside_down = picture.rotate(180)


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


PPM = encoded(picture, "PPM")


def cjpeg(*options, scans=None):
    with tempfile.NamedTemporaryFile("w") as file:
        if scans:
            file.write(scans)
            file.flush()
            options = (*options, "-scans", file.name)
        return subprocess.run(["cjpeg", *options], input=PPM, capture_output=True, check=True).stdout


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(depth, color_type, rows, *chunks):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def turned(file_format, orientation, **options):
    exif = Image.Exif()
    exif[0x112] = orientation
    return encoded(picture, file_format, exif=exif, **options)


def see_through():
    image = picture.convert("RGBA")
    image.putalpha(picture.getchannel(0))
    return image


jpeg = cjpeg("-quality", "90")
palette = picture.quantize(16)
deep = [struct.pack(f">{len(row)}H", *(257 * value for value in row)) for row in PIXELS]
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
frames = {"save_all": True, "append_images": [upside_down], "duration": 50}

FILES = {
    **{f"JPEG, sampled {s}": cjpeg("-sample", s) for s in ("1x2", "4x1", "2x2", "1x4", "3x1", "2x2,1x2,2x1")},
    "JPEG with restarts": cjpeg("-restart", "1B"),
    "JPEG, arithmetic": cjpeg("-arithmetic"),
    "JPEG, arithmetic and progressive": cjpeg("-arithmetic", "-progressive"),
    "JPEG, progressive": cjpeg("-progressive"),
    "JPEG, progressive with two scans of all": cjpeg(scans="0,1,2: 0-0, 0, 0;\n0: 1-5, 0, 2;\n"),
    "JPEG, a scan for each channel": cjpeg(scans="0;\n1;\n2;\n"),
    "JPEG of red, green and blue": cjpeg("-rgb"),
    "JPEG, gray": cjpeg("-grayscale"),
    "JPEG, quality 1": cjpeg("-quality", "1"),
    "JPEG with fill bytes": jpeg[:2] + b"\xff\xff\xff" + jpeg[2:],
    "JPEG with something behind it": jpeg + b"junk" * 20,
    "JPEG with another behind it": encoded(picture, "MPO", save_all=True, append_images=[upside_down]),
    "JPEG with a profile that is none": encoded(picture, "JPEG", icc_profile=b"no profile" * 20),
    **{f"JPEG, orientation {n}": turned("JPEG", n) for n in range(0, 10)},
    "PNG, orientation 6": turned("PNG", 6),
    "WebP, orientation 7": turned("WEBP", 7, lossless=True),
    "PNG of 16 bits": png(16, 2, deep),
    "PNG with a gamma": png(8, 2, PIXELS, chunk(b"gAMA", struct.pack(">I", 100_000))),
    "PNG with a profile": encoded(picture, "PNG", icc_profile=srgb),
    "PNG of one bit, with a palette": encoded(picture.quantize(2), "PNG", bits=1),
    "PNG with a transparent colour": encoded(picture, "PNG", transparency=picture.getpixel((3, 3))),
    "PNG with a palette, partly transparent": encoded(palette, "PNG", transparency=bytes([0, 128] + 14 * [255])),
    "PNG, transparent": encoded(see_through(), "PNG"),
    "PNG, animated": encoded(picture, "PNG", **frames),
    "PNG with something behind it": png(8, 2, PIXELS) + b"junk",
    "GIF, interlaced": encoded(palette, "GIF", interlace=1),
    "GIF, animated": encoded(palette, "GIF", **frames),
    "WebP, transparent": encoded(see_through(), "WEBP", lossless=True, exact=True),
    "WebP, lossy": encoded(picture, "WEBP", quality=80),
    "WebP, animated": encoded(picture, "WEBP", lossless=True, **frames),
    "AVIF": encoded(picture, "AVIF", quality=100, subsampling="4:4:4"),
    "AVIF, animated": encoded(picture, "AVIF", quality=100, subsampling="4:4:4", **frames),
}


def shown(data):
    """Upright, over white, as bytes of red, green and blue."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        return upright.convert("RGB")


def text(data):
    return base64.b64encode(zlib.compress(data, 9)).decode()


def entry(data):
    image = shown(data)
    return {"file": text(data), "height": image.height, "width": image.width, "pixels": text(image.tobytes())}


fixtures = {"pillow": PIL.__version__, "files": {name: entry(data) for name, data in FILES.items()}}
target = Path(__file__).parent.parent / "test" / "kinds.json"
target.write_text(json.dumps(fixtures, indent=2) + "\n")
print(f"{len(FILES)} files, {target.stat().st_size} bytes")
