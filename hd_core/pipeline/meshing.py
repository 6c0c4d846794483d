"""The mesh stage over everybody: the scales first, for they need all frames; then meshes, and atlases if wished."""

from collections.abc import Iterator

from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.mesh.texture import Atlas, plan_atlas
from hd_core.pipeline.export import atlas_path
from hd_core.pipeline.job import Job
from hd_core.pipeline.options import MeshStageOptions
from hd_core.pipeline.scale import lock_scales, write_scales
from hd_core.pipeline.stages import Mesher
from hd_core.records import read_maps, read_view
from hd_core.runfolder import RunFolder
from hd_core.types import SurfaceMaps


def make_meshes(job: Job, options: MeshStageOptions) -> None:
    """Surfaces to meshes, in metres by one scale over the clip."""
    run = job.run
    people = [person for person in run.person_ids() if run.frame_indices("integrate", person)]
    locks = lock_scales(
        {person: _surfaces(run, person) for person in people}, subject_height_m=options.subject_height_m
    )
    assumed = [person for person, lock in locks.items() if "assumed" in lock.source]
    if assumed:
        whose = f" for {', '.join(f'person{person:02d}' for person in assumed)}" if len(locks) > 1 else ""
        job.warn(f"Scale{whose}: {locks[assumed[0]].source}.")
    write_scales(run, locks)

    def work(person: int) -> None:
        if person in locks:
            atlas = _atlas(job, person) if options.texture == "atlas" else None
            constant = options.topology == "constant"
            Mesher(job, person, options.settings, locks[person], constant=constant).run(atlas)

    job.each_person(work)


def _surfaces(run: RunFolder, person_id: int) -> Iterator[SurfaceMaps]:
    for index in run.frame_indices("integrate", person_id):
        yield read_maps(run.frame_path("integrate", person_id, index))


def _atlas(job: Job, person_id: int) -> Atlas:
    """Pack the crops of all frames into one picture."""
    indices = job.run.frame_indices("integrate", person_id)
    views = (read_view(job.run.frame_path("person", person_id, index)) for index in indices)
    size = job.run.options("person")["size"]
    atlas = plan_atlas(len(indices), crop_width=size, crop_height=size)
    picture = atlas.blank()
    for position, view in enumerate(views):
        atlas.paste(picture, position, view.rgb)
    with atomic_path(atlas_path(job.run, person_id)) as aside:
        Image.fromarray(picture).save(aside)
    return atlas
