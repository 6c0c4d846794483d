"""Two synthetic people cross before the camera: the real networks, the whole line, against the exact mattes."""

import json

import numpy as np
import pytest
from pxr import Usd, UsdGeom
from two_people import FPS, film_two_people

from hd_core.cli.main import main
from hd_core.geometry.crop import paste_plane
from hd_core.records import camera_from_json, read_view
from hd_core.video.write import write_video

NUM_FRAMES, HEIGHT = 16, 480
EASY, SEEN = 0.75, 0.25
"""Share of a person that is not hidden by the other one, from which the networks must find the person, and from which
the matte must be that person's and not the other's."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The film and where it lies."""
    film = film_two_people(num_frames=NUM_FRAMES, height=HEIGHT)
    path = tmp_path_factory.mktemp("film") / "crossing.mp4"
    write_video(path, film.pictures, fps=FPS)
    return film, path


@pytest.fixture(scope="module")
def run(clip, tmp_path_factory):
    """The run folder of everybody."""
    folder = tmp_path_factory.mktemp("two") / "run"
    words = ["reconstruct", str(clip[1]), "-o", str(folder), "--person", "all", "--predictor", "constant"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--size", "128", "--tier", "fast", "--formats", "usdc", "--progress", "none"])
    assert end.value.code == 0
    return folder


def overlaps(run, person, mattes):
    """IoU of a person's matte with that of the nearer and of the farther one, by frame."""
    found = {}
    for path in sorted((run / f"person{person:02d}/views").iterdir()):
        view = read_view(path)
        seen = paste_plane(view.alpha, view.crop) > 0.5
        truth = mattes[:, view.frame_index] > 0.5
        found[view.frame_index] = [(seen & one).sum() / max((seen | one).sum(), 1) for one in truth]
    return found


def test_two_who_cross_become_two_objects_and_stay_who_they_are(clip, run):
    film, _ = clip
    stage = Usd.Stage.Open(str(run / "export" / "crossing.usdc"))
    meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert [prim.GetName() for prim in meshes] == ["person01", "person02"]
    areas = film.mattes.sum(axis=(2, 3))
    unhidden = areas / np.median(areas, axis=1, keepdims=True)
    for person, who in ((1, 0), (2, 1)):
        found = overlaps(run, person, film.mattes)
        assert set(np.flatnonzero(unhidden[who] > EASY)) <= set(found)
        for index, (near, far) in found.items():
            own, other = (near, far) if who == 0 else (far, near)
            if unhidden[who][index] > SEEN:
                assert own > other, (person, index)
        assert np.median([pair[who] for pair in found.values()]) > 0.7
        mesh = UsdGeom.Mesh(meshes[person - 1])
        counts = [len(mesh.GetFaceVertexCountsAttr().Get(number + 1)) for number in range(NUM_FRAMES)]
        assert [index for index, count in enumerate(counts) if count] == sorted(found)


def test_the_manifest_of_the_crossing_names_both_and_nobody_else(run):
    manifest = json.loads((run / "manifest.json").read_text())
    assert [person["id"] for person in manifest["people"]] == [1, 2]
    assert manifest["cuts"] == []
    assert manifest["summary"]["failed"] == 0
    assert camera_from_json(json.loads((run / "camera.json").read_text())).width == HEIGHT * 4 // 3
