"""Named arrays in a file's content, read only as what they are expected to be: whatever the file holds."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy

MOST_BYTES = 1 << 28  # of an array


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The arrays as a compressed archive of NumPy's; the same bytes for the same arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unpacked(content: bytes, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The arrays of a content, whose names and types are among those of ``kinds``.

    Raises
    ------
    ValueError
        It is no such archive, is cut off or damaged, or holds something else.

    Examples
    --------
    >>> unpacked(packed({"rows": np.array([1, 2])}), {"rows": "<i8", "cell": "<i4"})["rows"].tolist()
    [1, 2]
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {
                name: _array(archive, entry, kinds[name])
                for entry in archive.infolist()
                for name in [entry.filename.removesuffix(".npy")]
            }
    except Exception as error:  # of damaged bytes, in whichever of the readers' words
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kind: str) -> Any:
    with archive.open(entry) as file:
        npy.read_magic(file)
        shape, is_fortran, dtype = npy.read_array_header_1_0(file)
        size = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
        if dtype != np.dtype(kind) or is_fortran or min(shape, default=0) < 0 or size > MOST_BYTES:
            raise ValueError(f"{entry.filename} holds {dtype} of shape {shape}")
        held = file.read(size + 1)
        if len(held) != size:
            raise ValueError(f"{entry.filename} holds {len(held)} bytes of {size}")
        return np.frombuffer(held, dtype).reshape(shape)
