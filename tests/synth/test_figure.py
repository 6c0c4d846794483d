"""The dancing figure: its field, its traced depth and normals, its joints, its picture."""

import numpy as np
import pytest

from hd_core.geometry.camera import unproject
from hd_core.geometry.depth import normals_from_depth
from hd_core.synth.figure.build import build_body
from hd_core.synth.figure.field import ARM_LEFT, ARM_RIGHT, SAFE_STEP, SHIRT, field
from hd_core.synth.figure.motion import PERIOD_SECONDS, dance
from hd_core.synth.figure.render import render_dancer, room_camera, see
from hd_core.synth.figure.skeleton import FOREARM_M, SHANK_M, THIGH_M, UPPER_ARM_M, solve_pose
from hd_core.types import Camera

TIME = 0.1
CAMERA = room_camera(90, 160, focal_px=136.0)


@pytest.fixture(scope="module")
def body():
    return build_body(dance(TIME))


@pytest.fixture(scope="module")
def frame():
    return render_dancer(CAMERA, time_seconds=TIME, rng=np.random.default_rng(3))


def in_world(camera, points):
    rotation, shift = camera.cam_from_world[:3, :3], camera.cam_from_world[:3, 3]
    return (points - shift) @ rotation


def zoomed(*, left, top, size_px, times):
    """A window of a 360 x 640 picture, magnified, with fx != fy and the centre far outside."""
    full = room_camera(360, 640, focal_px=544.0)
    window = np.array([[times, 0, -times * left], [0, 1.1 * times, -1.1 * times * top], [0, 0, 1]])
    return Camera(
        width=size_px,
        height=size_px,
        intrinsics=window @ full.intrinsics,
        cam_from_world=full.cam_from_world,
    )


def parts_seen(camera, body):
    world_from_cam = np.linalg.inv(camera.cam_from_world)
    axes, origin = np.ascontiguousarray(world_from_cam[:3, :3]), world_from_cam[:3, 3]
    return see(body, camera.height, camera.width, np.linalg.inv(camera.intrinsics), axes, origin)


def test_traced_points_lie_on_the_surface_within_a_tenth_of_a_millimetre(frame, body):
    points = in_world(CAMERA, unproject(CAMERA, frame.maps.depth)[frame.maps.mask])
    values = [field(body, *point)[0] for point in points]
    assert len(values) > 1500
    assert np.abs(values).max() < 1e-4


def test_a_safe_step_in_any_direction_never_lands_inside(body):
    rng = np.random.default_rng(5)
    starts = rng.uniform([-0.6, 0.0, -0.5], [0.6, 1.9, 0.6], (12000, 3))
    ways = rng.standard_normal((12000, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    landed, inside = 0, 0
    for start, way in zip(starts, ways, strict=True):
        distance = field(body, *start)[0]
        if distance > 0:
            landed += 1
            inside += field(body, *(start + SAFE_STEP * distance * way))[0] < -1e-4
    assert landed > 6000
    assert inside == 0


def test_tracing_agrees_with_a_dense_march_along_the_ray(frame, body):
    """The slow twin: the first sign change on a half-millimetre grid."""
    rows, columns = np.nonzero(frame.maps.mask)
    chosen = np.random.default_rng(6).choice(len(rows), 40, replace=False)
    for row, column in zip(rows[chosen], columns[chosen], strict=True):
        depth = frame.maps.depth[row, column]
        pixel = np.array([column + 0.5, row + 0.5, 1.0])
        ray = np.linalg.inv(CAMERA.intrinsics) @ pixel
        steps = np.arange(depth - 0.5, depth + 0.005, 0.0005)
        points = in_world(CAMERA, ray * steps[:, None])
        first = next(i for i, point in enumerate(points) if field(body, *point)[0] < 0)
        assert steps[first - 1] - 1e-6 <= depth <= steps[first] + 1e-6


def test_rays_that_miss_stay_outside(frame, body):
    rows, columns = np.nonzero(~frame.maps.mask)
    chosen = np.random.default_rng(7).choice(len(rows), 60, replace=False)
    for row, column in zip(rows[chosen], columns[chosen], strict=True):
        ray = np.linalg.inv(CAMERA.intrinsics) @ np.array([column + 0.5, row + 0.5, 1.0])
        for point in in_world(CAMERA, ray * np.arange(1.3, 3.0, 0.004)[:, None]):
            assert field(body, *point)[0] > -1e-3


@pytest.mark.parametrize(("left", "top"), [(150, 290), (205, 400)])
def test_normals_agree_with_the_traced_depth(body, left, top):
    """Shirt and denim, less than a millimetre per pixel, against central differences of the depth."""
    camera = zoomed(left=left, top=top, size_px=90, times=5.0)
    depth, _, normal = parts_seen(camera, body)
    measured = normals_from_depth(camera, depth, max_jump=0.002)
    smooth = np.linalg.norm(measured, axis=-1) > 0.5
    cosine = (measured * normal).sum(-1)[smooth]
    angle_deg = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert smooth.mean() > 0.9
    assert np.median(angle_deg) < 0.5
    assert np.percentile(angle_deg, 95) < 4.0


def test_folds_are_in_the_normals(body):
    """On 7 x 7 cm of the belly a trunk without folds stays within 6 degrees of a quadratic in x and y."""
    camera = zoomed(left=165, top=318, size_px=90, times=5.0)
    _, parts, normal = parts_seen(camera, body)
    assert (parts == SHIRT).all()
    down, across = np.mgrid[:90, :90].reshape(2, -1) / 90
    terms = np.stack([across**i * down**j for i in range(3) for j in range(3 - i)], axis=-1)
    flat = normal.reshape(-1, 3)
    rest = flat - terms @ np.linalg.lstsq(terms, flat, rcond=None)[0]
    assert np.degrees(np.sqrt((rest**2).sum(-1).mean())) > 12


def test_every_normal_faces_its_ray(frame):
    rows, columns = np.nonzero(frame.maps.mask)
    rays = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1) @ np.linalg.inv(CAMERA.intrinsics).T
    assert ((rays * frame.maps.normal[rows, columns]).sum(-1) < 0).all()


def test_the_arm_passes_before_the_torso(body):
    depth, parts, _ = parts_seen(room_camera(180, 320, focal_px=272.0), body)
    arm = (parts == ARM_LEFT) | (parts == ARM_RIGHT)
    below, above = arm[:-2] & (parts[2:] == SHIRT), arm[2:] & (parts[:-2] == SHIRT)
    gaps = np.concatenate([(depth[2:] - depth[:-2])[below], (depth[:-2] - depth[2:])[above]])
    assert (gaps > 0.04).sum() > 20


def test_alpha_is_whole_inside_and_soft_on_the_outline(frame):
    mask, alpha = frame.maps.mask, frame.alpha
    around = np.stack([np.roll(mask, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    assert (alpha[around.all(0)] > 0.99).mean() > 0.999
    assert not alpha[~around.any(0)].any()
    assert ((alpha > 0) & (alpha < 1)).sum() > 200
    assert alpha.sum() == pytest.approx(mask.sum(), rel=0.01)


def test_the_same_instant_makes_the_same_bytes(frame):
    again = render_dancer(CAMERA, time_seconds=TIME, rng=np.random.default_rng(3))
    for name in ("depth", "normal", "mask"):
        assert getattr(again.maps, name).tobytes() == getattr(frame.maps, name).tobytes()
    assert again.rgb.tobytes() == frame.rgb.tobytes()
    assert again.alpha.tobytes() == frame.alpha.tobytes()


def test_the_dance_repeats_seamlessly():
    for name, value in vars(dance(0.35)).items():
        assert np.abs(value - getattr(dance(0.35 + PERIOD_SECONDS), name)).max() < 1e-12, name


@pytest.mark.parametrize("index", range(0, 48, 3))
def test_bones_keep_their_length_and_joints_their_limits(index):
    pose = dance(index / 24)
    joints = solve_pose(pose)

    def bone(a, b):
        return np.linalg.norm(b - a, axis=1)

    def bend_deg(a, b, c):
        cosine = ((b - a) * (c - b)).sum(1) / bone(a, b) / bone(b, c)
        return np.degrees(np.arccos(cosine))

    assert bone(joints.shoulders, joints.elbows) == pytest.approx(UPPER_ARM_M)
    assert bone(joints.elbows, joints.wrists) == pytest.approx(FOREARM_M)
    assert bone(joints.hips, joints.knees) == pytest.approx(THIGH_M)
    assert bone(joints.knees, joints.ankles) == pytest.approx(SHANK_M)
    assert np.abs(joints.ankles - pose.ankles).max() < 1e-9
    elbows, knees = (
        bend_deg(joints.shoulders, joints.elbows, joints.wrists),
        bend_deg(joints.hips, joints.knees, joints.ankles),
    )
    assert elbows.min() > 3
    assert elbows.max() < 145
    assert knees.min() > 3
    assert knees.max() < 100
    forwards = joints.knees - (joints.hips + joints.ankles) / 2
    assert (forwards[:, 2] > 0).all()


@pytest.mark.parametrize("time", [0.0, 0.25, 0.75])
def test_the_soles_stand_on_the_floor_and_nothing_is_below(time):
    body = build_body(dance(time))
    grid = [(x, z) for x in np.arange(-0.4, 0.4, 0.012) for z in np.arange(-0.3, 0.35, 0.012)]
    assert min(field(body, x, 0.004, z)[0] for x, z in grid) < 0
    assert min(field(body, x, -0.008, z)[0] for x, z in grid) > 0
