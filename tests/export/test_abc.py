import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import export_zoo
import numpy as np
import pytest
from alembic3d import Abc, AbcGeom
from export_faults import Listener, peak_of_writing

from hd_core.errors import CancelledError, InputError
from hd_core.export.abc import write_abc

ENTRIES = sorted(export_zoo.ZOO)


def read(path):
    """People by name: the seconds of their samples, and a function that reads a sample."""
    top = Abc.IArchive(str(path)).getTop()
    return {child.getName(): read_mesh(child) for child in top.children}


def read_mesh(place):
    (child,) = place.children
    schema = AbcGeom.IPolyMesh(place, child.getName()).getSchema()
    times = schema.getTimeSampling()
    seconds = [times.getSampleTime(index) for index in range(schema.getNumSamples())]
    return seconds, lambda index: read_sample(schema, Abc.ISampleSelector(seconds[index]))


def read_sample(schema, when):
    """All of a mesh; `when` is given in seconds, as the binding takes whole numbers for seconds too."""
    sample = schema.getValue(when)
    counts = np.array(list(sample.getFaceCounts()), int)
    flat = list(sample.getFaceIndices())
    ends = np.cumsum(counts)
    found = {
        "vertices": np.array([tuple(p) for p in sample.getPositions()]).reshape(-1, 3),
        "faces": [flat[end - count : end] for end, count in zip(ends, counts, strict=True)],
    }
    for name, parameter in (("uv", schema.getUVsParam()), ("normals", schema.getNormalsParam())):
        if parameter.valid():
            values = parameter.getExpandedValue(when)
            assert values.getScope() == AbcGeom.GeometryScope.kVertexScope
            found[name] = np.array([tuple(value) for value in values.getVals()])
    extra = schema.getArbGeomParams()
    if extra.valid() and extra.getNumProperties():
        colours = AbcGeom.IC4fGeomParam(extra, "Cs").getExpandedValue(when)
        assert colours.getScope() == AbcGeom.GeometryScope.kVertexScope
        found["colours"] = np.array([(c.r, c.g, c.b, c.a) for c in colours.getVals()])
    return found


def y_up(vectors):
    return np.asarray(vectors) * [1, -1, -1]


def written(tmp_path, scene, name="out.abc"):
    assert write_abc(scene, tmp_path / name) == [tmp_path / name]
    return read(tmp_path / name)


def one(*meshes, **fields):
    return export_zoo.scene_of(export_zoo.sequence_of(list(meshes), **fields))


def check(found, mesh):
    np.testing.assert_array_equal(found["vertices"], y_up(mesh.vertices))
    assert found["faces"] == [[i for i in face if i >= 0][::-1] for face in mesh.faces.tolist()]
    for name, expected in (
        ("uv", lambda uv: uv),
        ("normals", y_up),
        ("colours", lambda colours: np.c_[colours / 255, np.ones(len(colours))]),
    ):
        value = getattr(mesh, name)
        if value is None or len(value) == 0:
            assert len(found.get(name, ())) == 0
        else:
            np.testing.assert_allclose(found[name], expected(value), atol=1e-7)


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name not in ("irregular", "two_people")])
def test_every_mesh_of_the_zoo_lies_at_its_frame_over_fps_with_all_it_carries(tmp_path, entry):
    scene = export_zoo.ZOO[entry](tmp_path / "pictures")
    people = written(tmp_path, scene)
    assert list(people) == [sequence.name for sequence in scene.sequences]
    for sequence in scene.sequences:
        seconds, sample = people[sequence.name]
        assert seconds == pytest.approx([number / 25 for number in sequence.frame_numbers], abs=1e-12)
        for position in range(len(sequence)):
            check(sample(position), sequence[position])


def test_nothing_shows_while_one_of_two_people_is_away(tmp_path):
    people = written(tmp_path, export_zoo.two_people(tmp_path))
    seconds, sample = people["person01"]
    assert seconds == pytest.approx([1 / 25, 2 / 25, 3 / 25, 4 / 25])
    assert [len(sample(index)["uv"]) for index in range(4)] == [5, 5, 5, 0]
    seconds, sample = people["person02"]
    assert seconds == pytest.approx([1 / 25, 2 / 25, 3 / 25, 4 / 25, 5 / 25])
    assert [len(sample(index)["vertices"]) for index in range(5)] == [0, 0, 9, 6, 3]
    assert [len(sample(index)["colours"]) for index in range(5)] == [0, 0, 9, 6, 3]
    check(sample(3), export_zoo.strip_mesh(1))


def test_uneven_times_are_kept_in_seconds_from_the_first_frame(tmp_path):
    seconds, sample = written(tmp_path, export_zoo.irregular(tmp_path))["person01"]
    assert seconds == pytest.approx([0.4, 0.4625, 0.65, 1.15], abs=1e-12)  # frame 10 of 25 a second, then on
    check(sample(2), export_zoo.patch_mesh(2))


def test_a_broken_rate_is_exact_after_an_hour(tmp_path):
    scene = replace(one(*map(export_zoo.patch_mesh, range(3)), first_frame=108000), fps=Fraction(30000, 1001))
    scene = replace(scene, sequences=(replace(scene.sequences[0], times_seconds=np.arange(3) * 1001 / 30000),))
    seconds, _ = written(tmp_path, scene)["person01"]
    assert seconds == pytest.approx([108000 * 1001 / 30000 + k * 1001 / 30000 for k in range(3)], abs=1e-9)


def test_the_rate_is_named_on_every_object(tmp_path):
    write_abc(replace(export_zoo.patch(tmp_path), fps=Fraction(30000, 1001)), tmp_path / "out.abc")
    place = Abc.IArchive(str(tmp_path / "out.abc")).getTop().children[0]
    for found in (place, place.children[0]):
        assert found.getMetaData().get("hd_core.fps") == "30000/1001"
        assert found.getMetaData().get("hd_core.units") == "metres"


def test_topology_that_stays_is_stored_once(tmp_path):
    write_abc(export_zoo.constant(tmp_path), tmp_path / "constant.abc")
    write_abc(export_zoo.varying(tmp_path), tmp_path / "varying.abc")
    variance = AbcGeom.MeshTopologyVariance
    for name, expected in (
        ("constant", variance.kHomogenousTopology),
        ("varying", variance.kHeterogenousTopology),
    ):
        place = Abc.IArchive(str(tmp_path / f"{name}.abc")).getTop().children[0]
        assert AbcGeom.IPolyMesh(place, "person01Shape").getSchema().getTopologyVariance() == expected


def test_faces_wind_clockwise_for_the_camera(tmp_path):
    _, sample = written(tmp_path, export_zoo.patch(tmp_path))["person01"]
    found = sample(0)
    for a, b, c, *_ in found["faces"]:
        points = found["vertices"]
        assert np.cross(points[b] - points[a], points[c] - points[a]) @ points[a] > 0


def test_a_person_who_comes_later_has_values_from_the_first_sample_on(tmp_path):
    scene = one(export_zoo.empty_mesh(), export_zoo.patch_mesh(1))
    _, sample = written(tmp_path, scene)["person01"]
    assert [len(sample(0)[name]) for name in ("vertices", "uv", "normals", "colours")] == [0, 0, 0, 0]
    check(sample(1), export_zoo.patch_mesh(1))


def test_what_nobody_carries_is_not_there_even_after_an_empty_frame(tmp_path):
    scene = one(export_zoo.empty_mesh(), export_zoo.triangle_mesh())
    _, sample = written(tmp_path, scene)["person01"]
    assert sample(1).keys() == {"vertices", "faces"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_same_scene_gives_the_same_bytes_and_no_date(tmp_path, entry):
    scene = export_zoo.ZOO[entry](tmp_path / "pictures")
    written(tmp_path, scene, "a.abc")
    written(tmp_path, scene, "b.abc")
    assert (tmp_path / "a.abc").read_bytes() == (tmp_path / "b.abc").read_bytes()
    assert Abc.GetArchiveInfo(Abc.IArchive(str(tmp_path / "a.abc")))["whenWritten"] == ""


def test_progress_counts_every_mesh_of_everybody_once(tmp_path):
    listener = Listener()
    write_abc(export_zoo.two_people(tmp_path), tmp_path / "out.abc", listener)
    done = [step[1] for step in listener.steps]
    assert {step[::2] for step in listener.steps} == {("export", 6)}
    assert done == sorted(done)
    assert sorted(set(done)) == [1, 2, 3, 4, 5, 6]


def test_cancelling_leaves_no_file_and_the_next_try_works(tmp_path):
    target = tmp_path / "out.abc"
    with pytest.raises(CancelledError) as held:
        write_abc(export_zoo.varying(tmp_path), target, Listener(stop_at=3))
    assert list(tmp_path.iterdir()) == []
    assert len(written(tmp_path, export_zoo.varying(tmp_path))["person01"][0]) == 5
    del held  # closes the archive of the first try, whose file is gone
    assert len(read(target)["person01"][0]) == 5


@pytest.mark.parametrize("write", [1, 2, 4])
def test_a_full_disk_is_noticed_before_alembic_meets_it(tmp_path, monkeypatch, write):
    """Alembic ends the process when it cannot write, so the disk is asked for room before every mesh."""
    asked = []
    write_bytes = Path.write_bytes

    def no_room(path, data):
        asked.append(len(data))
        write_bytes(path, data[:10])
        if len(asked) == write:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", no_room)
    with pytest.raises(InputError, match=r"The disk is full: out\.abc could not be written"):
        write_abc(export_zoo.varying(tmp_path), tmp_path / "out.abc")
    assert list(tmp_path.iterdir()) == []
    assert min(asked) >= 1 << 20


def test_meshes_that_carry_different_things_are_refused(tmp_path):
    scene = one(export_zoo.patch_mesh(uv=False), export_zoo.patch_mesh())
    with pytest.raises(InputError, match="Found a mesh with uv after one without; expected"):
        write_abc(scene, tmp_path / "out.abc")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_alembic_would_split_is_refused(tmp_path):
    with pytest.raises(InputError, match="'a/b'; Alembic expects a name without '/'"):
        write_abc(one(export_zoo.patch_mesh(), name="a/b"), tmp_path / "out.abc")


def test_memory_does_not_grow_with_the_clip(tmp_path):
    short, _ = peak_of_writing(tmp_path / "a.abc", 40)
    long, alive = peak_of_writing(tmp_path / "b.abc", 200)
    assert (tmp_path / "b.abc").stat().st_size > 4.5 * (tmp_path / "a.abc").stat().st_size
    assert long < short + 20
    assert alive <= 2
