"""A clip of two synthetic people in one room who walk past each other, with the exact matte of each.

Both are photographed by one camera in one light. The farther one's light is what lies behind the nearer one, so that
edges mix as they do in a film. Who is nearer is decided once for the clip: their paths are apart in depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hd_core.synth.clip import Stage, picture_of
from hd_core.synth.framing import look_at
from hd_core.synth.look.backdrop import Backdrop
from hd_core.synth.look.environment import sample_environment
from hd_core.synth.look.film import Film
from hd_core.synth.look.hall import sample_hall
from hd_core.synth.look.lens import Lens
from hd_core.synth.look.shade import Light
from hd_core.synth.look.shutter import with_velocity
from hd_core.synth.motion.sample import sample_motion
from hd_core.synth.person import Instant, animate, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.truth import Observer
from hd_core.types import Camera

FPS = Fraction(15)
LENS = Lens(white=3.0, pace=0.0, on_subject=0.5)
WHO = (Recipe(split="val", seed=1, clip=61), Recipe(split="val", seed=7, clip=3))
"""The nearer and the farther person; of a split that no weights are trained on."""
HALF_WAY_M, APART_M = 0.95, 0.9
"""From the middle to where each begins; from one path to the other."""


@dataclass(frozen=True, kw_only=True)
class TwoPeople:
    """The clip.

    Args:
        pictures: (t, h, w, 3), sRGB bytes.
        mattes: Share of each pixel that shows the nearer and the farther person, (2, t, h, w), 0..1.
        camera: Still.
    """

    pictures: np.ndarray
    mattes: np.ndarray
    camera: Camera


def film_two_people(*, num_frames: int = 16, height: int = 240, far_enters: float = 0.0) -> TwoPeople:
    """Film them.

    Args:
        num_frames: At 15 frames/s.
        height: Of the picture, px; it is 4 : 3.
        far_enters: Share of the clip after which the farther person is there; nobody before.
    """
    camera = _camera(height)
    rng = np.random.default_rng(2)
    light = Light.of_environment(np.asarray(sample_environment(rng, kind="studio"), np.float64))
    people = [sample_person(recipe) for recipe in WHO]
    room = sample_hall(rng, camera, light, floor_m=people[0].rest.floor_m)
    stage = Stage(
        camera=camera, light=light, background=room, lens=LENS, lighting="studio", style="natural", backdrop="place"
    )
    film = Film(LENS, np.random.default_rng(3))
    observers = [Observer(person, camera) for person in people]
    near, far = (_walking(k, num_frames) for k in range(2))
    pictures, mattes = [], []
    for position, (front, back) in enumerate(zip(near, far, strict=True)):
        behind, far_matte = room, np.zeros(camera.shape, np.float32)
        if position >= far_enters * num_frames:
            raw = _Raw()
            _, far_matte = _seen(observers[1], *back, stage=stage, film=raw)
            behind = _Behind(radiance=raw.linear)
        picture, near_matte = _seen(observers[0], *front, stage=replace(stage, background=behind), film=film)
        pictures.append(picture)
        mattes.append((near_matte, far_matte * (1 - near_matte)))
    return TwoPeople(pictures=np.stack(pictures), mattes=np.stack(mattes, axis=1), camera=camera)


class _Raw(Film):
    """A film that keeps light as it is."""

    def __init__(self):
        super().__init__(LENS, np.random.default_rng(0))

    def expose(self, linear, subject):
        self.linear = linear
        return np.zeros(linear.shape, np.uint8)


class _Behind(Backdrop):
    """Light that is there whoever stands before it."""

    def behind(self, joints, shadow=None):
        return self.radiance


def _camera(height: int) -> Camera:
    width = height * 4 // 3
    k = np.array([[1.2 * width, 0, width / 2], [0, 1.2 * width, height / 2], [0, 0, 1]])
    pose = look_at(np.array([0.0, APART_M / 2, 0.08]), yaw=0.0, pitch=-0.03, roll=0.0, distance=4.3)
    return Camera(width=width, height=height, intrinsics=k, cam_from_world=pose)


def _walking(number: int, num_frames: int) -> Iterator[tuple[Instant, np.ndarray]]:
    """A dancing person carried along a path, and the velocity of its vertices."""
    person, recipe = sample_person(WHO[number]), WHO[number]
    motion = sample_motion(recipe.rng(Part.MOTION), person.rest, num_frames=num_frames, fps=float(FPS))
    side = 1 - 2 * number
    along = side * np.linspace(-HALF_WAY_M, HALF_WAY_M, num_frames)
    instants = animate(person, motion)
    carried = (
        _moved(instant, np.array([x, number * APART_M, 0.0])) for instant, x in zip(instants, along, strict=False)
    )
    return with_velocity(carried)


def _moved(instant: Instant, by: np.ndarray) -> Instant:
    shift = by.astype(np.float32)
    return replace(instant, vertices=instant.vertices + shift, body=instant.body + shift, joints=instant.joints + shift)


def _seen(observer: Observer, instant: Instant, velocity: np.ndarray, *, stage, film):
    return picture_of(observer, instant, velocity, observer.see(instant), stage=stage, film=film)
