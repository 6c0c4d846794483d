"""XPBD against closed forms, another minimiser, and the laws of mechanics."""

import time

import numpy as np
import pytest
from cloth_scenes import ball, garment_of, no_body, normals_of, sheet, still, tube
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hd_core.errors import InputError
from hd_core.synth.cloth.fabric import Fabric
from hd_core.synth.cloth.garment import ClothOptions, Garment
from hd_core.synth.cloth.solver import ClothState, simulate

FREE = ClothOptions(loose_compliance=np.inf, damping=0.0)
PLAIN = Fabric(slack=1.0)


def run(garment, fabric, frames, options=FREE, **more):
    targets, empty = still(garment.rest, frames), no_body(frames)
    return simulate(garment, fabric, targets, empty, empty, fps=30.0, warm_up=0, options=options, **more)


def test_a_hanging_vertex_stretches_its_two_springs_as_the_closed_form_says():
    # Pins at (+-a, 0, 0), the weight below them: 2 k (l - l0) h / l = m g, k = A / (c l0^2) (Van Gelder).
    a, drop, compliance, density = 0.1, 0.2, 1.5, 0.3
    points = np.array([[-a, 0, 0], [a, 0, 0], [0, 0, -drop]], np.float32)
    garment = garment_of(points, np.array([[0, 1, 2]], np.int32), pinned=np.array([True, True, False]))
    fabric = Fabric(stretch_compliance=compliance, density=density, slack=1.0)
    options = ClothOptions(loose_compliance=np.inf, damping=6.0)
    height = -float(run(garment, fabric, 200, options)[-1, 2, 2])
    area, rest = a * drop, np.hypot(a, drop)
    stiffness, weight = area / (compliance * rest**2), density * area / 3 * 9.81
    length = np.hypot(a, height)
    assert height > drop + 0.02
    assert 2 * stiffness * (length - rest) * height / length == pytest.approx(weight, rel=2e-3)


def test_a_hanging_strip_has_the_least_energy_that_another_minimiser_finds():
    points, faces = sheet(7, 3, 0.06, 0.18)
    points = points[:, [0, 2, 1]]
    pinned = points[:, 2] > 0.089
    compliance, density = 0.25, 0.2
    fabric = Fabric(stretch_compliance=compliance, bend_compliance=1e9, density=density, slack=1.0)
    garment = garment_of(points, faces, pinned=pinned)
    hung = {}
    for substeps in (20, 40, 80):
        options = ClothOptions(loose_compliance=np.inf, damping=5.0, substeps=substeps)
        hung[substeps] = run(garment, fabric, 300, options)[-1]

    corner = points[faces].astype(float)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1) / 2
    beside: dict[tuple[int, int], float] = {}
    mass = np.zeros(len(points))
    for face, of_face in zip(faces.tolist(), area, strict=True):
        mass[face] += density * of_face / 3
        for i, j in ((0, 1), (1, 2), (2, 0)):
            key = (min(face[i], face[j]), max(face[i], face[j]))
            beside[key] = beside.get(key, 0) + of_face
    first, second = np.array(list(beside)).T
    rest = np.linalg.norm(points[first].astype(float) - points[second], axis=1)
    stiffness = np.array(list(beside.values())) / (compliance * rest**2)

    def energy(flat):
        x = points.astype(float)
        x[np.ix_(~pinned, [0, 2])] = flat.reshape(-1, 2)
        lengths = np.linalg.norm(x[first] - x[second], axis=1)
        return 1e3 * float((stiffness * (lengths - rest) ** 2).sum() / 2 + (mass * 9.81 * x[:, 2]).sum())

    start = points[np.ix_(~pinned, [0, 2])].astype(float).ravel()
    best = minimize(energy, start, method="BFGS", options={"gtol": 1e-6}).x.reshape(-1, 2)
    stretch = points[:, 2].min() - best[:, 1].min()
    assert stretch > 0.004
    off = {n: np.abs(x[np.ix_(~pinned, [0, 2])] - best).max() for n, x in hung.items()}
    assert off[80] < 0.01 * stretch
    assert off[20] / off[40] == pytest.approx(4, rel=0.15)  # small steps converge with their square


def test_free_fall_keeps_shape_and_follows_the_parabola():
    points, faces = sheet(12, 12, 0.4, 0.4)
    fallen = run(garment_of(points, faces), PLAIN, 31)
    expected = -9.81 / 2 * (1 + 1 / 360)  # symplectic Euler of 360 steps in a second
    assert fallen[-1, :, 2] == pytest.approx(expected, abs=1e-5)
    assert np.abs(fallen[-1, :, :2] - points[:, :2]).max() < 1e-6


def test_inner_forces_keep_the_momentum_and_the_angular_momentum():
    rng = np.random.default_rng(3)
    points, faces = sheet(10, 10, 0.3, 0.3)
    garment = garment_of(points, faces)
    crumpled = points + rng.normal(scale=0.001, size=points.shape).astype(np.float32)
    options = ClothOptions(loose_compliance=np.inf, damping=0.0, gravity=0.0)
    empty = np.zeros((0, 3), np.float32)
    state = ClothState(garment, PLAIN, crumpled, empty, empty, fps=30.0, options=options)
    corner = points[faces]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1) / 2
    mass = np.bincount(faces.ravel(), np.repeat(area / 3, 3))[:, None]
    before = (mass * crumpled).sum(0)
    path = np.stack([state.step(crumpled, empty, empty) for _ in range(40)]).astype(float)
    assert np.abs(path[-1] - crumpled).max() > 5e-4
    assert np.abs((mass * path[-1]).sum(0) - before).max() < 1e-6 * mass.sum()
    speed = np.diff(path, axis=0)
    spin = np.cross(path[1:] - path[1:].mean(1, keepdims=True), mass * speed).sum(1)
    assert np.abs(spin[2:] - spin[2]).max() < 0.01 * np.linalg.norm(spin[2])


def test_energy_does_not_grow_without_input():
    points, faces = sheet(16, 16, 0.4, 0.4)
    pinned = np.hypot(points[:, 0] - 0.2, points[:, 1] - 0.2) < 0.01
    options = ClothOptions(loose_compliance=np.inf, damping=0.0)
    path = run(garment_of(points, faces, pinned=pinned), PLAIN, 90, options).astype(float)
    kinetic = 0.5 * ((np.diff(path, axis=0) * 30) ** 2).sum(-1).mean(-1)
    potential = 9.81 * ((path[1:] + path[:-1]) / 2)[..., 2].mean(-1)
    total = kinetic + potential
    assert total.max() < 0.02
    assert total[-1] < total[0]


def test_pinned_vertices_are_exactly_where_their_target_is():
    points, faces = tube(8, 16, 0.1, 0.2)
    pinned = points[:, 2] > -0.01
    shift = np.linspace(0, 0.3, 12, dtype=np.float32)[:, None, None]
    targets = points[None] + shift
    garment = garment_of(points, faces, pinned=pinned)
    moved = simulate(garment, PLAIN, targets, no_body(12), no_body(12), fps=30.0, warm_up=2)
    assert np.array_equal(moved[:, pinned], targets[:, pinned])
    assert np.abs(moved - targets)[:, ~pinned].max() > 1e-3


def test_a_still_target_lets_the_cloth_come_to_rest():
    points, faces = tube(12, 24, 0.1, 0.3)
    garment = garment_of(points, faces, pinned=points[:, 2] > -0.01)
    path = run(garment, PLAIN, 150, ClothOptions())
    speed = np.abs(np.diff(path.astype(float), axis=0)).max(axis=(1, 2)) * 30
    assert speed[:3].max() > 0.05
    assert speed[-10:].max() < 2e-3


def test_an_attached_vertex_sags_by_its_compliance_times_gravity():
    points, faces = sheet(8, 8, 0.2, 0.2)
    path = run(garment_of(points, faces), PLAIN, 120, ClothOptions(loose_compliance=2e-3, damping=5.0))
    assert path[-1, :, 2] == pytest.approx(-2e-3 * 9.81, rel=5e-3)


def fold_angle(path, faces):
    """Spread of the vertex normals about their mean, degrees."""
    normals = normals_of(path, faces)
    mean = normals.mean(0) / np.linalg.norm(normals.mean(0))
    return float(np.degrees(np.sqrt(np.mean(np.arccos(np.clip(normals @ mean, -1, 1)) ** 2))))


def test_slack_between_two_held_ends_makes_folds_and_no_slack_does_not():
    rng = np.random.default_rng(0)
    points, faces = sheet(30, 30, 0.4, 0.4)
    points[:, 2] += rng.normal(scale=1e-4, size=len(points)).astype(np.float32)
    pinned = np.abs(np.abs(points[:, :2]).max(1) - 0.2) < 1e-3
    garment = garment_of(points, faces, pinned=pinned)
    options = ClothOptions(gravity=0.0)
    angles = {s: fold_angle(run(garment, Fabric(slack=s), 60, options)[-1], faces) for s in (1.0, 1.03, 1.06)}
    assert angles[1.0] < 1.0
    assert 6 < angles[1.03] < angles[1.06] < 60


def falling_sheet(frames=45, **options):
    points, faces = sheet(41, 41, 0.6, 0.6, z=0.16)
    vertices, normals = ball(0.15)
    chosen = ClothOptions(loose_compliance=np.inf, **options)
    body = still(vertices, frames), still(normals, frames)
    fabric = Fabric(slack=1.0, thickness_m=0.0, bend_compliance=8e4)
    return simulate(
        garment_of(points, faces), fabric, still(points, frames), *body, fps=30.0, warm_up=0, options=chosen
    ), faces


def test_a_sheet_that_falls_on_a_ball_stays_outside_and_drapes():
    path, faces = falling_sheet()
    assert np.linalg.norm(path, axis=-1).min() > 0.15 + 0.004 - 0.0005
    spread = [fold_angle(path[k], faces) for k in (0, 6, 12)]
    assert spread[0] < 0.1 < 15 < spread[1] < spread[2]
    corners = path[-1, [0, 40, -41, -1]]
    assert corners[:, 2].max() < path[-1, 41 * 20 + 20, 2] - 0.2


def test_cloth_that_starts_inside_is_put_outside_but_does_not_fly_off():
    points, faces = sheet(9, 9, 0.04, 0.04, z=0.13)
    vertices, normals = ball(0.15)
    options = ClothOptions(loose_compliance=np.inf, gravity=0.0, damping=0.0)
    body = still(vertices, 20), still(normals, 20)
    garment = garment_of(points, faces)
    path = simulate(garment, PLAIN, still(points, 20), *body, fps=30.0, warm_up=0, options=options)
    away = np.linalg.norm(path[1:], axis=-1) - 0.15
    assert away.min() > 0.003
    assert away.max() < 0.1  # 2 cm in one step would be 7 m/s


def test_the_ground_holds_what_falls_on_it():
    path, _ = falling_sheet(60, ground_m=-0.1)
    assert path[..., 2].min() >= -0.1 + 0.004 - 1e-6
    assert (path[-1, :, 2] < -0.09).mean() > 0.1


def test_friction_holds_on_a_slope_up_to_its_angle():
    # Coulomb: a body on a slope of 20 degrees (tan 0.364) stays for mu 0.5 and slides for mu 0.2 at
    # g (sin - mu cos).
    points, faces = sheet(6, 6, 0.1, 0.1)
    slope = np.radians(20)
    up = np.array([np.sin(slope), 0.0, np.cos(slope)])
    along = np.array([np.cos(slope), 0.0, -np.sin(slope)])
    turn = np.stack([along, [0.0, 1.0, 0.0], up], axis=1)
    plane, _ = sheet(50, 50, 2.0, 2.0)
    frames, tilted = 16, (points @ turn.T + 0.004 * up).astype(np.float32)
    ground = still((plane @ turn.T).astype(np.float32), frames)
    normals = np.broadcast_to(up.astype(np.float32), ground.shape).copy()
    slid = {}
    for mu in (0.2, 0.5):
        fabric = Fabric(slack=1.0, thickness_m=0.0, friction=mu)
        targets = still(tilted, frames)
        path = simulate(garment_of(tilted, faces), fabric, targets, ground, normals, fps=30.0, warm_up=0, options=FREE)
        slid[mu] = float((path[-1] - path[0]).mean(0) @ along)
    seconds = (frames - 1) / 30
    assert slid[0.2] == pytest.approx(9.81 * (np.sin(slope) - 0.2 * np.cos(slope)) * seconds**2 / 2, rel=0.02)
    assert abs(slid[0.5]) < 1e-4


def test_a_moving_body_carries_the_cloth_and_never_comes_through():
    points, faces = tube(20, 32, 0.055, 0.3)
    body, body_faces = tube(60, 40, 0.05, 0.4)
    body[:, 2] += 0.05
    normals = normals_of(body, body_faces)
    assert (normals[:, :2] * body[:, :2]).sum(-1).min() > 0
    frames = 30
    sway = 0.3 * np.sin(np.linspace(0, 2 * np.pi, frames))
    shift = np.stack([sway, 0 * sway, 0 * sway], -1)[:, None].astype(np.float32)
    garment = garment_of(points, faces, pinned=points[:, 2] > -0.01, skin_distance=0.05)
    path = simulate(garment, PLAIN, points + shift, body + shift, still(normals, frames), fps=30.0)
    radius = np.linalg.norm((path - shift)[..., :2], axis=-1)
    assert radius.min() > 0.05 + 0.004 - 0.0015
    assert np.abs(path - shift - points).max() > 0.003


def a_clip():
    points, faces = tube(14, 24, 0.08, 0.25)
    vertices, normals = ball(0.07, centre=(0, 0, -0.1))
    turn = np.linspace(0, 1.0, 10)
    shift = 0.1 * np.stack([np.sin(turn), np.cos(turn), turn], -1)[:, None].astype(np.float32)
    return points, faces, points + shift, vertices + shift, still(normals, 10)


def test_the_same_input_gives_the_same_bytes():
    points, faces, targets, *body = a_clip()
    garment = garment_of(points, faces, pinned=points[:, 2] > -0.01)
    one, two = (simulate(garment, PLAIN, targets, *body, fps=30.0) for _ in range(2))
    assert one.dtype == np.float32 and one.tobytes() == two.tobytes()


def test_the_order_of_vertices_and_faces_does_not_matter():
    points, faces, targets, *body = a_clip()
    pinned = points[:, 2] > -0.01
    plain = simulate(garment_of(points, faces, pinned=pinned), PLAIN, targets, *body, fps=30.0)
    rng = np.random.default_rng(1)
    order = rng.permutation(len(points))
    rank = np.argsort(order)
    shuffled = np.roll(rng.permutation(rank[faces].astype(np.int32)), 1, axis=1)
    mixed = garment_of(points[order], shuffled, pinned=pinned[order])
    again = simulate(mixed, PLAIN, targets[:, order], *body, fps=30.0)
    assert np.array_equal(again[:, rank], plain)


def test_streaming_is_the_clip_frame_by_frame():
    points, faces, targets, *body = a_clip()
    garment = garment_of(points, faces)
    whole = simulate(garment, PLAIN, targets, *body, fps=30.0, warm_up=3)
    state = ClothState(garment, PLAIN, targets[0], body[0][0], body[1][0], fps=30.0)
    for _ in range(3):
        state.step(targets[0], body[0][0], body[1][0])
    frames = [state.positions] + [state.step(targets[k], body[0][k], body[1][k]) for k in range(1, 10)]
    assert np.array_equal(np.stack(frames), whole)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    num=st.integers(3, 20),
    num_faces=st.integers(1, 30),
    scale=st.sampled_from([0.0, 1e-4, 0.1, 3.0]),
)
def test_any_mesh_however_broken_stays_finite(seed, num, num_faces, scale):
    rng = np.random.default_rng(seed)
    points = (scale * rng.normal(size=(num, 3))).astype(np.float32)
    faces = rng.integers(0, num, (num_faces, 3)).astype(np.int32)
    garment = garment_of(points, faces, pinned=rng.random(num) < 0.2, skin_distance=rng.random(num) * 0.1)
    fabric = Fabric(stretch_compliance=0.0, bend_compliance=float(rng.choice([0.0, 1e4])))
    vertices, normals = ball(0.1, num=5)
    jumps = (points + rng.normal(size=(4, 1, 3))).astype(np.float32)
    path = simulate(garment, fabric, jumps, still(vertices, 4), still(normals, 4), fps=30.0, warm_up=2)
    assert np.isfinite(path).all()
    assert np.abs(path).max() < 100 + 30 * scale


def test_garments_and_clips_that_do_not_fit_are_refused():
    points, faces = sheet(3, 3, 0.1, 0.1)
    garment = garment_of(points, faces)
    empty = no_body(2)
    with pytest.raises(InputError, match=r"faces over 0\.\.8; expected 0\.\.4"):
        garment_of(points[:5], faces)
    with pytest.raises(InputError, match="pins"):
        Garment(rest=points, faces=faces, pinned=np.zeros(3, bool), skin_distance=np.zeros(3, np.float32))
    with pytest.raises(InputError, match="target of 5 vertices; expected 9"):
        simulate(garment, PLAIN, still(points[:5], 2), empty, empty, fps=30.0)
    with pytest.raises(InputError, match="2 targets, 1 bodies"):
        simulate(garment, PLAIN, still(points, 2), empty[:1], empty[:1], fps=30.0)
    with pytest.raises(InputError, match="not finite"):
        simulate(garment, PLAIN, still(points * np.nan, 2), empty, empty, fps=30.0)
    with pytest.raises(InputError, match="0.0 frames per second"):
        simulate(garment, PLAIN, still(points, 2), empty, empty, fps=0.0)


def test_a_frame_of_an_outfit_takes_milliseconds():
    # 10 ms on a core of its own; the bound leaves room for a busy machine.
    points, faces = tube(55, 120, 0.16, 0.7)
    vertices, body_faces = tube(100, 130, 0.14, 0.9)
    body = vertices, normals_of(vertices, body_faces).astype(np.float32)
    garment = garment_of(points, faces, pinned=points[:, 2] > -0.01, skin_distance=0.03)
    state = ClothState(garment, Fabric(), points, *body, fps=30.0)
    state.step(points, *body)
    began = time.process_time()
    for _ in range(10):
        state.step(points, *body)
    assert (time.process_time() - began) / 10 < 0.025


def test_cloth_on_the_chest_is_pressed_down_by_an_arm_and_does_not_come_through_it():
    points, faces = sheet(21, 21, 0.3, 0.3, 0.03)
    garment = Garment(
        rest=points,
        faces=faces,
        pinned=np.zeros(len(points), bool),
        skin_distance=np.full(len(points), 0.03, np.float32),
        outward=True,
    )
    chest, _ = sheet(41, 41, 0.4, 0.4)
    arm, arm_normals = ball(0.05, num=900, centre=(0, 0, 0.4))
    normals = np.concatenate([np.tile([0.0, 0.0, 1.0], (len(chest), 1)), arm_normals])
    rest = np.concatenate([chest, arm + np.array([0, 0, 0.2])])
    heights = np.linspace(0, -0.335, 20)  # the arm ends 1.5 cm above the chest
    bodies = [np.concatenate([chest, arm + np.array([0, 0, height])]) for height in heights]
    limbs = np.repeat([0, 1], [len(chest), len(arm)])

    def deepest(known):
        state = ClothState(
            garment, PLAIN, points, bodies[0], normals, fps=30.0, options=ClothOptions(gravity=0.0), rest_body=rest,
            limbs=known,
        )  # fmt: skip
        for body in bodies:
            worn = state.step(points, body, normals)
        return 0.05 - np.linalg.norm(worn - [0, 0, 0.065], axis=1).min()

    assert deepest(None) > 0.01
    assert deepest(limbs) < 0.002
