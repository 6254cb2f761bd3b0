"""Writes small files of formats that others define, as their own libraries write them, for the tests.

    pip install pyarrow scipy && python scripts/format-fixtures.py
"""

import base64
import io
import json
import struct
import tarfile
import zlib
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io

TEST = Path(__file__).parent.parent / "test"


def png(level: int) -> bytes:
    """An image of 2 by 1 gray pixels: the level, and the next."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, level, level + 1]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def parquet() -> bytes:
    """Seven images in groups of three rows, as Hugging Face's datasets library lays them out."""
    images = pa.array(
        [{"bytes": png(10 * i), "path": f"{i}.png"} for i in range(7)],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["healthy", "rust"], "_type": "ClassLabel"},
    }
    table = pa.table({"image": images, "label": pa.array([i % 2 for i in range(7)], pa.int64())})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=3, compression="snappy")
    return file.getvalue()


def several_labels(kind: dict) -> bytes:
    """Three images with two labels, none and one."""
    images = pa.array([{"bytes": png(10 * i)} for i in range(3)], pa.struct([("bytes", pa.binary())]))
    table = pa.table({"image": images, "labels": pa.array([[1, 0], [], [1]], pa.list_(pa.int64()))})
    features = {"image": {"_type": "Image"}, "labels": kind}
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(table, file, compression="snappy")
    return file.getvalue()


def tar(format: int) -> bytes:
    """Two files, the first with a name too long for a header."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        for name, content in [("größe/" + "x" * 120 + ".txt", b"long"), ("short.txt", b"short")]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def zipped() -> bytes:
    """A folder, a file that is deflated, one that is stored, and a comment at the end."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/größe.txt", b"again and " * 50)
        archive.writestr("stored.bin", bytes(range(9)), zipfile.ZIP_STORED)
        archive.comment = b"PK\x05\x06 is how it ends"
    return file.getvalue()


def mat(values: dict) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, values, do_compression=True)
    return file.getvalue()


def svhn(count: int, start: int) -> bytes:
    """`X` of [32, 32, 3, count]: value = start + image + row + 2 column + 50 channel; labels 1..10."""
    row, column, channel, image = np.indices((32, 32, 3, count))
    images = (start + image + row + 2 * column + 50 * channel).astype(np.uint8)
    labels = (np.arange(start, start + count) % 10 + 1).astype(np.uint8).reshape(-1, 1)
    return mat({"X": images, "y": labels})


def synsets() -> bytes:
    """ImageNet's table of classes: three leaves and a node above them."""
    rows = [
        (1, "n02119789", "kit fox, Vulpes macrotis", "small grayish fox", 0),
        (2, "n02012849", "crane", "a bird", 0),
        (3, "n03126707", "crane", "a machine", 0),
        (1001, "n00001740", "entity", "that which is", 3),
    ]
    kinds = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O")]
    table = np.empty((len(rows), 1), dtype=kinds)
    for i, (number, wnid, words, gloss, children) in enumerate(rows):
        table[i, 0] = (np.array([[number]], np.float64), wnid, words, gloss, np.array([[children]], np.float64))
    return mat({"synsets": table})


FIXTURES = {
    "images.parquet": parquet(),
    "labels.parquet": several_labels(
        {"_type": "Sequence", "feature": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    ),
    "pax.tar": tar(tarfile.PAX_FORMAT),
    "gnu.tar": tar(tarfile.GNU_FORMAT),
    "python.zip": zipped(),
    "svhn-train.mat": svhn(5, 0),
    "svhn-test.mat": svhn(2, 5),
    "synsets.mat": synsets(),
    "flower-labels.mat": mat({"labels": np.array([[102, 1, 1, 102, 2, 2]], np.uint8)}),
    "flower-parts.mat": mat(
        {
            "trnid": np.array([[3, 1]], np.uint16),
            "valid": np.array([[2]], np.uint16),
            "tstid": np.array([[4, 5, 6]], np.uint16),
        }
    ),
}

compressed = {name: base64.b64encode(zlib.compress(content, 9)).decode() for name, content in FIXTURES.items()}
(TEST / "formats.json").write_text(json.dumps(compressed, indent=2) + "\n")
