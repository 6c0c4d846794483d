# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered pictures of a run as image sequences: paths, colour spaces, which file is shown in which frame.

Sequences cannot be packed into a .blend, so their paths are relative to it once it is saved, and `relink` finds them
again where the run folder is now.
"""

from collections.abc import Sequence
from pathlib import Path

import bpy

from ..records import RunError
from ..runfolder import Run
from .nodes import knob_path

RUN_KEY = "hd_human_run"
"""What objects and images remember: the run folder they were made from."""
CLIP_KEY, FILE_KEY = "hd_human_clip", "hd_human_file"
"""What images remember besides: the clip, and their file below the run folder."""
ALWAYS_PAST = -1_000_000
"""First frame of a sequence of one picture: every frame is past it, so the offset alone says which file is shown."""
KNOBS = {"s": "Start Frame", "v": "Speed", "o": "Frame Offset"}


def load_sequence(run: Run, paths: Sequence[Path], *, data: bool = False) -> bpy.types.Image:
    """Numbered pictures as one image.

    Args:
        run: The run they belong to.
        paths: One per output frame.
        data: Their values are numbers as they stand, not colours.

    Raises:
        RunError: A picture is missing or cannot be read.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise RunError(
            f"{len(missing)} of {len(paths)} pictures are missing, the first is {missing[0]}.",
            "Copy the run's folder 'textures' along, or resume the job.",
        )
    try:
        image = bpy.data.images.load(str(paths[0]), check_existing=False)
    except RuntimeError as error:
        raise RunError(f"{paths[0]} cannot be read.", "Copy the run folder again, or resume the job.") from error
    image.source = "SEQUENCE"
    image.colorspace_settings.name = "Non-Color" if data else "sRGB"
    image.alpha_mode = "NONE"
    image.filepath = stored_path(paths[0])
    image[RUN_KEY], image[CLIP_KEY] = str(run.path), run.clip_name
    image[FILE_KEY] = paths[0].relative_to(run.path).as_posix()
    return image


def stored_path(path: Path) -> str:
    """A path as a .blend should hold it: relative if the file is saved and on the same drive."""
    if not bpy.data.is_saved:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive of Windows
        return str(path)


def play_with_scene(user: bpy.types.ImageUser, run: Run) -> None:
    """Show every picture in the scene's frame of its number; the first and the last stay."""
    user.frame_start, user.frame_duration = run.start_frame, run.num_frames
    user.frame_offset = run.start_frame - 1
    user.use_auto_refresh, user.use_cyclic = True, False


def play_with_modifier(
    user: bpy.types.ImageUser, run: Run, thing: bpy.types.Object, player: bpy.types.Modifier
) -> None:
    """Show the picture of the frame that the modifier shows, retimed as it is.

    The formula is that of the tree (`nodes`). It is simple enough for Blender to evaluate it without Python, so it
    runs in files whose scripts are not trusted.
    """
    user.frame_start, user.frame_duration = ALWAYS_PAST, 1
    user.use_auto_refresh, user.use_cyclic = True, False
    driver = user.driver_add("frame_offset").driver
    driver.type = "SCRIPTED"
    for name, knob in KNOBS.items():
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        variable.targets[0].id = thing
        variable.targets[0].data_path = knob_path(player, knob)
    last = run.num_frames - 1
    wanted = f"floor((round(frame)-s)*v+o+0.001)+(v<0)*{last}"
    driver.expression = f"clamp({wanted},0,{last})+{run.start_frame - 1}"


def relink(run: Run) -> int:
    """Point everything of a clip whose files have moved to a run folder.

    Args:
        run: Where the clip's run is now.

    Returns:
        How many images were missing and are found again.
    """
    found = 0
    for image in bpy.data.images:
        if image.get(CLIP_KEY) != run.clip_name or Path(bpy.path.abspath(image.filepath)).is_file():
            continue
        path = run.path / image[FILE_KEY]
        if path.is_file():
            image.filepath, image[RUN_KEY] = stored_path(path), str(run.path)
            found += 1
    for thing in bpy.data.objects:
        old = thing.get(RUN_KEY)
        if old and thing.get(CLIP_KEY) == run.clip_name and not Path(old).is_dir():
            thing[RUN_KEY] = str(run.path)
    return found
