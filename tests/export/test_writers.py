"""What every writer promises, over the whole zoo; a new format joins by its line in the table."""

import os
from pathlib import Path

import export_zoo
import numpy as np
import pytest

from hd_core.errors import CancelledError, InputError, UsageError
from hd_core.export.naming import person_path
from hd_core.export.table import WRITERS, write_scene
from hd_core.progress import Silent

OURS = [".glb", ".npz", ".obj", ".pc2", ".ply"]
"""Formats whose bytes this package writes itself; libraries behind the others open files in their own ways."""

CONSTANT_ONLY = {".pc2"}


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def holds(suffix, scene):
    return suffix not in CONSTANT_ONLY or all(one.shares_faces or len(one) == 1 for one in scene.sequences)


def arrays_of(scene):
    meshes = (sequence[position] for sequence in scene.sequences for position in range(len(sequence)))
    names = ("vertices", "faces", "uv", "normals", "colours", "valid")
    return [np.copy(value) for mesh in meshes for name in names if (value := getattr(mesh, name)) is not None]


class Recorded(Silent):
    """Remembers the steps, and stops after some questions."""

    def __init__(self, stop_after=10**9):
        self.steps = []
        self.left = stop_after

    def step(self, stage, done, total):
        self.steps.append((stage, done, total))

    def cancelled(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("suffix", WRITERS.names())
@pytest.mark.parametrize("make", export_zoo.ZOO.values(), ids=export_zoo.ZOO)
def test_a_writer_names_exactly_the_files_it_left_and_makes_the_same_bytes_twice(tmp_path, make, suffix):
    scene = make(tmp_path / "textures")
    if not holds(suffix, scene):
        with pytest.raises(UsageError) as caught:
            write_scene(scene, tmp_path / f"out{suffix}")
        assert any(other in caught.value.hint for other in WRITERS.names())
        return
    before, contents = arrays_of(scene), []
    for folder in (tmp_path / "first", tmp_path / "other"):
        paths = write_scene(scene, folder / f"out{suffix}")
        assert paths == files_below(folder) != []
        contents.append({path.name: path.read_bytes() for path in paths})
    assert contents[0] == contents[1]
    assert all(np.array_equal(one, two) for one, two in zip(before, arrays_of(scene), strict=True))


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_writing_again_replaces_what_was_there(tmp_path, suffix):
    (path, *_) = [p for p in write_scene(export_zoo.patch(tmp_path), tmp_path / f"out{suffix}") if p.suffix == suffix]
    first = path.read_bytes()
    write_scene(export_zoo.triangle(tmp_path), path)
    assert path.read_bytes() != first


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_a_path_with_letters_beyond_ascii_and_blanks_is_written(tmp_path, suffix):
    folder = tmp_path / "Größe 踊り手"
    paths = write_scene(export_zoo.constant(tmp_path), folder / f"tänzer 1.v2{suffix}")
    assert paths == files_below(folder)
    assert all(path.name.startswith("tänzer 1.v2.") and path.stat().st_size > 0 for path in paths)


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_every_frame_is_reported_and_the_last_report_is_the_end(tmp_path, suffix):
    progress = Recorded()
    write_scene(export_zoo.two_people_constant(tmp_path), tmp_path / f"out{suffix}", progress)
    assert progress.steps == [("export", done, 8) for done in range(1, 9)]


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_cancelled_in_the_middle_leaves_nothing(tmp_path, suffix):
    with pytest.raises(CancelledError):
        write_scene(export_zoo.constant(tmp_path), tmp_path / "out" / f"out{suffix}", Recorded(stop_after=3))
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_cancelled_in_the_middle_leaves_an_earlier_export_as_it_was(tmp_path, suffix):
    scene = export_zoo.constant(tmp_path)
    before = {path: path.read_bytes() for path in write_scene(scene, tmp_path / f"out{suffix}")}
    with pytest.raises(CancelledError):
        write_scene(scene, tmp_path / f"out{suffix}", Recorded(stop_after=3))
    assert {path: path.read_bytes() for path in files_below(tmp_path)} == before


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, suffix):
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(InputError, match="Cannot write") as caught:
        write_scene(export_zoo.constant(tmp_path), tmp_path / "file" / f"out{suffix}")
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == [tmp_path / "file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
@pytest.mark.parametrize("suffix", WRITERS.names())
def test_a_folder_without_permission_is_one_line(tmp_path, suffix):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(InputError, match="Permission denied"):
        write_scene(export_zoo.constant(tmp_path), folder / f"out{suffix}")
    assert files_below(folder) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("suffix", OURS)
def test_a_full_disk_is_one_line_and_no_file(tmp_path, suffix):
    scene, path = export_zoo.constant(tmp_path), tmp_path / f"out{suffix}"
    written = [found.name for found in write_scene(scene, path)]
    for found in files_below(tmp_path):
        found.unlink()
    # The third file of a sequence, or the only one, meets the system's own "no space left on device".
    name = [name for name in written if name.endswith(suffix)][:3][-1]
    (tmp_path / f".partial-{name}").symlink_to("/dev/full")
    with pytest.raises(InputError, match=f"The disk is full: {name}") as caught:
        write_scene(scene, path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", OURS)
@pytest.mark.parametrize("constant", [False, True])
def test_no_more_than_a_few_meshes_are_held_at_once(tmp_path, suffix, constant):
    meshes = export_zoo.LazyMeshes(export_zoo.collapsing_mesh if constant else export_zoo.strip_mesh, 24)
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=constant))
    if holds(suffix, scene):
        write_scene(scene, tmp_path / f"out{suffix}")
        # Proving the common topology reads the first mesh beside the present one; GLB's targets are
        # read through the timeline, which still holds the one before.
        assert meshes.most_alive <= (3 if suffix == ".glb" else 2)
        assert meshes.alive == 0


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_a_name_for_two_files_is_refused(tmp_path, suffix):
    people = [export_zoo.sequence_of([export_zoo.patch_mesh()], name=name) for name in ("a b", "a/b")]
    scene = export_zoo.scene_of(*people)
    if suffix in {".ply", ".obj", ".pc2"}:
        with pytest.raises(UsageError, match="would be the same"):
            write_scene(scene, tmp_path / f"out{suffix}")
    elif suffix == ".npz":
        assert write_scene(scene, tmp_path / f"out{suffix}") == [tmp_path / f"out{suffix}"]


def test_no_name_of_a_person_leaves_the_folder():
    people = [export_zoo.sequence_of([export_zoo.patch_mesh()], name=name) for name in ("../../up", "b")]
    scene = export_zoo.scene_of(*people)
    assert person_path(scene, people[0], Path("here/out.pc2")) == Path("here/out..._.._up.pc2")
