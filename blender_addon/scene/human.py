# SPDX-License-Identifier: GPL-3.0-or-later
"""People of a run as objects that play by themselves."""

import bpy

from ..bank import Bank, open_bank, with_steps
from ..records import RunError
from ..runfolder import Run
from .bank_object import make_cloud, make_grid, plan
from .material import add_material
from .nodes import add_player, player_of
from .pictures import CLIP_KEY, RUN_KEY
from .undoing import undoing_on_error

__all__ = ["PERSON_KEY", "RUN_KEY", "add_human", "undoing_on_error"]

PERSON_KEY = "hd_human_person"
"""What a person's object remembers besides its run: which of the run's people it shows."""
PRECISIONS = ("exact", "fine")


def add_human(
    run: Run,
    *,
    precision: str = "exact",
    texture: bool = True,
    normal_map: bool = True,
    collection_name: str | None = None,
) -> list[bpy.types.Object]:
    """Add every person of a run to the scene.

    Args:
        run: A run with a depth bank.
        precision: "exact" keeps depths to the last bit; "fine" rounds them, by less than 0.1 mm, for smaller files.
        texture: Show the video on the surface, if the run has its pictures.
        normal_map: Shade with the run's normal maps, if it has them.
        collection_name: Of the collection that is made for them; by default the clip's name.

    Returns:
        One object per person.

    Raises:
        RunError: The run has no people, or a bank is missing or does not fit; the file is left as it was.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {PRECISIONS}")
    if not run.people:
        raise RunError(f"No person was found in {run.clip_name}.", "Choose a run with a person in it.")
    banks = [with_steps(open_bank(run, person)) for person in run.people]
    with undoing_on_error():
        collection = bpy.data.collections.new(collection_name or run.clip_name)
        bpy.context.scene.collection.children.link(collection)
        people = [_add_person(run, bank, fine=precision == "fine") for bank in banks]
        for thing, bank in zip(people, banks, strict=True):
            collection.objects.link(thing)
            player = player_of(thing)
            add_material(run, thing, player, bank.person, texture=texture, normal_map=normal_map)
    return people


def _add_person(run: Run, bank: Bank, *, fine: bool) -> bpy.types.Object:
    name = f"{run.clip_name} person{bank.person:02d}"
    layout = plan(bank)
    grid = bpy.data.objects.new(name, make_grid(bank, layout, name))
    cloud = bpy.data.objects.new(f"{name} bank", make_cloud(bank, layout, f"{name} bank", fine=fine))
    cloud.hide_render = cloud.hide_viewport = True
    grid[RUN_KEY], grid[CLIP_KEY], grid[PERSON_KEY] = str(run.path), run.clip_name, bank.person
    add_player(grid, cloud, start_frame=run.start_frame)
    return grid
