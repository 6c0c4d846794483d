"""The nouns refuse nonsense where it is made, and say both what they found and what they expected."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from hd_core.errors import InputError
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop, whole_frame
from hd_core.types import BodyMaps, Box, Camera, Clip, Crop, Gauge, Mesh, MeshSequence, Scene, SurfaceMaps, View


def plain_maps(**changes):
    depth = np.full((4, 6), 2.0, np.float32)
    normal = np.zeros((4, 6, 3), np.float32)
    normal[..., 2] = -1
    values = {
        "camera": camera_from_focal(6, 4, focal_px=5.0),
        "depth": depth,
        "normal": normal,
        "mask": np.ones((4, 6), bool),
        "confidence": np.ones((4, 6), np.float32),
        "gauge": Gauge.METRIC,
    }
    return SurfaceMaps(**values | changes)


def triangle(**changes):
    values = {"vertices": np.eye(3, dtype=np.float32), "faces": np.array([[0, 1, 2]], np.int32)}
    return Mesh(**values | changes)


def sequence(meshes, **changes):
    count = len(meshes)
    values = {
        "name": "person01",
        "meshes": meshes,
        "times_seconds": np.arange(count) / 25,
        "frame_numbers": np.arange(1, count + 1),
    }
    return MeshSequence(**values | changes)


def test_shape_checking_is_switched_on():
    """The canary: without it every shape in the code base is decoration."""
    with pytest.raises(TypeCheckError):
        camera_from_focal(6, 4, focal_px="5")
    with pytest.raises(TypeCheckError):
        plain_maps(depth=np.zeros((4, 6, 1), np.float32))


def test_a_camera_refuses_a_mirror_and_names_the_determinant():
    pose = np.diag([-1.0, 1, 1, 1])
    with pytest.raises(InputError, match="mirroring rotation; expected determinant"):
        Camera(width=2, height=2, intrinsics=np.eye(3), cam_from_world=pose)


@pytest.mark.parametrize(
    ("intrinsics", "text"),
    [
        (np.diag([0.0, 1, 1]), "focal lengths 0.0, 1.0 px; expected positive"),
        (np.diag([1.0, 1, 2]), "last row of K"),
        (np.diag([np.nan, 1, 1]), "finite intrinsics"),
    ],
)
def test_a_camera_refuses_impossible_intrinsics(intrinsics, text):
    with pytest.raises(InputError, match=text):
        Camera(width=2, height=2, intrinsics=intrinsics)


def test_a_camera_refuses_a_rotation_that_is_not_orthonormal():
    pose = np.eye(4)
    pose[0, 1] = 0.01
    with pytest.raises(InputError, match="from orthonormal"):
        Camera(width=2, height=2, intrinsics=np.eye(3), cam_from_world=pose)


def test_maps_refuse_depth_that_disagrees_with_the_mask_and_count_the_pixels():
    mask = np.ones((4, 6), bool)
    mask[0, :3] = False
    with pytest.raises(InputError, match="3 pixels whose depth disagrees"):
        plain_maps(mask=mask)
    depth = np.full((4, 6), 2.0, np.float32)
    depth[1, 1] = np.nan
    with pytest.raises(InputError, match="1 pixels whose depth disagrees"):
        plain_maps(depth=depth)


def test_maps_refuse_depth_behind_the_camera_unless_its_offset_is_unknown():
    depth = np.full((4, 6), -1.0, np.float32)
    with pytest.raises(InputError, match="depth of -1"):
        plain_maps(depth=depth)
    assert plain_maps(depth=depth, gauge=Gauge.AFFINE).gauge is Gauge.AFFINE


def test_maps_refuse_normals_that_are_not_unit():
    with pytest.raises(InputError, match="unit normals on the mask"):
        plain_maps(normal=np.full((4, 6, 3), 0.9, np.float32))


def test_a_crop_refuses_a_camera_that_is_not_its_own():
    full = camera_from_focal(60, 40, focal_px=50.0)
    with pytest.raises(InputError, match="crop intrinsics off by"):
        Crop(box=Box(left=5.0, top=5.0, width=20.0, height=20.0), full=full, camera=full)


def test_a_view_refuses_a_picture_of_another_size():
    crop = whole_frame(camera_from_focal(6, 4, focal_px=5.0))
    with pytest.raises(InputError, match="rgb of"):
        View(
            rgb=np.zeros((4, 5, 3), np.uint8),
            alpha=np.zeros((4, 5), np.float32),
            crop=crop,
            frame_index=0,
            time_seconds=0.0,
        )


def test_a_body_refuses_parts_there_are_not_and_depth_without_normals():
    iuv = np.full((4, 6, 3), 24, np.uint8)
    assert BodyMaps(iuv=iuv).depth is None
    with pytest.raises(InputError, match="body part 25; expected 0 to 24"):
        BodyMaps(iuv=iuv + np.uint8(1))
    maps = plain_maps()
    with pytest.raises(InputError, match="alone; expected both"):
        BodyMaps(iuv=iuv, depth=maps.depth)
    with pytest.raises(InputError, match="1 pixels with a body's depth or normal alone"):
        BodyMaps(
            iuv=iuv, depth=np.where(np.arange(6) + 6 * np.arange(4)[:, None], maps.depth, np.nan), normal=maps.normal
        )


def test_a_view_refuses_a_body_of_another_size():
    camera = camera_from_focal(6, 4, focal_px=5.0)
    picture = {"rgb": np.zeros((4, 6, 3), np.uint8), "alpha": np.zeros((4, 6), np.float32)}
    with pytest.raises(InputError, match="body maps of"):
        View(
            **picture,
            crop=whole_frame(camera),
            frame_index=0,
            time_seconds=0.0,
            body=BodyMaps(iuv=np.zeros((6, 4, 3), np.uint8)),
        )


def test_the_two_pixel_transforms_of_a_crop_undo_each_other():
    full = camera_from_focal(1920, 1080, focal_px=1500.0)
    crop = make_crop(full, Box(left=-33.3, top=71.7, width=555.5, height=555.5), width=512, height=512)
    np.testing.assert_allclose(crop.full_from_crop @ crop.crop_from_full, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(crop.full_from_crop @ [0, 0, 1], [-33.3, 71.7, 1])


def test_a_mesh_refuses_an_index_beyond_its_vertices_and_names_the_range():
    with pytest.raises(InputError, match=r"face indices 0..3; expected 0..2"):
        triangle(faces=np.array([[0, 1, 3]], np.int32))


def test_a_quad_may_end_in_minus_one_but_no_other_corner_may():
    assert len(triangle(faces=np.array([[0, 1, 2, -1]], np.int32)).faces) == 1
    with pytest.raises(InputError, match="face indices -1"):
        triangle(faces=np.array([[0, -1, 2, 1]], np.int32))


def test_an_empty_mesh_is_a_mesh():
    empty = Mesh(vertices=np.zeros((0, 3), np.float32), faces=np.zeros((0, 3), np.int32))
    assert len(empty.vertices) == 0


def test_a_sequence_refuses_times_that_do_not_increase():
    with pytest.raises(InputError, match="times_seconds that do not increase"):
        sequence([triangle(), triangle()], times_seconds=np.array([0.1, 0.1]))


def test_a_sequence_that_claims_one_topology_proves_it_at_access():
    other = triangle(faces=np.array([[0, 2, 1]], np.int32))
    claimed = sequence([triangle(), triangle(), other], shares_faces=True)
    assert len(claimed[1].faces) == 1
    with pytest.raises(InputError, match="another topology in mesh 2"):
        claimed[2]


def test_a_scene_refuses_two_people_of_one_name():
    with pytest.raises(InputError, match="expected different ones"):
        Scene(
            sequences=(sequence([triangle()]), sequence([triangle()])),
            camera=camera_from_focal(6, 4, focal_px=5.0),
            fps=Fraction(25),
        )


def test_a_clip_refuses_to_be_empty():
    with pytest.raises(InputError, match="0 frames"):
        Clip(path=Path("a.mp4"), num_frames=0, width=2, height=2, fps=Fraction(25))
