"""Who a synthetic adult is: sliders, the rest shape that they give, and how plausible adults are drawn.

Sliders and their meaning are Anny's (Bregier et al., 2025): every blend shape belongs to one combination of anchors
(say female, young, averagemuscle, maxweight) and weighs the product of the anchors' hat functions. We keep the anchors
that adults need and leave out those of children.
"""

from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np
from jaxtyping import Float32, Float64

from hd_core.errors import InputError
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel, load_body

YOUNG, OLD = 2 / 3, 1.0
"""Ends of the age slider: about 25 and about 90 years."""

ANCHORS: dict[str, dict[str, float]] = {
    "gender": {"male": 0.0, "female": 1.0},
    "age": {"young": YOUNG, "old": OLD},
    "muscle": {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0},
    "weight": {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0},
    "height": {"minheight": 0.0, "maxheight": 1.0},
    "proportions": {"idealproportions": 0.0, "uncommonproportions": 1.0},
    "cupsize": {"mincup": 0.0, "averagecup": 0.5, "maxcup": 1.0},
    "firmness": {"minfirmness": 0.0, "averagefirmness": 0.5, "maxfirmness": 1.0},
}
"""Per slider the places at which blend shapes are given; in between they are mixed linearly."""
ETHNICITIES: tuple[str, ...] = ("african", "asian", "caucasian")
FACTORS: tuple[str, ...] = (*(name for anchors in ANCHORS.values() for name in anchors), *ETHNICITIES)

STATURE_M = {"male": (1.76, 0.075), "female": (1.63, 0.070)}
"""Mean and standard deviation of adult stature; chosen, roughly as surveys of Europe and North America have them."""
STATURE_RANGE_M = (1.45, 2.05)
BMI_RANGE = (16.5, 42.0)
"""From very thin to very obese, kg/m^2."""
DENSITY_KG_M3 = 985.0


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The shape of one adult. Sliders are 0..1 unless they say otherwise; 0.5 is average.

    Args:
        gender: 0 male, 1 female.
        age: 2/3 young adult, 1 very old.
        muscle: From slight to athletic.
        weight: From thin to obese.
        height: From short to tall within the gender.
        proportions: 0 as artists idealise them, 1 far from that.
        cupsize: Of the female share of the shape, as is `firmness`.
        firmness: From sagging to firm.
        african: Share of an ethnic appearance, as are `asian` and `caucasian`; they are normalised to sum 1.
    """

    gender: float = 0.5
    age: float = YOUNG
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    cupsize: float = 0.5
    firmness: float = 0.5
    african: float = 1.0
    asian: float = 1.0
    caucasian: float = 1.0

    def __post_init__(self) -> None:
        for slider in fields(self):
            low = YOUNG if slider.name == "age" else 0.0
            value = getattr(self, slider.name)
            if not low <= value <= 1.0:
                raise InputError(f"Found {slider.name} {value}; expected {low:.3g} to 1 (adults only).")
        if self.african + self.asian + self.caucasian <= 0:
            raise InputError("Found no share of any ethnicity; expected at least one above 0.")


@dataclass(frozen=True, kw_only=True)
class RestBody:
    """One adult in the rest pose: arms 45 degrees down, Z up, facing -Y, the hips near the origin.

    Args:
        vertices: All vertices of the base mesh, m.
        heads: Heads of the bones, m.
        tails: Tails of the bones, m.
    """

    vertices: Float32[np.ndarray, "v 3"]
    heads: Float32[np.ndarray, "31 3"]
    tails: Float32[np.ndarray, "31 3"]

    @property
    def floor_m(self) -> float:
        """Height of the soles."""
        return float(self.vertices[:NUM_SKIN_VERTICES, 2].min())

    @property
    def stature_m(self) -> float:
        """From the soles to the crown, barefoot and bald."""
        return float(self.vertices[:NUM_SKIN_VERTICES, 2].max()) - self.floor_m


def factor_weights(identity: Identity) -> Float64[np.ndarray, " _"]:
    """Weight of each anchor in `FACTORS` for a person: hat functions of the sliders, and the ethnic shares."""
    weights: list[float] = []
    for slider, anchors in ANCHORS.items():
        places = np.array(list(anchors.values()))
        hats = np.eye(len(places))
        weights += [float(np.interp(getattr(identity, slider), places, hat)) for hat in hats]
    shares = np.array([getattr(identity, name) for name in ETHNICITIES])
    return np.array([*weights, *(shares / shares.sum())])


def blend_weights(model: BodyModel, identity: Identity) -> Float64[np.ndarray, " _"]:
    """Weight of each blend shape: the product of its anchors' weights."""
    factors = np.append(factor_weights(identity), 1.0)
    return cast(np.ndarray, factors[model.recipes].prod(axis=1))


def shape_body(model: BodyModel, identity: Identity) -> RestBody:
    """The rest shape of a person, with the bones where the shape puts them."""
    weights = blend_weights(model, identity).astype(np.float32)
    vertices = model.template + np.tensordot(weights @ model.mix, model.basis, axes=1)
    vertices[model.breast_vertices] += np.tensordot(weights @ model.breast_mix, model.breast_basis, axes=1)
    return RestBody(
        vertices=vertices,
        heads=vertices[model.head_vertices].mean(axis=1),
        tails=vertices[model.tail_vertices].mean(axis=1),
    )


def mass_kg(model: BodyModel, rest: RestBody) -> float:
    """Mass of a person: the volume inside the skin (divergence theorem) at the mean density of adults."""
    a, b, c = rest.vertices[model.faces["body"]].astype(np.float64).swapaxes(0, 1)
    return float(np.einsum("fi,fi->", a, np.cross(b, c))) / 6 * DENSITY_KG_M3


def with_stature(model: BodyModel, person: Identity, stature_m: float) -> Identity:
    """The same person with the height slider that gives a stature, as far as the slider reaches.

    Vertices are linear in that slider, and so is the stature, nearly.
    """
    short, tall = (shape_body(model, replace(person, height=end)).stature_m for end in (0.0, 1.0))
    return replace(person, height=float(np.clip((stature_m - short) / (tall - short), 0.0, 1.0)))


def sample_adult(rng: np.random.Generator) -> Identity:
    """Draw an adult: either gender, all builds and ethnic mixtures, statures as measured in adults.

    Sliders that give a body-mass index outside `BMI_RANGE` are drawn again.
    """
    model = load_body()
    while True:
        person, stature = _draw_sliders(rng), 0.0
        middle, spread = STATURE_M["female" if person.gender > 0.5 else "male"]
        while not STATURE_RANGE_M[0] <= stature <= STATURE_RANGE_M[1]:
            stature = float(rng.normal(middle, spread))
        person = with_stature(model, person, stature)
        if BMI_RANGE[0] <= mass_kg(model, shape_body(model, person)) / stature**2 <= BMI_RANGE[1]:
            return person


def _draw_sliders(rng: np.random.Generator) -> Identity:
    """Sliders but for the height. Weight shows most where muscle is little, so builds reach far to both ends."""
    female = bool(rng.random() < 0.5)
    ambiguity = min(abs(rng.normal(0.0, 0.12)), 0.49)
    african, asian, caucasian = rng.dirichlet((0.6, 0.6, 0.6))
    return Identity(
        gender=1 - ambiguity if female else ambiguity,
        age=rng.uniform(YOUNG, 0.92),
        muscle=rng.beta(0.8, 1.7) if female else rng.beta(1.0, 1.2),
        weight=rng.beta(2.6, 1.2) if female else rng.beta(2.2, 1.5),
        proportions=rng.beta(1.5, 2.0),
        cupsize=rng.beta(2.0, 2.2),
        firmness=rng.beta(2.2, 2.0),
        african=float(african),
        asian=float(asian),
        caucasian=float(caucasian),
    )
