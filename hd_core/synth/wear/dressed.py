"""The mesh of a dressed person: what each of its faces is made of and looks like, and where each vertex belongs."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float32, Int32

from hd_core.synth.body.model import load_body
from hd_core.synth.garments.dress import skin_under
from hd_core.synth.garments.fit import Fitted
from hd_core.synth.garments.garb import Garb
from hd_core.synth.wear.looks import Cloth, Look
from hd_core.synth.wear.wardrobe import Worn

PRINT_FROM_TEMPLATE = np.array([0.0, 0.0, 0.82], np.float32)
"""Prints are laid out over a person who stands on z = 0, the template's soles are below it."""


class Material(IntEnum):
    """What a face is made of; garments follow in the order in which they are worn."""

    SKIN = 0
    EYES = 1
    HAIR = 2
    SHOES = 3
    GARMENT = 4
    WORN = 64
    """Hats, glasses, bags, socks: all that is neither clothes nor shoes."""


FIRST_LOOK = 2
"""Coat of a face that has the first of a person's looks; skin and eyes come before."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing of the dressed mesh: its faces, what they are, and per vertex where they belong and are looked up."""

    faces: Int32[np.ndarray, "f 3"]
    material: int
    canonical: Float32[np.ndarray, "n 3"]
    texture: Float32[np.ndarray, "n 3"]
    look: Look


@dataclass(frozen=True, kw_only=True)
class DressedMesh:
    """The dressed mesh, in the order body, hair, shoes, things, hanging hair, clothes."""

    parts: tuple[Part, ...]
    shown: Bool[np.ndarray, " s"]

    @property
    def faces(self) -> Int32[np.ndarray, "f 3"]:
        """All triangles; skin that cannot be seen is left out."""
        model = load_body()
        body = model.faces["body"]
        starts = len(model.template) + np.cumsum([0, *(len(part.canonical) for part in self.parts)])
        worn = [part.faces + start for part, start in zip(self.parts, starts[:-1], strict=True)]
        return np.concatenate([body[self.shown], model.faces["eyes"], *worn]).astype(np.int32)

    @property
    def materials(self) -> Int32[np.ndarray, " f"]:
        """Of every triangle."""
        return self._labels([Material.SKIN, Material.EYES, *(part.material for part in self.parts)])

    @property
    def coats(self) -> Int32[np.ndarray, " f"]:
        """Number of every triangle's look."""
        return self._labels(list(range(FIRST_LOOK + len(self.parts))))

    @property
    def canonical(self) -> Float32[np.ndarray, "v 3"]:
        """Of every vertex."""
        return np.concatenate([load_body().template, *(part.canonical for part in self.parts)])

    @property
    def texture(self) -> Float32[np.ndarray, "v 3"]:
        """Of every vertex."""
        return np.concatenate([load_body().template, *(part.texture for part in self.parts)])

    def _labels(self, labels: list[int]) -> Int32[np.ndarray, " f"]:
        counts = [int(self.shown.sum()), len(load_body().faces["eyes"]), *(len(part.faces) for part in self.parts)]
        return np.repeat(np.array([int(label) for label in labels], np.int32), counts)


def assemble(garbs: tuple[Garb, ...], fitted: tuple[Fitted, ...], worn: Worn) -> DressedMesh:
    """Hair, shoes and things, then hanging hair, then clothes."""
    kinds = [*(Material.HAIR for _ in worn.hair), *(Material.SHOES for _ in worn.shoes)]
    kinds += [Material.WORN for _ in worn.things]
    parts = [
        Part(
            faces=piece.faces,
            material=kind,
            canonical=piece.ties.canonical,
            texture=piece.texture,
            look=piece.look,
        )
        for piece, kind in zip(worn.pieces, kinds, strict=True)
    ]
    for mane in worn.manes:
        place, texture = mane.both(mane.ties.canonical), mane.both(mane.texture)
        parts.append(Part(faces=mane.faces, material=Material.HAIR, canonical=place, texture=texture, look=mane.look))
    for number, (garb, one) in enumerate(zip(garbs, fitted, strict=True)):
        parts.append(
            Part(
                faces=one.garment.faces[one.shown].astype(np.int32),
                material=Material.GARMENT + number,
                canonical=one.canonical,
                texture=one.canonical + PRINT_FROM_TEMPLATE,
                look=Cloth(garb.print),
            )
        )
    hidden = np.logical_or.reduce([skin_under(garbs), *(p.hides for p in worn.pieces if p.hides is not None)])
    return DressedMesh(parts=tuple(parts), shown=~hidden[load_body().faces["body"]].all(axis=1))
