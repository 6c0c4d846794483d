"""`hd-core doctor`: whether this machine can do the job, and what is missing."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hd_core import __version__
from hd_core.cli.common import Common
from hd_core.errors import HdError, UsageError

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk

PARTS = {
    "numpy": "arrays",
    "av": "video",
    "onnxruntime": "matte and pose",
    "torch": "the network",
    "numba": "integration",
    "safetensors": "run folder",
    "pxr": "USD",
    "alembic3d": "Alembic",
    "OpenEXR": "EXR",
    "trimesh": "GLB",
}
DISTRIBUTIONS = {"pxr": "usd-core"}
FREE_GB = 2.0
"""Less than this fills up within a few hundred frames."""


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Check interpreter, libraries, weights and disk; say how to mend what is missing."""

    folder: Path = Path()
    """Where runs are to be written."""
    common: Common = field(default_factory=lambda: Common(progress="none"))

    def run(self, talk: "Talk") -> None:
        """Print one line per check.

        Raises:
            UsageError: Something that the main job needs is missing.
        """
        broken = []
        for name, ok, text in _checks(self.folder):
            talk.say(f"{'ok' if ok else 'MISSING':<8} {name:<16} {text}", name=name, ok=ok, remark=text)
            broken += [] if ok else [name]
        if broken:
            raise UsageError(f"Not ready: {', '.join(broken)}.", "Mend the lines marked MISSING above.")


def _checks(folder: Path) -> Iterator[tuple[str, bool, str]]:
    yield "hd_core", True, __version__
    yield "python", sys.version_info >= (3, 11), f"{platform.python_version()}, 3.11 or newer is needed"
    yield "processor", True, f"{platform.machine()}, {os.cpu_count()} cores"
    for module, purpose in PARTS.items():
        yield _part(module, purpose)
    yield from _networks()
    free = shutil.disk_usage(folder).free / 1e9
    yield "disk", free > FREE_GB, f"{free:.1f} GB free in {folder.resolve()}; {FREE_GB:.0f} GB are needed"


def _part(module: str, purpose: str) -> tuple[str, bool, str]:
    distribution = DISTRIBUTIONS.get(module, module)
    try:
        import_module(module)
    except ImportError as error:
        return distribution, False, f"for {purpose}: {error}. Install hd-core again."
    return distribution, True, f"{importlib.metadata.version(distribution)}, for {purpose}"


def _networks() -> Iterator[tuple[str, bool, str]]:
    from hd_core.person.models import Network  # noqa: PLC0415 - keeps --help quick
    from hd_core.predict.weights import load_weights  # noqa: PLC0415

    for name in ("modnet", "blazepose_full"):
        try:
            Network(name)
        except HdError as error:
            yield name, False, str(error)
        else:
            yield name, True, "weights are whole"
    try:
        load_weights(None)
    except HdError as error:
        yield "hdnet", True, f"not usable yet: {error}"
    else:
        yield "hdnet", True, "weights are whole"
