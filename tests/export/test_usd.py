from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import export_zoo
import numpy as np
import pytest
from export_faults import Listener, files_end_at, peak_of_writing
from pxr import Gf, Usd, UsdGeom, UsdShade, UsdValidation

from hd_core.errors import CancelledError, InputError
from hd_core.export import usd
from hd_core.export.usd import write_usd
from hd_core.types import Camera, Mesh

ENTRIES = sorted(export_zoo.ZOO)


@pytest.fixture
def written(tmp_path):
    """Writes a scene and opens it again; prims do not keep their stage alive, so this does."""
    stages = []

    def write_and_open(scene, name="out.usdc"):
        assert write_usd(scene, tmp_path / name) == [tmp_path / name]
        stages.append(Usd.Stage.Open(str(tmp_path / name)))
        return stages[-1]

    return write_and_open


def meshes_of(stage):
    return [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]


def at(attribute, code):
    return np.array(attribute.Get(code))


def st(mesh):
    return UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")


def is_stored(attribute):
    return bool(attribute) and attribute.HasAuthoredValue()


def one(*meshes, **fields):
    return export_zoo.scene_of(export_zoo.sequence_of(list(meshes), **fields))


def blender(vectors):
    x, y, z = np.asarray(vectors).T
    return np.stack([x, z, -y], axis=1)


def linear(byte):
    c = byte / 255
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def corners(mesh):
    return [[i for i in face if i >= 0] for face in mesh.faces.tolist()]


def faces_at(mesh, code):
    counts, indices = at(mesh.GetFaceVertexCountsAttr(), code), at(mesh.GetFaceVertexIndicesAttr(), code)
    return [part.tolist() for part in np.split(indices, np.cumsum(counts)[:-1])] if len(counts) else []


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name != "irregular"])
def test_every_mesh_of_the_zoo_lies_at_its_frame_number_with_all_it_carries(tmp_path, written, entry):
    scene = export_zoo.ZOO[entry](tmp_path / "pictures")
    stage = written(scene)
    prims = meshes_of(stage)
    assert [prim.GetPrim().GetDisplayName() for prim in prims] == [one.name for one in scene.sequences]
    for prim, sequence in zip(prims, scene.sequences, strict=True):
        for position, code in enumerate(sequence.frame_numbers.tolist()):
            mesh = sequence[position]
            points = at(prim.GetPointsAttr(), code).reshape(-1, 3)
            np.testing.assert_array_equal(points, blender(mesh.vertices))
            assert faces_at(prim, code) == corners(mesh)
            check_values(prim, mesh, code)
            if len(points):
                np.testing.assert_array_equal(at(prim.GetExtentAttr(), code), [points.min(0), points.max(0)])
            else:
                assert Gf.Range3f(*prim.GetExtentAttr().Get(code)).IsEmpty()


def check_values(prim, mesh, code):
    for value, attribute, expected in (
        (mesh.uv, st(prim), lambda uv: uv),
        (mesh.normals, prim.GetNormalsAttr(), blender),
        (mesh.colours, prim.GetDisplayColorPrimvar(), np.vectorize(linear, otypes=[float])),
    ):
        if value is None or len(value) == 0:
            assert not is_stored(attribute) or len(attribute.Get(code)) == 0
        else:
            np.testing.assert_allclose(at(attribute, code), expected(value), atol=1e-7)
            how = prim.GetNormalsInterpolation() if value is mesh.normals else attribute.GetInterpolation()
            assert how == "vertex"


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_validators_of_usd_find_nothing(tmp_path, written, entry):
    stage = written(export_zoo.ZOO[entry](tmp_path / "pictures"))
    rules = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(rules) >= 20
    errors = UsdValidation.ValidationContext(rules).Validate(stage)
    assert [(error.GetName(), error.GetMessage()) for error in errors] == []


def test_the_stage_states_its_axis_unit_rate_range_and_root(tmp_path, written):
    stage = written(
        replace(
            one(*map(export_zoo.strip_mesh, range(5)), first_frame=1001, times_seconds=np.arange(5) * 1001 / 30000),
            fps=Fraction(30000, 1001),
        )
    )
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == 30000 / 1001
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001, 1005)
    root = stage.GetDefaultPrim()
    assert root.GetTypeName() == "Xform"
    assert root.GetPath() == "/World"
    (mesh,) = meshes_of(stage)
    assert mesh.GetPrim().GetParent() == root
    assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
    assert mesh.GetOrientationAttr().Get() == "rightHanded"
    assert mesh.GetDoubleSidedAttr().Get() is False
    kept = stage.GetRootLayer().customLayerData["hd_core"]
    assert (kept["units"], kept["fps"]) == ("metres", "30000/1001")
    assert kept["version"]


def test_constant_topology_and_uv_are_stored_once_and_what_moves_is_not(tmp_path, written):
    (mesh,) = meshes_of(written(export_zoo.constant(tmp_path)))
    for attribute in (mesh.GetFaceVertexCountsAttr(), mesh.GetFaceVertexIndicesAttr(), st(mesh)):
        assert attribute.GetTimeSamples() == []
        assert len(attribute.Get()) > 0
    for attribute in (mesh.GetPointsAttr(), mesh.GetExtentAttr(), mesh.GetDisplayColorPrimvar()):
        assert attribute.GetTimeSamples() == [1, 2, 3, 4, 5, 6]
    valid = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("valid")
    assert list(valid.Get(2)) == [True] * 5 + [False] * 4
    assert list(valid.Get(4)) == [True] * 4 + [False] * 5


def test_varying_topology_and_uv_have_a_sample_per_frame(tmp_path, written):
    (mesh,) = meshes_of(written(export_zoo.varying(tmp_path)))
    for attribute in (mesh.GetFaceVertexCountsAttr(), mesh.GetFaceVertexIndicesAttr(), st(mesh)):
        assert attribute.GetTimeSamples() == [1001, 1002, 1003, 1004, 1005]


def test_a_value_that_stays_does_not_drift_towards_the_next_one(written):
    first, last = export_zoo.patch_mesh(0), export_zoo.patch_mesh(1)
    (mesh,) = meshes_of(written(one(first, first, first, last, shares_faces=True)))
    assert mesh.GetPointsAttr().GetTimeSamples() == [1, 3, 4]
    for code in (1, 1.5, 2, 2.75, 3):
        np.testing.assert_array_equal(at(mesh.GetPointsAttr(), code), blender(first.vertices))
    np.testing.assert_array_equal(at(mesh.GetPointsAttr(), 4), blender(last.vertices))


def test_a_single_mesh_and_a_still_one_have_no_samples(tmp_path, written):
    still = one(export_zoo.patch_mesh(), export_zoo.patch_mesh(), shares_faces=True)
    for index, scene in enumerate((export_zoo.patch(tmp_path), still)):
        (mesh,) = meshes_of(written(scene, f"{index}.usdc"))
        assert mesh.GetPointsAttr().GetNumTimeSamples() == 0
        np.testing.assert_array_equal(mesh.GetPointsAttr().Get(), blender(export_zoo.PATCH_VERTICES))


def test_front_faces_look_at_the_camera(tmp_path, written):
    (mesh,) = meshes_of(written(export_zoo.patch(tmp_path)))
    points = at(mesh.GetPointsAttr(), 1)
    for a, b, c, *_ in faces_at(mesh, 1):
        normal = np.cross(points[b] - points[a], points[c] - points[a])
        assert normal @ points[a] < 0  # the camera is the origin


def test_two_people_are_two_prims_and_nothing_shows_while_one_is_away(tmp_path, written):
    stage = written(export_zoo.two_people(tmp_path))
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1, 5)
    first, second = meshes_of(stage)
    assert [len(at(first.GetPointsAttr(), code)) for code in (1, 3, 4, 5)] == [5, 5, 0, 0]
    assert [len(at(second.GetPointsAttr(), code)) for code in (1, 2, 3, 4, 5)] == [0, 0, 9, 6, 3]
    assert [len(at(st(second), code)) for code in (1, 2, 3, 4, 5)] == [0, 0, 9, 6, 3]


def test_an_absent_person_of_constant_topology_is_a_point(written):
    here = export_zoo.sequence_of([export_zoo.patch_mesh(k) for k in range(5)])
    late = export_zoo.sequence_of(
        [export_zoo.patch_mesh(k) for k in range(2)],
        name="late",
        shares_faces=True,
        first_frame=3,
        times_seconds=np.array([2, 3]) / 25,
    )
    _, mesh = meshes_of(written(export_zoo.scene_of(here, late)))
    assert mesh.GetFaceVertexCountsAttr().GetNumTimeSamples() == 0
    spread = [np.ptp(at(mesh.GetPointsAttr(), code), axis=0).max() for code in (1, 2, 3, 4, 5)]
    assert spread == [0, 0, 0.5, 0.5, 0]


def test_uneven_times_become_fractional_time_codes(tmp_path, written):
    stage = written(export_zoo.irregular(tmp_path))
    (mesh,) = meshes_of(stage)
    # Frame 10 at 1.5 s; then 0.0625, 0.25 and 0.75 s later, 25 frames a second.
    assert mesh.GetPointsAttr().GetTimeSamples() == [10, 11.5625, 16.25, 28.75]
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (10, 28.75)
    np.testing.assert_array_equal(at(mesh.GetPointsAttr(), 16.25), blender(export_zoo.patch_mesh(2).vertices))
    kept = mesh.GetPrim().GetCustomDataByKey("hd_core:times_seconds")
    assert list(kept) == [1.5, 1.5625, 1.75, 2.25]


def test_times_rounded_to_milliseconds_are_still_a_constant_rate(written):
    meshes = [export_zoo.patch_mesh(k) for k in range(120)]
    times = np.round(np.arange(120) * 1001 / 60000, 3) + 7.0
    scene = replace(one(*meshes, times_seconds=times, first_frame=1001), fps=Fraction(60000, 1001))
    (mesh,) = meshes_of(written(scene))
    assert mesh.GetPointsAttr().GetTimeSamples() == list(range(1001, 1121))


def test_the_camera_projects_like_k_with_its_principal_point_off_the_middle(tmp_path, written):
    k = np.array([[1234.5, 0, 301.25], [0, 1180.0, 1100.5], [0, 0, 1]])
    camera = Camera(width=1080, height=1920, intrinsics=k)
    stage = written(replace(export_zoo.patch(tmp_path), camera=camera))
    frustum = UsdGeom.Camera(stage.GetPrimAtPath("/World/camera")).GetCamera(1).frustum
    to_ndc = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    for x, y, depth in ((0.5, 0.5, 2.0), (1079.5, 1919.5, 3.0), (301.25, 1100.5, 1.5), (540, 10, 9)):
        point = np.array([(x - 301.25) / 1234.5, (y - 1100.5) / 1180.0, 1.0]) * depth
        ndc = to_ndc.Transform(Gf.Vec3d(point[0], point[2], -point[1]))
        found = ((ndc[0] + 1) / 2 * 1080, (1 - ndc[1]) / 2 * 1920)
        assert found == pytest.approx((x, y), abs=2e-3)


def test_the_camera_is_36_mm_wide_keeps_k_exactly_and_stands_still(tmp_path, written):
    prim = UsdGeom.Camera(written(export_zoo.patch(tmp_path)).GetPrimAtPath("/World/camera"))
    assert prim.GetHorizontalApertureAttr().Get() == pytest.approx(0.36)  # tenths of a metre
    assert prim.GetVerticalApertureAttr().Get() == pytest.approx(0.27)
    assert prim.GetFocalLengthAttr().Get() == pytest.approx(60 / 64 * 0.36)
    assert prim.GetLocalTransformation().ExtractTranslation() == Gf.Vec3d(0)
    assert prim.GetLocalTransformation().TransformDir(Gf.Vec3d(0, 0, -1)) == pytest.approx((0, 1, 0))
    kept = prim.GetPrim().GetCustomDataByKey("hd_core:intrinsics")
    assert list(kept) == [60.0, 0, 32, 0, 60, 24, 0, 0, 1]


def test_a_skewed_camera_is_named_as_not_exact(tmp_path):
    skewed = Camera(width=64, height=48, intrinsics=np.array([[60.0, 1, 32], [0, 60, 24], [0, 0, 1]]))
    listener = Listener()
    write_usd(replace(export_zoo.patch(tmp_path), camera=skewed), tmp_path / "out.usdc", listener)
    assert len(listener.warnings) == 1
    assert "skew" in listener.warnings[0]


def shader(stage, name):
    return UsdShade.Shader(stage.GetPrimAtPath(f"/World/looks/person01/{name}"))


def test_each_frame_shows_its_own_picture_by_a_relative_path(tmp_path, written):
    scene = export_zoo.textured(tmp_path / "pictures")
    stage = written(scene)
    picture = shader(stage, "picture").GetInput("file")
    for code in (1, 2, 3):
        asset = picture.Get(code)
        assert asset.path == f"./pictures/frame 000{code - 1}.png"
        assert Path(asset.resolvedPath) == scene.sequences[0].texture_paths[code - 1]
    assert picture.Get().path == "./pictures/frame 0000.png"
    assert shader(stage, "picture").GetInput("sourceColorSpace").Get() == "sRGB"
    assert shader(stage, "uv").GetInput("varname").Get() == "st"
    (mesh,) = meshes_of(stage)
    bound, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    surface, _, _ = bound.ComputeSurfaceSource("")
    assert surface.GetIdAttr().Get() == "UsdPreviewSurface"
    (source,) = surface.GetInput("diffuseColor").GetConnectedSources()[0]
    assert source.source.GetPrim().GetName() == "picture"


def test_pictures_beside_the_folder_of_the_stage_are_found_after_moving_both(tmp_path):
    run = tmp_path / "run"
    write_usd(export_zoo.textured(run / "pictures"), run / "export" / "out.usdc")
    moved = run.rename(tmp_path / "moved")
    stage = Usd.Stage.Open(str(moved / "export" / "out.usdc"))
    asset = shader(stage, "picture").GetInput("file").Get(2)
    assert asset.path == "../pictures/frame 0001.png"
    assert Path(asset.resolvedPath) == moved / "pictures" / "frame 0001.png"


def test_one_picture_for_all_frames_is_stored_once(tmp_path, written):
    stage = written(export_zoo.one_texture_constant(tmp_path / "pictures"))
    assert shader(stage, "picture").GetInput("file").GetAttr().GetNumTimeSamples() == 0


def test_without_a_picture_the_vertex_colours_are_the_look(tmp_path, written):
    stage = written(export_zoo.patch(tmp_path))
    (source,) = shader(stage, "surface").GetInput("diffuseColor").GetConnectedSources()[0]
    reader = UsdShade.Shader(source.source.GetPrim())
    assert reader.GetIdAttr().Get() == "UsdPrimvarReader_float3"
    assert reader.GetInput("varname").Get() == "displayColor"


@pytest.mark.parametrize("entry", ["triangle", "only_uv", "empty"])
def test_with_nothing_to_show_there_is_no_material(tmp_path, written, entry):
    stage = written(export_zoo.ZOO[entry](tmp_path))
    assert [prim for prim in stage.Traverse() if prim.IsA(UsdShade.Material)] == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_same_scene_gives_the_same_bytes(tmp_path, written, entry):
    scene = export_zoo.ZOO[entry](tmp_path / "pictures")
    written(scene, "a.usdc")
    written(scene, "b.usd")
    assert (tmp_path / "a.usdc").read_bytes() == (tmp_path / "b.usd").read_bytes()
    assert (tmp_path / "a.usdc").read_bytes()[:8] == b"PXR-USDC"


def test_saving_after_every_frame_gives_the_same_stage(tmp_path, written, monkeypatch):
    scene = export_zoo.two_people(tmp_path)
    whole = written(scene, "a.usdc").GetRootLayer()
    text = whole.ExportToString()
    monkeypatch.setattr(usd, "HELD_BYTES", 0)
    pieces = written(scene, "b.usdc").GetRootLayer()
    assert pieces.ExportToString() == text
    assert pieces.ExportToString().count("timeSamples") > 5


def test_progress_counts_every_mesh_of_everybody_once(tmp_path):
    listener = Listener()
    write_usd(export_zoo.two_people(tmp_path), tmp_path / "out.usdc", listener)
    done = [step[1] for step in listener.steps]
    assert {step[::2] for step in listener.steps} == {("export", 6)}
    assert done == sorted(done)
    assert sorted(set(done)) == [1, 2, 3, 4, 5, 6]
    assert listener.warnings == []


def test_cancelling_leaves_no_file_and_the_next_try_works(tmp_path):
    target = tmp_path / "out.usdc"
    with pytest.raises(CancelledError) as held:  # as long as it is held, so are the frames of the first try
        write_usd(export_zoo.varying(tmp_path), target, Listener(stop_at=3))
    assert list(tmp_path.iterdir()) == []
    write_usd(export_zoo.varying(tmp_path), target)
    assert target.stat().st_size > 1000
    assert held.value.exit_code == 130


def test_a_failed_export_keeps_the_file_of_the_one_before(tmp_path):
    target = tmp_path / "out.usdc"
    write_usd(export_zoo.patch(tmp_path), target)
    before = target.read_bytes()
    with pytest.raises(CancelledError):
        write_usd(export_zoo.varying(tmp_path), target, Listener(stop_at=1))
    assert target.read_bytes() == before


@pytest.mark.parametrize("num_bytes", [0, 500, 3000])
def test_a_disk_that_takes_no_more_is_one_clear_line_and_leaves_nothing(tmp_path, num_bytes):
    with files_end_at(num_bytes), pytest.raises(InputError, match=r"Cannot write .*out\.usdc: File too large"):
        write_usd(export_zoo.varying(tmp_path), tmp_path / "out.usdc")
    assert list(tmp_path.iterdir()) == []


def test_meshes_that_carry_different_things_are_refused(tmp_path):
    scene = one(export_zoo.patch_mesh(), export_zoo.empty_mesh(), export_zoo.patch_mesh(uv=False))
    with pytest.raises(InputError, match="Found a mesh without uv after one with; expected"):
        write_usd(scene, tmp_path / "out.usdc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("a b", "a_b"), ("camera",), ("looks",)])
def test_names_that_usd_would_confuse_are_refused(tmp_path, names):
    people = [export_zoo.sequence_of([export_zoo.patch_mesh()], name=name) for name in names]
    with pytest.raises(InputError, match="expected names that USD can tell apart"):
        write_usd(export_zoo.scene_of(*people), tmp_path / "out.usdc")


def test_faces_are_kept_even_when_there_are_none(written):
    cloud = Mesh(vertices=export_zoo.PATCH_VERTICES, faces=np.zeros((0, 3), np.int32))
    (mesh,) = meshes_of(written(one(cloud)))
    assert len(mesh.GetPointsAttr().Get()) == 5
    assert len(mesh.GetFaceVertexCountsAttr().Get()) == 0


def test_memory_does_not_grow_with_the_clip(tmp_path):
    short, _ = peak_of_writing(tmp_path / "a.usdc", 40)
    long, alive = peak_of_writing(tmp_path / "b.usdc", 200)
    assert (tmp_path / "b.usdc").stat().st_size > 4.5 * (tmp_path / "a.usdc").stat().st_size
    assert long < short + 20
    assert alive <= 2
