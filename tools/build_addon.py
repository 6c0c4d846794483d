"""Pack the Blender add-on: `python tools/build_addon.py build/` writes `hd_human-VERSION.zip`.

Equal sources give equal bytes. What Blender's extension platform would refuse is refused here, before anything is
written: a manifest out of its rules, a file without its licence line, an import that Blender does not have.
"""

import ast
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1] / "blender_addon"
MANIFEST = "blender_manifest.toml"
LICENCE = "GPL-3.0-or-later"
LICENCE_LINE = f"# SPDX-License-Identifier: {LICENCE}"
SUFFIXES = {".py", ".toml"}
TEXTS = {"LICENSE"}
IN_BLENDER = sys.stdlib_module_names | {"bpy", "mathutils", "numpy"}
MAX_TAGLINE = 64
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold; every file has it."""


def main(folder: Path) -> Path:
    """Check the sources and write the package; returns its path.

    Raises:
        SystemExit: Something would be refused; the message names it.
    """
    manifest = tomllib.loads((SOURCE / MANIFEST).read_text(encoding="utf-8"))
    files = sorted(_files(), key=lambda path: path.as_posix())
    found = [*_wrong_manifest(manifest), *_wrong_files(files)]
    if found:
        raise SystemExit("\n".join(found))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{manifest['id']}-{manifest['version']}.zip"
    with zipfile.ZipFile(target, "w") as package:
        for path in files:
            info = zipfile.ZipInfo(path.as_posix(), EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            package.writestr(info, (SOURCE / path).read_bytes(), compresslevel=9)
    return target


def _files() -> Iterator[Path]:
    for path in SOURCE.rglob("*"):
        inside = path.relative_to(SOURCE)
        wanted = path.suffix in SUFFIXES or path.name in TEXTS
        if path.is_file() and wanted and not any(part.startswith((".", "__pycache__")) for part in inside.parts):
            yield inside


def _wrong_manifest(manifest: dict[str, Any]) -> Iterator[str]:
    rules = {
        "schema_version": manifest.get("schema_version") == "1.0.0",
        "id": re.fullmatch(r"[a-z][a-z0-9_]*", manifest.get("id", "")) is not None,
        "version": re.fullmatch(r"\d+\.\d+\.\d+", manifest.get("version", "")) is not None,
        "type": manifest.get("type") == "add-on",
        "blender_version_min": manifest.get("blender_version_min") == "4.3.0",
        "license": manifest.get("license") == [f"SPDX:{LICENCE}"],
        "tagline": _is_short(manifest.get("tagline", "")),
        "permissions": all(_is_short(text) for text in manifest.get("permissions", {}).values()),
        "no network": "network" not in manifest.get("permissions", {}),
        "no wheels": "wheels" not in manifest,
    }
    return (f"{MANIFEST}: {name} is missing or out of its rules" for name, good in rules.items() if not good)


def _is_short(text: str) -> bool:
    return 0 < len(text) <= MAX_TAGLINE and text == text.strip() and text[-1].isalnum()


def _wrong_files(files: list[Path]) -> Iterator[str]:
    for name in (MANIFEST, "LICENSE", "__init__.py"):
        if Path(name) not in files:
            yield f"{name} is missing"
    for path in files:
        text = (SOURCE / path).read_text(encoding="utf-8")
        if path.suffix in SUFFIXES and not text.startswith(LICENCE_LINE):
            yield f"{path}: the first line is not {LICENCE_LINE!r}"
        if path.suffix == ".py":
            yield from (f"{path}: {name} is not in every Blender" for name in sorted(_imports(text) - IN_BLENDER))


def _imports(text: str) -> set[str]:
    """Top names of what a module imports from outside the add-on."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))}\n")
