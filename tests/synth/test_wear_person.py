"""What goes together: no hat under a hood, no boots under trousers; and the mesh that all of it makes."""

from itertools import pairwise

import numpy as np
import pytest

from hd_core.synth.body.identity import Identity, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.garments import lowers, uppers
from hd_core.synth.garments.dress import dress
from hd_core.synth.garments.garb import Tailor
from hd_core.synth.look.complexion import Hair
from hd_core.synth.person import FIRST_LOOK, Material, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.wear.dressed import assemble
from hd_core.synth.wear.hats import KINDS
from hd_core.synth.wear.shoes import SHOES
from hd_core.synth.wear.wardrobe import sample_worn

COLOUR = Hair(kind="black", colour=np.array([0.1, 0.08, 0.06]), contrast=0.3, shift=np.zeros(3))
HATS = set(KINDS)
SHOE_NAMES = {shoe.name for shoe in SHOES}


@pytest.fixture(scope="module")
def rest():
    return shape_body(load_body(), Identity())


@pytest.fixture(scope="module")
def garbs():
    tailor = Tailor(np.random.default_rng(1), np.random.default_rng(2))
    return (lowers.trousers(tailor), *uppers.t_shirt(tailor))


@pytest.fixture(scope="module")
def clothes(garbs, rest):
    return dress(garbs, load_body(), rest)


def worn(seed, rest, clothes, *, hooded=False):
    sources = [np.random.default_rng([seed, part]) for part in range(3)]
    return sample_worn(*sources, Identity(), rest, COLOUR, clothes=clothes, hooded=hooded)


@pytest.fixture(scope="module")
def many(rest, clothes):
    return [worn(seed, rest, clothes) for seed in range(40)]


def test_many_kinds_of_things_are_worn_and_most_people_have_hair_and_shoes(many):
    names = {name for one in many for name in one.names}
    assert len(names & HATS) >= 3
    assert len(names & SHOE_NAMES) >= 4
    assert {"hair", "glasses", "watch", "socks", "soles"} <= names
    assert 0.5 < np.mean([bool(one.shoes) for one in many]) < 1
    assert 0.05 < np.mean([bool(HATS & set(one.names)) for one in many]) < 0.5
    assert 0.1 < np.mean([bool(one.manes) for one in many]) < 0.8


def test_no_hat_headphones_or_long_hair_under_a_hood(rest, clothes):
    for seed in range(25):
        under = worn(seed, rest, clothes, hooded=True)
        assert not set(under.names) & (HATS | {"headphones", "bun"})
        assert not under.manes


def test_shafts_stay_below_the_hem_of_long_trousers(many, rest):
    ankle = rest.heads[bone_index("LeftFoot"), 2]
    assert all(piece.rest[:, 2].max() < ankle + 0.09 for one in many for piece in one.shoes)


def test_who_wears_no_clothes_wears_a_bathing_suit(rest):
    assert {"top", "panties"} <= set(worn(1, rest, ()).names)


def test_the_same_generators_dress_alike_and_each_has_its_own_part(rest, clothes, many):
    again = worn(3, rest, clothes)
    for one, other in zip(many[3].pieces, again.pieces, strict=True):
        assert one.rest.tobytes() == other.rest.tobytes()
    locks, extras = (np.random.default_rng([3, part]) for part in (0, 2))
    other_feet = sample_worn(
        locks, np.random.default_rng(99), extras, Identity(), rest, COLOUR, clothes=clothes, hooded=False
    )
    assert [p.rest.tobytes() for p in other_feet.hair] == [p.rest.tobytes() for p in again.hair]
    assert [p.name for p in other_feet.things if p.name != "socks"] == [
        p.name for p in again.things if p.name != "socks"
    ]


def test_the_dressed_mesh_puts_every_part_where_its_vertices_are(many, garbs, clothes):
    model = load_body()
    for one in many[:12]:
        mesh = assemble(garbs, clothes, one)
        counts = [len(piece.rest) for piece in one.pieces] + [2 * len(mane.garment.rest) for mane in one.manes]
        counts += [len(fitted.garment.rest) for fitted in clothes]
        starts = len(model.template) + np.cumsum([0, *counts])
        assert len(mesh.canonical) == len(mesh.texture) == starts[-1]
        assert len(mesh.faces) == len(mesh.materials) == len(mesh.coats)
        for number, (low, high) in enumerate(pairwise(starts)):
            part = mesh.faces[mesh.coats == FIRST_LOOK + number]
            assert low <= part.min() <= part.max() < high
        hair = mesh.canonical[np.unique(mesh.faces[mesh.materials == Material.HAIR])]
        assert not len(hair) or hair[:, 2].min() > 0.5  # hair belongs to the head, however far it hangs
        shoes = mesh.canonical[np.unique(mesh.faces[mesh.materials == Material.SHOES])]
        assert not len(shoes) or shoes[:, 2].max() < -0.55
        assert np.abs(mesh.canonical).max() < 0.95
        assert set(mesh.materials) <= {*map(int, Material), *(Material.GARMENT + k for k in range(len(garbs)))}


def test_skin_under_shoes_and_clothes_is_left_out_of_the_mesh(many, garbs, clothes):
    shod = next(one for one in many if {"sneakers", "high tops", "boots"} & set(one.names))
    bare = next(one for one in many if not one.shoes)
    shown = [assemble(garbs, clothes, one).shown for one in (shod, bare)]
    body = load_body().faces["body"]
    feet = load_body().template[:NUM_SKIN_VERTICES][body].mean(axis=1)[:, 2] < -0.79
    assert not shown[0][feet].any()
    assert shown[1][feet].all()


def test_accessories_do_not_change_who_somebody_is():
    recipe = Recipe(split="train", seed=11, clip=0)
    person = sample_person(recipe)
    assert person.worn.names == sample_person(recipe).worn.names
    assert len({int(part) for part in (Part.SKIN, Part.HAIR, Part.SHOES, Part.ACCESSORIES)} | {*range(8)}) == 12
    assert len(person.looks) == len(np.unique(person.coats[person.coats >= FIRST_LOOK]))
