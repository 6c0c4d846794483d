"""What one person wears besides clothes: hair, hat, glasses, headphones, watch, bag and shoes that go together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from hd_core.synth.body.identity import Identity, RestBody
from hd_core.synth.garments.fit import Fitted
from hd_core.synth.look.complexion import Hair
from hd_core.synth.look.fabric import sample_fabric_print
from hd_core.synth.wear.adornments import glasses, headphones, wristwear
from hd_core.synth.wear.bags import backpack, shoulder_bag
from hd_core.synth.wear.beard import beard
from hd_core.synth.wear.falling import hanging
from hd_core.synth.wear.gloves import gloves
from hd_core.synth.wear.hair import cap_of_hair, knot
from hd_core.synth.wear.hairdo import sample_hairdo
from hd_core.synth.wear.hats import sample_hat
from hd_core.synth.wear.imported import ARM_SLEEVES, BATHING_SUIT, load_imported, put_on
from hd_core.synth.wear.looks import Cloth, Strands
from hd_core.synth.wear.mane import Mane
from hd_core.synth.wear.piece import Piece
from hd_core.synth.wear.shoes import sample_footwear
from hd_core.synth.wear.skull import skull_of

BATHING = 0.03
"""Share of women who wear nothing but a top and panties."""
HATTED, GLASSES, HEADPHONES, GLOVES, WRIST, BACKPACK, SHOULDER_BAG, SLEEVES = (
    0.22,
    0.18,
    0.06,
    0.05,
    0.35,
    0.07,
    0.06,
    0.08,
)
"""How often each is worn."""
CURLED = 1.0
"""Streaks of curls are as long as wide."""
ANKLES_M = -0.66
"""Trousers that come below this height on the template reach the shoes."""
SHOULDER_M, CLOSE_M = 0.4, 0.022
"""Clothes above the first on the template are under straps; where they are looser than the second, straps drown."""
ELBOW_M = 0.30
"""Arms are bare if no garment is farther out than this on the template."""
LEG_WIDTH_M = 0.06
"""What is nearer to the middle than this hangs between the legs: a skirt."""


@dataclass(frozen=True, kw_only=True)
class Worn:
    """Everything that is worn besides clothes.

    Args:
        hair: Hair and beard on the head.
        manes: Hair that hangs.
        shoes: Shoes without socks.
        things: All the rest, socks included.
    """

    hair: tuple[Piece, ...]
    manes: tuple[Mane, ...]
    shoes: tuple[Piece, ...]
    things: tuple[Piece, ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All that moves with the bones: hair, shoes, things."""
        return (*self.hair, *self.shoes, *self.things)

    @property
    def names(self) -> tuple[str, ...]:
        """For people to read, each once."""
        return tuple(dict.fromkeys([*(piece.name for piece in self.pieces), *(mane.name for mane in self.manes)]))


def sample_worn(  # noqa: PLR0917 - three sources of chance, and who it is for
    locks: np.random.Generator,
    feet: np.random.Generator,
    extras: np.random.Generator,
    identity: Identity,
    rest: RestBody,
    colour: Hair,
    *,
    clothes: Sequence[Fitted],
    hooded: bool,
) -> Worn:
    """Draw what goes with a person and their clothes.

    Args:
        locks: Draws the hair.
        feet: Draws shoes and socks.
        extras: Draws everything else.
        identity: The person.
        rest: Their shape.
        colour: Of their hair.
        clothes: What they wear, none for a bathing suit; straps lie over it, long trousers leave no room for boots.
        hooded: Whether a hood is up: no hat, no headphones, little hair.
    """
    skull = skull_of(rest)
    hat = sample_hat(extras, skull) if extras.random() < HATTED and not hooded else None
    do = sample_hairdo(locks, identity, tucked=hat is not None or hooded, flat=hooded)
    look = Strands(hair=colour, length=CURLED if do.kind == "afro" else 8.0, tips=float(locks.uniform(0.0, 0.4)))
    hair = [] if do.kind == "bald" else [cap_of_hair(do, skull, rest, look, hat=hat)]
    hair += [knot(do, skull, look)] if do.kind == "bun" else []
    hair += [beard(rest, do.beard_m, look, seed=do.seed)] if do.beard_m else []
    footwear = sample_footwear(feet, rest, covered=_ankles_covered(clothes))
    things = list(hat.pieces) if hat is not None else []
    things += glasses(extras, rest) if extras.random() < GLASSES else ()
    if hat is None and not hooded and do.top_m < 0.03 and extras.random() < HEADPHONES:
        things += headphones(extras, skull, rest, over_m=do.top_m)
    hands = extras.random()
    things += gloves(extras, rest) if hands < GLOVES else wristwear(extras, rest) if hands < GLOVES + WRIST else ()
    things += _bag(extras, rest, clothes)
    things += _modelled(extras, rest, clothes)
    return Worn(
        hair=tuple(hair),
        manes=hanging(do, skull, rest, look, hat=hat),
        shoes=tuple(piece for piece in footwear if piece.name != "socks"),
        things=(*things, *(piece for piece in footwear if piece.name == "socks")),
    )


def _bag(rng: np.random.Generator, rest: RestBody, clothes: Sequence[Fitted]) -> tuple[Piece, ...]:
    kind = rng.random()
    if any(float(np.median(one.garment.skin_distance)) > CLOSE_M for one in clothes if _reaches_up(one)):
        return ()
    worn: Float32[np.ndarray, "n 3"] = np.concatenate([np.zeros((0, 3)), *(one.garment.rest for one in clothes)])
    if kind < BACKPACK:
        return backpack(rng, rest, worn)
    return shoulder_bag(rng, rest, worn) if kind < BACKPACK + SHOULDER_BAG else ()


def _reaches_up(one: Fitted) -> bool:
    """Whether a garment covers the shoulders, which straps lie on."""
    return float(one.canonical[:, 2].max()) > SHOULDER_M


def _modelled(rng: np.random.Generator, rest: RestBody, clothes: Sequence[Fitted]) -> tuple[Piece, ...]:
    """Modelled clothes: a top and panties on who wears nothing else, sleeves on bare arms."""
    found, modelled = [], load_imported()
    if not clothes:
        cloth = Cloth(sample_fabric_print(rng))
        found += [put_on(modelled[key], rest, cloth, name=name) for key, name in BATHING_SUIT.items()]
    elif rng.random() < SLEEVES and max(float(np.abs(one.canonical[:, 0]).max()) for one in clothes) < ELBOW_M:
        cloth = Cloth(sample_fabric_print(rng, kind="solid" if rng.random() < 0.7 else None))
        found.append(put_on(modelled[ARM_SLEEVES[int(rng.integers(2))]], rest, cloth, name="arm sleeves"))
    return tuple(found)


def _ankles_covered(clothes: Sequence[Fitted]) -> bool:
    legs = [one.canonical[np.abs(one.canonical[:, 0]) > LEG_WIDTH_M] for one in clothes]
    return any(len(points) and float(points[:, 2].min()) < ANKLES_M for points in legs)
