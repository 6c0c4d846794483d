"""Universal Scene Description: one binary layer with one Mesh prim per person, the camera and the look.

Z up, metres; time codes are frame numbers. The layer is saved every `HELD_BYTES` of samples: a saved crate file
is appended to and no longer held in memory, so a long clip needs no more memory than a short one.
"""

from pathlib import Path

from pxr import Tf, Usd, UsdGeom, Vt

from hd_core import __version__
from hd_core.atomic import atomic_path
from hd_core.errors import InputError
from hd_core.export.guard import foreign_errors
from hd_core.export.output import SILENT, STAGE
from hd_core.export.timecodes import clip_range, time_codes, timeline
from hd_core.export.usd_camera import add_camera
from hd_core.export.usd_look import add_look, relative_asset
from hd_core.export.usd_mesh import MeshPrim
from hd_core.progress import Progress, check_cancelled
from hd_core.types import MeshSequence, Scene

ROOT = "/World"
CAMERA = f"{ROOT}/camera"
LOOKS = f"{ROOT}/looks"
HELD_BYTES = 1 << 25
"""Samples that may wait in memory to be saved."""


def write_usd(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write a scene to one `.usdc` or `.usd` file.

    Args:
        scene: What to write; every mesh is read when its turn comes.
        path: The file.
        progress: Told of every mesh.

    Returns:
        The file.

    Raises:
        InputError: Two names are the same to USD, meshes of one person differ in what they carry, or the
            file cannot be written.
        CancelledError: The user asked to stop; no file is left.
    """
    names = _prim_names(scene)
    if scene.camera.intrinsics[0, 1] != 0:
        progress.warn("USD cameras know no skew; it is left out of the camera, not of the mesh.")
    with atomic_path(path) as aside, foreign_errors(aside, Tf.ErrorException):
        stage = Usd.Stage.CreateNew(str(aside))
        try:
            _describe(stage, scene)
            add_camera(stage, CAMERA, scene.camera)
            done = 0
            for sequence, name in zip(scene.sequences, names, strict=True):
                mesh = MeshPrim(stage, f"{ROOT}/{name}")
                done = _put_all(scene, sequence, mesh, progress, done)
                add_look(stage, f"{LOOKS}/{name}", mesh, _textures(scene, sequence, path))
            stage.GetRootLayer().Save()
        finally:
            del stage  # an error keeps this frame, and a layer still alive could not be made again
    return [path]


def _put_all(scene: Scene, sequence: MeshSequence, mesh: MeshPrim, progress: Progress, done: int) -> int:
    total = sum(len(one) for one in scene.sequences)
    last = done + len(sequence)
    held = 0
    for code, current in timeline(scene, sequence):
        check_cancelled(progress)
        held += mesh.put(code, current)
        if held > HELD_BYTES:
            mesh.prim.GetStage().GetRootLayer().Save()
            held = 0
        done = min(done + 1, last)
        progress.step(STAGE, done, total)
    mesh.finish()
    _remember(mesh.prim, sequence)
    return last


def _describe(stage: Usd.Stage, scene: Scene) -> None:
    fps = float(scene.fps)
    start, end = clip_range(scene)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(fps)
    stage.SetFramesPerSecond(fps)
    stage.SetStartTimeCode(start)
    stage.SetEndTimeCode(end)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, ROOT).GetPrim())
    layer = stage.GetRootLayer()
    layer.customLayerData = {"hd_core": {"version": __version__, "units": "metres", "fps": str(scene.fps)}}


def _remember(prim: Usd.Prim, sequence: MeshSequence) -> None:
    """Keep the exact times beside the time codes, and a name that USD could not spell."""
    prim.SetDisplayName(sequence.name)
    prim.SetCustomDataByKey("hd_core:times_seconds", Vt.DoubleArray.FromNumpy(sequence.times_seconds))


def _textures(scene: Scene, sequence: MeshSequence, path: Path) -> list[tuple[float, str]]:
    if not sequence.texture_paths:
        return []
    names = [relative_asset(texture, path) for texture in sequence.texture_paths]
    return list(zip(time_codes(scene, sequence).tolist(), names, strict=True))


def _prim_names(scene: Scene) -> list[str]:
    names = [Tf.MakeValidIdentifier(sequence.name) for sequence in scene.sequences]
    taken = {*names, "camera", "looks"}
    if len(taken) < len(names) + 2:
        given = ", ".join(repr(sequence.name) for sequence in scene.sequences)
        raise InputError(
            f"Found the names {given}; expected names that USD can tell apart, none of them 'camera' or 'looks'.",
            "Use letters, digits and underscores.",
        )
    return names
