"""What a job would do and how much disk it would take, without doing it."""

from collections.abc import Iterator
from pathlib import Path

from hd_core.mesh.options import MeshOptions
from hd_core.pipeline.export import check_formats, dotted
from hd_core.pipeline.given import Pictures, matte_source
from hd_core.pipeline.line import Plan
from hd_core.pipeline.options import ExportOptions, PersonOptions
from hd_core.pipeline.source import open_source, source_camera
from hd_core.predict.protocol import load_predictor

PERSON_SHARE = 0.3
"""Share of a crop that a standing person fills; what the sizes below are worth per person pixel."""
RECORD_BYTES = {"views": 4, "maps": 4 + 6 + 1 + 1, "surfaces": 4 + 6 + 1 + 1 + 1}
"""Per crop pixel, whatever it shows."""
MESH_BYTES = 12 + 12 + 8 + 3 + 2 * 12
"""Per person pixel: position, normal, uv, colour and two triangles."""
EXPORT_BYTES = {
    ".usdc": 59,
    ".usd": 59,
    ".abc": 59,
    ".glb": 56,
    ".obj": 130,
    ".ply": 59,
    ".pc2": 20,
    ".npz": 59,
}
"""Per person pixel and frame."""
PASSES_BYTES = 6
BANK_BYTES = 6.5 + 1.5
"""Per person pixel and frame: one number per pixel of the union over the clip, and the normal map."""
JPEG_BYTES = 0.6
"""Per pixel of the delivered frame."""


def dry_run(video: Path, out: Path, plan: Plan) -> Iterator[str]:
    """The plan of a job, in lines.

    Raises:
        HdError: What the job itself would refuse at its start.
    """
    check_formats(plan.export.formats, constant=plan.mesh.topology == "constant")
    predictor = load_predictor(plan.predict.predictor, plan.predict.settings)
    clip, frames = open_source(video, plan.source)
    yield f"{clip.path.name}: {len(frames)} of {clip.num_frames} frames, {clip.width} x {clip.height} px"
    camera, _ = source_camera(clip, plan.source, getattr(predictor, "camera", None))
    Pictures(clip, camera, plan.person, matte_source(predictor))
    yield f"person      {_who(plan.person)}crop of {plan.person.size} px, {plan.person.tier} matte"
    yield f"predict     {plan.predict.predictor}, depth {predictor.gauge.value}, licence {predictor.licence}"
    yield f"integrate   {plan.surface.integrator}"
    yield f"mesh        {plan.mesh.topology} topology, texture {plan.mesh.texture}{_decimation(plan.mesh.settings)}"
    yield f"export      {' '.join(map(dotted, plan.export.formats))}{_beside(plan.export)}"
    sizes = disk_bytes(plan, len(frames), clip.width * clip.height)
    total, each = sum(sizes.values()), sum(sizes.values()) - sizes["textures"]
    more = f", and up to {each / 1e6:.0f} MB more for each further person" if _several(plan.person) else ""
    yield f"disk        about {total / 1e6:.0f} MB in {out}{more}"


def disk_bytes(plan: Plan, num_frames: int, frame_px: int) -> dict[str, float]:
    """Estimate by part of the run folder with one person, bytes."""
    crop_px = float(plan.person.size**2)
    person_px = crop_px * PERSON_SHARE
    sizes: dict[str, float] = {name: num_frames * crop_px * per_px for name, per_px in RECORD_BYTES.items()}
    sizes["mesh"] = num_frames * person_px * MESH_BYTES
    sizes["textures"] = num_frames * frame_px * JPEG_BYTES
    for suffix in map(dotted, plan.export.formats):
        sizes[suffix] = num_frames * person_px * EXPORT_BYTES.get(suffix, 60)
    if plan.export.passes:
        sizes["passes"] = num_frames * crop_px * PASSES_BYTES
    if plan.export.bank:
        sizes["bank"] = num_frames * person_px * BANK_BYTES
    return sizes


def _several(options: PersonOptions) -> bool:
    return options.whom.everybody and options.whom.only is None


def _who(options: PersonOptions) -> str:
    """Whom the job looks for, where that is not the usual."""
    whom = options.whom
    if whom.only is not None:
        return f"person {whom.only} of all, "
    if whom.place is not None:
        return f"who is at {options.person} in the first picture, "
    return "everybody, each with a " if whom.everybody else ""


def _beside(options: ExportOptions) -> str:
    return " and EXR passes" * options.passes + " and the depth bank" * options.bank


def _decimation(options: MeshOptions) -> str:
    return f", {options.keep_ratio:.0%} of the faces" if options.keep_ratio < 1 else ""
