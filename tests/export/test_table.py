import subprocess
import sys
from pathlib import Path

import export_zoo
import pytest

from hd_core.errors import UsageError
from hd_core.export.table import WRITERS, write_scene

SUFFIXES = [".abc", ".glb", ".npz", ".obj", ".pc2", ".ply", ".usd", ".usdc"]


def test_the_table_names_every_format_of_the_program():
    assert set(SUFFIXES) <= set(WRITERS.names())


@pytest.mark.parametrize("name", ["clip.fbx", "clip", "clip.PLYX", "clip.tar.gz"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        write_scene(export_zoo.triangle(tmp_path), tmp_path / name)
    assert name in caught.value.message
    assert all(suffix in caught.value.hint for suffix in SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_suffix_is_named_as_such(tmp_path):
    with pytest.raises(UsageError, match="clip has no suffix"):
        write_scene(export_zoo.triangle(tmp_path), tmp_path / "clip")


def test_capital_letters_pick_the_same_writer_and_stay_in_the_name(tmp_path):
    scene = export_zoo.triangle(tmp_path)
    (lower,) = write_scene(scene, tmp_path / "lower.ply")
    assert write_scene(scene, tmp_path / "UPPER.PLY") == [tmp_path / "UPPER.PLY"]
    assert (tmp_path / "UPPER.PLY").read_bytes() == lower.read_bytes()


def test_listing_the_formats_imports_none_of_them():
    code = (
        "import sys; from hd_core.export.table import WRITERS; WRITERS.names();"
        "heavy = {'pxr', 'alembic', 'OpenEXR', 'trimesh', 'torch', 'PIL', 'hd_core.export.ply', 'hd_core.export.npz'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")
