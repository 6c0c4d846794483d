"""The example that turns a folder of videos into .blend files, as a program of its own."""

import os
import shutil
import subprocess
import sys

from addon_outputs import in_a_process_without_the_add_on
from addon_scene import DATA, real_core
from addon_zip import REPOSITORY

SCRIPT = REPOSITORY / "examples" / "blender_batch.py"
OPTIONS = ("--size", "128", "--tier", "fast", "--predictor", "maps", "--frames", "1", "3")


def batch(package, tmp_path, *words):
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
    command = [sys.executable, str(SCRIPT), *map(str, words), "--addon", str(package), "--core", real_core()]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=170)


def test_a_bad_video_does_not_stop_the_others_and_all_ends_with_code_4(addon_package, tmp_path):
    """It ends at all: nothing of the add-on is left that Blender 4.5 would hang on."""
    (tmp_path / "in").mkdir()
    shutil.copy(DATA / "dancer.mp4", tmp_path / "in" / "good.mp4")
    (tmp_path / "in" / "bad.mp4").write_bytes(b"no video at all")
    (tmp_path / "in" / "notes.txt").write_text("no video either")
    shutil.copytree(DATA / "dancer_maps", tmp_path / "maps" / "good")
    done = batch(addon_package, tmp_path, tmp_path / "in", tmp_path / "out", *OPTIONS, "--maps", tmp_path / "maps")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "1 of 2 built." in done.stdout
    assert "bad.mp4 failed: " in done.stderr
    assert "notes" not in done.stdout + done.stderr
    blend = tmp_path / "out" / "good.blend"
    code = (
        "things = [one for one in bpy.context.scene.objects if 'hd_human_person' in one]\n"
        "found['places'] = [float(shape_at(things[0], f)['vertices'].sum()) for f in (1, 2, 3)]\n"
        "found['end'] = bpy.context.scene.frame_end\n"
        "found['paths'] = [image.filepath for image in bpy.data.images if image.source == 'SEQUENCE']\n"
    )
    found = in_a_process_without_the_add_on(blend, code, tmp_path)
    assert len(set(found["places"])) == 3
    assert found["end"] == 3
    assert found["paths"]
    assert all(path.startswith("//good/") for path in found["paths"])


def test_an_empty_folder_is_said_to_be_empty(addon_package, tmp_path):
    (tmp_path / "in").mkdir()
    done = batch(addon_package, tmp_path, tmp_path / "in", tmp_path / "out")
    assert done.returncode == 4
    assert "holds no videos" in done.stderr
