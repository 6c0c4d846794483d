"""A dressed person: body, clothes and all else that is worn as one mesh, and how it moves from frame to frame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from hd_core.synth.body.identity import Identity, RestBody, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import forward_kinematics
from hd_core.synth.body.skinning import pose_body, skin_points, smooth_normals
from hd_core.synth.cloth.garment import ClothOptions, Garment
from hd_core.synth.cloth.health import HealthLimits, examine
from hd_core.synth.cloth.layers import Layer, Outfit
from hd_core.synth.garments.bolts import skin_limbs
from hd_core.synth.garments.dress import dress
from hd_core.synth.garments.fit import Fitted
from hd_core.synth.garments.garb import Garb
from hd_core.synth.garments.outfit import covers_head, sample_outfit
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.look.complexion import Hair, Skin, sample_hair, sample_skin
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.rotations import from_vector, to_vector
from hd_core.synth.motion.sample import rest_at
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.wear.dressed import FIRST_LOOK, Material, assemble
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.mane import Swing
from hd_core.synth.wear.wardrobe import BATHING, Worn, sample_worn

__all__ = ["FIRST_LOOK", "WARM_UP", "Instant", "Material", "Person", "animate", "sample_person"]

WARM_UP = 16
"""Frames from the rest pose to the first frame, in which the cloth finds its place."""
NECK_M = 0.35
"""Clothes that reach above this height on the template are under hanging hair."""
HAIR_LIMITS = HealthLimits(torn_share=0.25, sunk_share=0.3, speed=30.0)
"""Hair may do what cloth may not: locks part, and lie deep between clothes."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Everything about one person that does not move.

    Args:
        identity: The shape's sliders.
        rest: The shape.
        garbs: What is worn, innermost first.
        fitted: The same on this body.
        worn: Hair, shoes and whatever else there is.
        skin: Complexion.
        hair: Colour.
        looks: What everything but skin and eyes looks like.
        faces: All triangles.
        materials: One per triangle: `Material`, garments counted on from `GARMENT`.
        coats: One per triangle: 0 skin, 1 eyes, from `FIRST_LOOK` on a place in `looks`.
        canonical: Where on the template every vertex lies, m.
        texture: Where every vertex' look is looked up, m.
    """

    identity: Identity
    rest: RestBody
    garbs: tuple[Garb, ...]
    fitted: tuple[Fitted, ...]
    worn: Worn
    skin: Skin
    hair: Hair
    looks: tuple[Look, ...]
    faces: Int32[np.ndarray, "f 3"]
    materials: Int32[np.ndarray, " f"]
    coats: Int32[np.ndarray, " f"]
    canonical: Float32[np.ndarray, "v 3"]
    texture: Float32[np.ndarray, "v 3"]


@dataclass(frozen=True, kw_only=True)
class Instant:
    """The person at one frame, world axes.

    Args:
        vertices: Of the dressed mesh.
        normals: Unit, smooth within each part.
        body: Vertices of the base mesh, the body under the clothes among them.
        joints: Heads of the bones.
    """

    vertices: Float32[np.ndarray, "v 3"]
    normals: Float32[np.ndarray, "v 3"]
    body: Float32[np.ndarray, "b 3"]
    joints: Float32[np.ndarray, "31 3"]


def sample_person(recipe: Recipe) -> Person:
    """Draw body, clothes and looks of a clip's person."""
    model = load_body()
    identity = sample_adult(recipe.rng(Part.IDENTITY))
    rest = shape_body(model, identity)
    extras = recipe.rng(Part.ACCESSORIES)
    bathing = extras.random() < BATHING and identity.gender > 0.5
    garbs = () if bathing else sample_outfit(recipe.rng(Part.OUTFIT), recipe.rng(Part.PRINT))
    fitted = dress(garbs, model, rest)
    tints = recipe.rng(Part.SKIN)
    skin, hair = sample_skin(tints), sample_hair(tints)
    worn = sample_worn(
        recipe.rng(Part.HAIR),
        recipe.rng(Part.SHOES),
        extras,
        identity,
        rest,
        hair,
        clothes=fitted,
        hooded=covers_head(garbs),
    )
    mesh = assemble(garbs, fitted, worn)
    return Person(
        identity=identity,
        rest=rest,
        garbs=garbs,
        fitted=fitted,
        worn=worn,
        skin=skin,
        hair=hair,
        looks=tuple(part.look for part in mesh.parts),
        faces=mesh.faces,
        materials=mesh.materials,
        coats=mesh.coats,
        canonical=mesh.canonical,
        texture=mesh.texture,
    )


def animate(person: Person, motion: Motion, cloth: ClothOptions | None = None) -> Iterator[Instant]:
    """Move the person through a motion; cloth and hair first settle from the rest pose into the first frame.

    Raises:
        RejectedClipError: The cloth tore, sank into the body or shot away.
    """
    model, rest = load_body(), person.rest
    first = to_vector(motion.rotations[0].astype(np.float64))
    shares = np.linspace(0, 1, WARM_UP)
    eased = np.array([_eased(share) for share in shares])[:, None, None] * first
    eased[:, 0] = first[0]  # turned to where the dance begins from the outset: skirts would fly otherwise
    rotations = np.concatenate([from_vector(eased), motion.rotations])
    root = np.concatenate([np.repeat(motion.root[:1], WARM_UP, axis=0), motion.root])
    maps = forward_kinematics(rest.heads, rotations, root)
    drapery, seen = None, _Witness(person)
    for number, one in enumerate(maps):
        body = pose_body(model, rest_at(rest, motion, number - WARM_UP), one)
        skin = body[:NUM_SKIN_VERTICES]
        normals = smooth_normals(skin, model.faces["body"])
        drapery = drapery or _Drapery(person, one, skin, normals, motion.fps, cloth or ClothOptions())
        moved = drapery.step(one, skin, normals)
        if number >= WARM_UP:
            seen.note(moved, drapery.targets(one), skin, normals)
            joints = np.einsum("bij,bj->bi", one[:, :3, :3], rest.heads) + one[:, :3, 3]
            yield _instant(person, body, moved, one, joints.astype(np.float32))
    seen.judge(motion.fps)


class _Drapery:
    """Clothes and hanging hair in motion: the hair over the clothes, both over the body."""

    def __init__(  # noqa: PLR0917 - the state at the start
        self, person: Person, maps: np.ndarray, skin: np.ndarray, normals: np.ndarray, fps: float, options: ClothOptions
    ) -> None:
        self._person = person
        rest_skin = person.rest.vertices[:NUM_SKIN_VERTICES]
        layers = [Layer(garment=f.garment, fabric=g.fabric) for f, g in zip(person.fitted, person.garbs, strict=True)]
        targets = self.targets(maps)
        worn, locks = targets[: len(layers)], targets[len(layers) :]
        self._outfit = Outfit(
            layers, worn, skin, normals, fps=fps, options=options, rest_body=rest_skin, limbs=skin_limbs()
        )
        self._under_hair = [float(f.canonical[:, 2].max()) > NECK_M for f in person.fitted]
        rest_below, _ = self._below([f.garment.rest for f in person.fitted], rest_skin, normals)
        self._swing = Swing(person.worn.manes, locks, self._below(worn, skin, normals), rest_below, fps=fps)

    def targets(self, maps: np.ndarray) -> list[np.ndarray]:
        """Where the bones put the garments, then the sheets of hair."""
        person = self._person
        worn = [skin_points(f.garment.rest, f.bone_indices, f.bone_weights, maps) for f in person.fitted]
        ties = [(mane.garment.rest, mane.ties.bone_indices, mane.ties.bone_weights) for mane in person.worn.manes]
        return worn + [skin_points(*tied, maps) for tied in ties]

    def step(self, maps: np.ndarray, skin: np.ndarray, normals: np.ndarray) -> list[np.ndarray]:
        """Garments, then sheets of hair, one frame on."""
        targets = self.targets(maps)
        count = len(self._person.fitted)
        moved = self._outfit.step(targets[:count], skin, normals)
        return [*moved, *self._swing.step(targets[count:], self._below(moved, skin, normals))]

    def _below(self, worn: list[np.ndarray], skin: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What hair lies on: skin and the clothes that reach up to it, with their normals."""
        points, facing = [skin], [normals]
        for fitted, at, under in zip(self._person.fitted, worn, self._under_hair, strict=True):
            if under:
                points.append(at)
                facing.append(smooth_normals(at.astype(np.float32), fitted.garment.faces.astype(np.int32)))
        return np.concatenate(points), np.concatenate(facing)


class _Witness:
    """Remembers clothes and hair over the clip for the verdict at its end."""

    def __init__(self, person: Person) -> None:
        clothes = [(g.name, f.garment, None) for g, f in zip(person.garbs, person.fitted, strict=True)]
        self._judged: list[tuple[str, Garment, HealthLimits | None]] = [
            *clothes,
            *((mane.name, mane.garment, HAIR_LIMITS) for mane in person.worn.manes),
        ]
        self._frames: list[tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]] = []

    def note(self, moved: list[np.ndarray], targets: list[np.ndarray], skin: np.ndarray, normals: np.ndarray) -> None:
        self._frames.append((moved, targets, skin, normals))

    def judge(self, fps: float) -> None:
        for k, (name, garment, limits) in enumerate(self._judged):
            worn, targets, skin, normals = (
                np.stack([frame[i][k] if i < 2 else frame[i] for frame in self._frames]) for i in range(4)
            )
            health = examine(garment, worn, targets, skin, normals, fps=fps, limits=limits)
            if not health.ok:
                raise RejectedClipError(f"{name}: {health.reasons[0]}")


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)


def _instant(
    person: Person, body: np.ndarray, moved: list[np.ndarray], maps: np.ndarray, joints: np.ndarray
) -> Instant:
    count = len(person.fitted)
    placed = [
        *(skin_points(p.rest, p.ties.bone_indices, p.ties.bone_weights, maps) for p in person.worn.pieces),
        *(mane.skin(sheet) for mane, sheet in zip(person.worn.manes, moved[count:], strict=True)),
        *moved[:count],
    ]
    meshes = [
        *(piece.faces for piece in person.worn.pieces),
        *(mane.faces for mane in person.worn.manes),
        *(one.garment.faces.astype(np.int32) for one in person.fitted),
    ]
    normals = [smooth_normals(at, faces) for at, faces in zip(placed, meshes, strict=True)]
    own = smooth_normals(body, _base_faces())
    return Instant(
        vertices=np.concatenate([body, *placed]), normals=np.concatenate([own, *normals]), body=body, joints=joints
    )


def _base_faces() -> Int32[np.ndarray, "f 3"]:
    faces = load_body().faces
    return np.concatenate([faces["body"], faces["eyes"]])
