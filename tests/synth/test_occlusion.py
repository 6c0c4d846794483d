"""The stand-in for a person's mesh: few triangles, the same shade."""

import numpy as np
import pytest

from hd_core.synth.framing import sample_framing
from hd_core.synth.look.transfer import self_transfer
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.occlusion import Occluders
from hd_core.synth.person import animate, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.truth import Observer


@pytest.fixture(scope="module")
def scene():
    recipe = Recipe(split="train", seed=11, clip=1)
    person = sample_person(recipe)
    motion = sample_dance(recipe.rng(Part.MOTION), num_frames=1, fps=30.0, heads=person.rest.heads)
    instant = next(iter(animate(person, motion)))
    camera = sample_framing(np.random.default_rng(0), person.rest, size=96).camera
    return person, instant, Observer(person, camera).see(instant)


def test_few_triangles_give_the_light_that_all_of_them_give(scene):
    person, instant, truth = scene
    occluders = Occluders(person)
    assert len(occluders.faces) < 0.4 * len(person.faces)
    seen = np.unique(person.faces[truth.fragments.face[truth.fragments.mask]])
    found = occluders.transfer(instant, truth.fragments)[seen]
    exact = self_transfer(instant.vertices, instant.normals, person.faces)[seen]
    open_sky = self_transfer(instant.vertices, instant.normals, person.faces[:0])[seen]
    off, shade = (np.abs(light - exact)[:, 0].mean() for light in (found, open_sky))
    assert off < 0.1 * exact[:, 0].mean()
    assert off < 0.25 * shade


def test_the_stand_in_is_made_of_the_person_s_own_vertices_and_keeps_parts_apart(scene):
    person, _, _ = scene
    faces = Occluders(person).faces
    coat = np.full(len(person.canonical), -1)
    coat[person.faces] = person.coats[:, None]
    assert (coat[faces] == coat[faces[:, :1]]).all()
    large = np.flatnonzero(np.bincount(person.coats) > 500)
    assert set(large) <= set(coat[faces[:, 0]]) <= set(person.coats)
    assert (np.diff(np.sort(faces, axis=1), axis=1) > 0).all()


def test_only_vertices_that_are_needed_get_any_light(scene):
    person, instant, truth = scene
    found = Occluders(person).transfer(instant, truth.fragments)
    lit = found.any(axis=1)
    assert 0.05 < lit.mean() < 0.6
    seen = np.unique(person.faces[truth.fragments.face[truth.fragments.mask]])
    assert lit[seen].mean() > 0.95
