"""What a clip is made of, in names and numbers: drawn as for the clip itself, but nothing is simulated or rendered."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.atomic import atomic_path
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.body.skeleton import bone_index, forward_kinematics
from hd_core.synth.clip import FPS, Stage, set_stage
from hd_core.synth.framing import Framing, sample_framing
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.sample import sample_motion, tallest
from hd_core.synth.options import SMALLEST_PX, DatasetOptions
from hd_core.synth.person import Person, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.workers import worker_pool

LONGEST_ROW = 16
"""Arrays of more numbers are meshes and pictures, and left out."""
DIGITS = 6
ENDS = [bone_index(side + bone) for bone in ("Hand", "Foot") for side in ("Left", "Right")]


def describe(recipe: Recipe, options: DatasetOptions) -> dict[str, Any]:
    """Everything about a clip that has a name or a number, ready for JSON.

    Args:
        recipe: Which clip.
        options: Of the data set; the size of its pictures changes nothing.
    """
    small = replace(options, size=SMALLEST_PX)
    person = sample_person(recipe)
    motion = sample_motion(recipe.rng(Part.MOTION), person.rest, num_frames=options.frames, fps=FPS)
    framing = sample_framing(
        recipe.rng(Part.CAMERA), person.rest, size=small.size, stature_m=tallest(person.rest, motion)
    )
    stage = set_stage(recipe, framing.camera)
    return {
        "split": recipe.split,
        "clip": recipe.clip,
        "attempt": recipe.attempt,
        "person": _person(person),
        "motion": _motion(motion, person),
        "camera": _camera(framing),
        "light": _light(stage),
        "lens": plain(stage.lens),
    }


def list_recipes(clips: Sequence[int], options: DatasetOptions, *, workers: int) -> Iterator[dict[str, Any]]:
    """Describe clips in their order, as first drawn; broken ones are found only when they are made.

    Args:
        clips: Numbers within the split.
        options: Of the data set.
        workers: Processes; 0 works in this one.
    """
    work = partial(_describe_one, options)
    if workers == 0:
        yield from map(work, clips)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(work, clips, chunksize=16)


def write_recipes(
    path: Path, clips: Sequence[int], options: DatasetOptions, *, workers: int, progress: Progress
) -> dict[str, Counter[str]]:
    """Write the descriptions of clips, one JSON line each; returns how often every name comes up.

    Raises:
        OutputError: The file cannot be written.
        CancelledError: The user asked to stop; no file is left.
    """
    counts: dict[str, Counter[str]] = {}
    with atomic_path(path) as aside, aside.open("w", encoding="utf-8") as file:
        for done, drawn in enumerate(list_recipes(clips, options, workers=workers)):
            file.write(json.dumps(drawn, sort_keys=True) + "\n")
            for title, names in names_of(drawn).items():
                counts.setdefault(title, Counter()).update(names)
            progress.step("recipes", done + 1, len(clips))
            check_cancelled(progress)
    return counts


def names_of(drawn: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names in a description that people count."""
    garbs = drawn["person"]["garbs"]
    return {
        "garments": [garb["name"] for garb in garbs],
        "prints": [garb["print"]["kind"] for garb in garbs],
        "worn": drawn["person"]["worn"],
        "hair": [drawn["person"]["hair"]["kind"]],
        "motion": drawn["motion"]["families"],
        "framing": [drawn["camera"]["framing"]],
        "light": [drawn["light"]["name"]],
        "style": [drawn["light"]["style"]],
        "backdrop": [drawn["light"]["backdrop"]],
    }


def _describe_one(options: DatasetOptions, clip: int) -> dict[str, Any]:
    return describe(Recipe(split=options.split, seed=options.seed, clip=clip), options)


def plain(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any drawn thing, a row per kind of thing
    """Names and numbers of a drawn thing as JSON has them; meshes, pictures and functions are left out."""
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, np.ndarray):
        return plain(value.tolist()) if value.size <= LONGEST_ROW else None
    if isinstance(value, float | np.floating):
        return float(f"{round(float(value), 9):.{DIGITS}g}")
    if isinstance(value, str | bool | int | np.integer | np.bool_):
        return value.item() if isinstance(value, np.generic) else value
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        items = {str(name): plain(one) for name, one in value.items()}
        return {name: one for name, one in items.items() if one not in (None, {}, [])} or None
    if isinstance(value, list | tuple):
        rows = [plain(one) for one in value]
        return [row for row in rows if row is not None] or None
    return None


def _person(person: Person) -> dict[str, Any]:
    return {
        "identity": plain(person.identity),
        "stature_m": plain(person.rest.stature_m),
        "skin": plain(person.skin),
        "hair": plain(person.hair),
        "garbs": plain(person.garbs) or [],
        "worn": list(person.worn.names),
        "vertices": len(person.canonical),
    }


def _motion(motion: Motion, person: Person) -> dict[str, Any]:
    """Names, tempo, and what can be told from the skeleton alone."""
    first_and_last = motion.rotations[[0, -1]].astype(np.float64), motion.root[[0, -1]].astype(np.float64)
    maps = forward_kinematics(person.rest.heads.astype(np.float64), *first_and_last)
    joints = np.einsum("tbij,bj->tbi", maps[..., :3, :3], person.rest.heads) + maps[..., :3, 3]
    return {
        "families": list(motion.families),
        "beats_per_minute": plain(motion.beats_per_minute),
        "lowest_hips_m": plain(float(motion.root[:, 2].min())),
        "facing": plain(-motion.rotations[len(motion) // 2, 0, :, 1]),
        "hands_and_feet_m": [[plain(float(x)) for x in row] for row in joints[:, ENDS].reshape(2, -1)],
    }


def _camera(framing: Framing) -> dict[str, Any]:
    camera = framing.camera
    return {
        "framing": framing.name,
        "focal_over_size": plain(camera.intrinsics[0, 0] / camera.width),
        "looks": plain(camera.cam_from_world[2, :3]),
        "distance_m": plain(float(np.linalg.norm(camera.cam_from_world[:3, 3]))),
    }


def _light(stage: Stage) -> dict[str, Any]:
    harmonics = None if stage.light is None else stage.light.soft[:4].ravel()
    found: dict[str, Any] = {
        "name": stage.lighting,
        "style": stage.style,
        "backdrop": stage.backdrop,
        "harmonics": plain(harmonics),
    }
    return found
