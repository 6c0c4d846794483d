"""The package: valid for Blender's own checker, equal from equal sources, gone without a trace when switched off."""

import ast
import gc
import json
import subprocess
import sys
import threading
import tomllib
import zipfile
from pathlib import Path

import addon_zip
import bpy
import pytest

SCRIPTS = Path(bpy.utils.system_resource("SCRIPTS"))
HANDLERS = [name for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)]


def traces():
    """Everything of the add-on's that Blender can hold."""
    types = {name for name in dir(bpy.types) if name.startswith("HDHUMAN")}
    subclasses = {
        cls.__name__
        for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup, bpy.types.AddonPreferences)
        for cls in base.__subclasses__()
        if "hd_human" in cls.__module__ and cls.is_registered
    }
    handlers = {
        f"{name}: {handler}"
        for name in HANDLERS
        for handler in getattr(bpy.app.handlers, name)
        if "hd_human" in getattr(handler, "__module__", "")
    }
    operators = {name for name in dir(bpy.ops) if name == "hd_human" and dir(bpy.ops.hd_human)}
    properties = {"Scene.hd_human"} if hasattr(bpy.types.Scene, "hd_human") else set()
    keymaps = {
        item.idname
        for config in bpy.context.window_manager.keyconfigs
        for keymap in config.keymaps
        for item in keymap.keymap_items
        if "hd_human" in item.idname
    }
    threads = {thread.name for thread in threading.enumerate() if thread.name.startswith("hd-human")}
    return types | subclasses | handlers | operators | properties | keymaps | threads


def test_blenders_own_checker_finds_the_package_valid(addon_package):
    """With the platform's list of tags; both the zip and the list are those of this Blender."""
    checker = SCRIPTS / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = SCRIPTS / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    command = [sys.executable, str(checker), "validate", f"--valid-tags={tags}", str(addon_package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success" in done.stdout


def test_the_package_carries_its_licence_and_nothing_that_is_not_source(addon_package):
    with zipfile.ZipFile(addon_package) as package:
        names = package.namelist()
        manifest = tomllib.loads(package.read("blender_manifest.toml").decode())
        licence = package.read("LICENSE").decode()
        texts = {name: package.read(name).decode() for name in names if name.endswith(".py")}
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert "Version 3, 29 June 2007" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert {Path(name).suffix for name in names} == {".py", ".toml", ""}
    assert [
        name for name, text in texts.items() if not text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later")
    ] == []
    assert names == sorted(names)


def test_equal_sources_give_equal_bytes(tmp_path):
    builder = addon_zip.REPOSITORY / "tools" / "build_addon.py"
    made = []
    for name in ("one", "two"):
        done = subprocess.run(
            [sys.executable, str(builder), str(tmp_path / name)], capture_output=True, text=True, check=True
        )
        made.append(Path(done.stdout.strip()).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("panels.py", "import bpy\n", "panels.py: the first line is not '# SPDX-License-Identifier: GPL-3.0-or-later'"),
        (
            "job/core.py",
            "# SPDX-License-Identifier: GPL-3.0-or-later\nimport torch\n",
            "job/core.py: torch is not in every Blender",
        ),
        ("LICENSE", None, "LICENSE is missing"),
        (
            "blender_manifest.toml",
            "# SPDX-License-Identifier: GPL-3.0-or-later\nid = 'HD Human'\n",
            "blender_manifest.toml: id is missing or out of its rules",
        ),
    ],
)
def test_what_the_platform_would_refuse_is_not_packed(tmp_path, file, text, expected):
    copy = tmp_path / "blender_addon"
    (tmp_path / "tools").mkdir()
    for path in (addon_zip.REPOSITORY / "blender_addon").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            target = copy / path.relative_to(addon_zip.REPOSITORY / "blender_addon")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    builder = tmp_path / "tools" / "build_addon.py"
    builder.write_bytes((addon_zip.REPOSITORY / "tools" / "build_addon.py").read_bytes())
    if text is None:
        (copy / file).unlink()
    else:
        (copy / file).write_text(text)
    done = subprocess.run(
        [sys.executable, str(builder), str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert expected in done.stderr.splitlines()
    assert not (tmp_path / "out").exists()


def test_switching_it_off_leaves_nothing(addon):
    assert {"Scene.hd_human", "HDHUMAN_OT_build", "HDHUMAN_PT_build", "hd_human"} <= traces()
    addon_zip.disable()
    gc.collect()
    assert traces() == set()


def test_it_can_be_switched_off_and_on_again_and_the_settings_work_each_time(addon):
    for size in (128, 256, 384):
        addon_zip.disable()
        addon_zip.enable()
        settings = bpy.context.scene.hd_human
        settings.size = size
        assert bpy.context.scene.hd_human.size == size
        assert bpy.ops.hd_human.build.get_rna_type().name == "Build"


def test_every_setting_and_operator_explains_itself(addon):
    """Tooltips: a name, and a sentence that is more than the name, without a full stop, as Blender's own."""
    rna = bpy.types.Scene.bl_rna.properties["hd_human"].fixed_type
    properties = [one for one in rna.properties if one.identifier not in {"rna_type", "name"}]
    operators = [getattr(bpy.ops.hd_human, name).get_rna_type() for name in dir(bpy.ops.hd_human)]
    assert len(properties) >= 20
    assert len(operators) >= 7
    for one in (*properties, *operators):
        if one in operators or one.type != "ENUM":
            assert len(one.description) > len(one.name), one.identifier
        assert not one.description.endswith("."), one.identifier
    for one in properties:
        for item in one.enum_items if one.type == "ENUM" else ():
            assert item.description, (one.identifier, item.identifier)


def test_nothing_of_it_can_reach_the_network(addon_package):
    known = {"urllib", "http", "requests", "socket", "ssl", "ftplib", "ensurepip", "pip", "venv"}
    with zipfile.ZipFile(addon_package) as package:
        for name in package.namelist():
            tree = ast.parse(package.read(name)) if name.endswith(".py") else ast.Module([], [])
            imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
            modules = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level}
            modules |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
            assert {module.partition(".")[0] for module in modules} & known == set(), name


def test_a_plain_script_with_the_add_on_ends(addon_package, tmp_path):
    """Blender 4.5 hangs at exit on a handler that is left, with a job still running too."""
    core = tmp_path / "hd-core"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(package=str(addon_package), core=str(core), folder=str(tmp_path)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"running": True}


SCRIPT = """
import importlib, json, os, sys, time
os.environ["BLENDER_USER_RESOURCES"] = {folder!r} + "/resources"
import bpy
bpy.ops.extensions.package_install_files(filepath={package!r}, repo="user_default", enable_on_install=True)
part = lambda name: importlib.import_module("bl_ext.user_default.hd_human." + name)
open({core!r}, "w").write("#!" + sys.executable + "\\nimport time\\ntime.sleep(100)\\n")
os.chmod({core!r}, 0o755)
session = part("job.session").Session(part("job.core").Core(({core!r},), "test"), (), part("job.core").Path({folder!r}))
part("running").begin(session)
print(json.dumps({{"running": not session.report.ended}}), flush=True)
"""
