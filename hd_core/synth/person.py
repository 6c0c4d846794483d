"""A dressed person: body, hair, shoes and garments as one mesh, and how it moves from frame to frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Int32

from hd_core.synth.body.identity import Identity, RestBody, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel, load_body
from hd_core.synth.body.skeleton import bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body, skin_points, smooth_normals
from hd_core.synth.cloth.garment import ClothOptions
from hd_core.synth.cloth.health import examine
from hd_core.synth.cloth.layers import Layer, Outfit
from hd_core.synth.garments.fit import Fitted, fit, hidden_skin
from hd_core.synth.garments.outfit import Garb, sample_outfit
from hd_core.synth.garments.patterns import cut_pattern
from hd_core.synth.garments.slicing import BoundMesh, slice_mesh
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.look.complexion import Hair, Skin, sample_hair, sample_skin
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.rotations import from_vector, to_vector
from hd_core.synth.recipe import Part, Recipe

WARM_UP = 16
"""Frames from the rest pose to the first frame, in which the cloth finds its place."""
HAIRLINE = (0.79, -0.84, -0.13)
"""Height of the hairline at the forehead, its fall per metre backwards, and where the forehead is (template, m)."""
SHOE_TOP_M = -0.735


class Material(IntEnum):
    """What a face is made of; garments follow in the order in which they are worn."""

    SKIN = 0
    EYES = 1
    HAIR = 2
    SHOES = 3
    GARMENT = 4


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Something that lies on the skin and moves with it: hair, a shoe.

    Args:
        mesh: Bound to the base mesh.
        offset_m: How far each vertex stands off.
        material: What it is.
    """

    mesh: BoundMesh
    offset_m: Float32[np.ndarray, " n"]
    material: Material


@dataclass(frozen=True, kw_only=True)
class Person:
    """Everything about one person that does not move.

    Args:
        identity: The shape's sliders.
        rest: The shape.
        garbs: What is worn, innermost first.
        fitted: The same on this body.
        shells: Hair and shoes.
        skin: Complexion.
        hair: Colour.
        shoe_colour: Linear albedo.
        faces: All triangles.
        materials: One per triangle: `Material`, garments counted on from `GARMENT`.
        canonical: Where on the template every vertex lies, m.
    """

    identity: Identity
    rest: RestBody
    garbs: tuple[Garb, ...]
    fitted: tuple[Fitted, ...]
    shells: tuple[Shell, ...]
    skin: Skin
    hair: Hair
    shoe_colour: Float32[np.ndarray, "3"]
    faces: Int32[np.ndarray, "f 3"]
    materials: Int32[np.ndarray, " f"]
    canonical: Float32[np.ndarray, "v 3"]


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
    garbs = sample_outfit(recipe.rng(Part.OUTFIT), recipe.rng(Part.PRINT))
    cuts = [cut_pattern(garb.pattern) for garb in garbs]
    fitted = tuple(
        fit(garb.pattern, mesh, model, rest, ease_m=garb.ease_m) for garb, mesh in zip(garbs, cuts, strict=True)
    )
    looks = recipe.rng(Part.LENS)
    shells = (_hair(model, looks), _shoes(model, looks))
    faces, materials, canonical = _assemble(model, garbs, fitted, shells)
    return Person(
        identity=identity,
        rest=rest,
        garbs=garbs,
        fitted=fitted,
        shells=shells,
        skin=sample_skin(looks),
        hair=sample_hair(looks),
        shoe_colour=looks.uniform(0.02, 0.8, 3).astype(np.float32),
        faces=faces,
        materials=materials,
        canonical=canonical,
    )


def animate(person: Person, motion: Motion, cloth: ClothOptions | None = None) -> Iterator[Instant]:
    """Move the person through a motion; the cloth first settles from the rest pose into the first frame.

    Raises:
        RejectedClipError: The cloth tore, sank into the body or shot away.
    """
    model, rest = load_body(), person.rest
    first = to_vector(motion.rotations[0].astype(np.float64))
    shares = np.linspace(0, 1, WARM_UP)
    rotations = np.concatenate([from_vector(first * _eased(s))[None] for s in shares] + [motion.rotations])
    root = np.concatenate([motion.root[:1] * _eased(s) for s in shares] + [motion.root])
    maps = forward_kinematics(rest.heads, rotations, root)
    outfit, seen = None, _Witness(person)
    for number, one in enumerate(maps):
        body = pose_body(model, rest, one)
        skin = body[:NUM_SKIN_VERTICES]
        normals = smooth_normals(skin, model.faces["body"])
        targets = [skin_points(f.garment.rest, f.bone_indices, f.bone_weights, one) for f in person.fitted]
        if outfit is None:
            layers = [
                Layer(garment=f.garment, fabric=g.fabric) for f, g in zip(person.fitted, person.garbs, strict=True)
            ]
            outfit = Outfit(
                layers,
                targets,
                skin,
                normals,
                fps=motion.fps,
                options=cloth or ClothOptions(),
                rest_body=rest.vertices[:NUM_SKIN_VERTICES],
            )
        worn = outfit.step(targets, skin, normals)
        if number >= WARM_UP:
            seen.note(worn, targets, skin, normals)
            joints = np.einsum("bij,bj->bi", one[:, :3, :3], rest.heads) + one[:, :3, 3]
            yield _instant(person, body, worn, joints.astype(np.float32))
    seen.judge(motion.fps)


class _Witness:
    """Remembers the garments over the clip for the verdict at its end."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._frames: list[tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]] = []

    def note(self, worn: list[np.ndarray], targets: list[np.ndarray], skin: np.ndarray, normals: np.ndarray) -> None:
        self._frames.append((worn, targets, skin, normals))

    def judge(self, fps: float) -> None:
        for k, (garb, fitted) in enumerate(zip(self._person.garbs, self._person.fitted, strict=True)):
            worn, targets, skin, normals = (
                np.stack([frame[i][k] if i < 2 else frame[i] for frame in self._frames]) for i in range(4)
            )
            health = examine(fitted.garment, worn, targets, skin, normals, fps=fps)
            if not health.ok:
                raise RejectedClipError(f"{garb.name}: {health.reasons[0]}")


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)


def _instant(person: Person, body: np.ndarray, worn: list[np.ndarray], joints: np.ndarray) -> Instant:
    skin_normals = smooth_normals(body, load_body().faces["body"])
    vertices, normals = [body], [smooth_normals(body, _base_faces())]
    for shell in person.shells:
        at, towards = (shell.mesh.apply(a.astype(np.float64)) for a in (body, skin_normals))
        placed = (at + shell.offset_m[:, None] * towards).astype(np.float32)
        vertices.append(placed)
        normals.append(smooth_normals(placed, shell.mesh.faces))
    for fitted, placed in zip(person.fitted, worn, strict=True):
        vertices.append(placed)
        normals.append(smooth_normals(placed, fitted.garment.faces.astype(np.int32)))
    return Instant(vertices=np.concatenate(vertices), normals=np.concatenate(normals), body=body, joints=joints)


def _base_faces() -> Int32[np.ndarray, "f 3"]:
    faces = load_body().faces
    return np.concatenate([faces["body"], faces["eyes"]])


def _assemble(
    model: BodyModel, garbs: tuple[Garb, ...], fitted: tuple[Fitted, ...], shells: tuple[Shell, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces, materials and canonical positions of the dressed mesh; skin that cannot be seen is left out."""
    hidden = np.logical_or.reduce([hidden_skin(garb.pattern, model) for garb in garbs])
    body = model.faces["body"]
    shown = body[~hidden[body].all(axis=1)]
    parts: list[tuple[np.ndarray, int]] = [(shown, Material.SKIN), (model.faces["eyes"], Material.EYES)]
    canonical, offset = [model.template], len(model.template)
    for shell in shells:
        parts.append((shell.mesh.faces + offset, shell.material))
        canonical.append(shell.mesh.apply(model.template.astype(np.float64)).astype(np.float32))
        offset += len(shell.offset_m)
    for number, one in enumerate(fitted):
        parts.append((one.garment.faces + offset, Material.GARMENT + number))
        canonical.append(one.canonical)
        offset += len(one.canonical)
    faces = np.concatenate([part for part, _ in parts]).astype(np.int32)
    materials = np.concatenate([np.full(len(part), int(material), np.int32) for part, material in parts])
    return faces, materials, np.concatenate(canonical)


def _hair(model: BodyModel, rng: np.random.Generator) -> Shell:
    """A cap of hair of random thickness; the scalp is what lies above the hairline."""
    front, fall, forehead = HAIRLINE
    _, y, z = model.template.T.astype(np.float64)
    line = front + fall * (y - forehead) + rng.normal(0, 0.008)
    on_head = model.bone_indices[:, 0] == bone_index("Head")
    mesh = slice_mesh(model.faces["body"], np.where(on_head, z - line, -1.0))
    thickness = rng.uniform(0.004, 0.028)
    bumps = 1 + 0.25 * np.sin(mesh.apply(model.template.astype(np.float64)) @ rng.normal(0, 60, 3) + rng.uniform(0, 6))
    return Shell(mesh=mesh, offset_m=(thickness * bumps).astype(np.float32), material=Material.HAIR)


def _shoes(model: BodyModel, rng: np.random.Generator) -> Shell:
    """Shoes as a thick sole and upper around the feet."""
    z = model.template[:, 2].astype(np.float64)
    feet = np.isin(
        model.bone_indices[:, 0],
        [bone_index(side + bone) for side in ("Left", "Right") for bone in ("Leg", "Foot", "ToeBase")],
    )
    mesh = slice_mesh(model.faces["body"], np.where(feet, SHOE_TOP_M + rng.uniform(-0.02, 0.05) - z, -1.0))
    thick = np.full(len(mesh.sources), rng.uniform(0.006, 0.012), np.float32)
    return Shell(mesh=mesh, offset_m=thick, material=Material.SHOES)
