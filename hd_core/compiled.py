"""How kernels are compiled: by numba, on one thread, kept on disk between runs where a folder for that exists."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel of plain scalars and arrays to machine code on its first call.

    Wrappers are taken off first: shape checks in tests are Python and cannot be compiled.

    numba reuses machine code from disk as long as the kernel's own file is unchanged, although the code of every
    kernel that it calls is part of it. So the stamp of the file is replaced by one of its whole folder.
    """
    bare = inspect.unwrap(function)
    try:
        dispatcher: Any = njit(cache=True, nogil=True, error_model="numpy")(bare)
        dispatcher._cache._cache_file._source_stamp = _folder_stamp(Path(inspect.getfile(bare)).parent)
    except RuntimeError:  # no folder to keep compiled code in can be written
        dispatcher = njit(nogil=True, error_model="numpy")(bare)
    return cast(Kernel, dispatcher)


@functools.cache
def _folder_stamp(folder: Path) -> str:
    """Digest of every source file in and below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
