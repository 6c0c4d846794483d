"""The texture of a person's body, gathered from all frames of a run in which the body was found."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hd_core.atomic import atomic_path
from hd_core.body.formats import CONVENTION_KEY
from hd_core.body.record import read_bodies
from hd_core.body.texture import Texture, TextureGatherer, sheet
from hd_core.geometry.camera import pixel_rays
from hd_core.pipeline.body import body_record
from hd_core.pipeline.job import Job
from hd_core.progress import check_cancelled
from hd_core.records import read_maps, read_view
from hd_core.runfolder import RunFolder
from hd_core.synth.atlas.anny24 import IUV_CONVENTION

ROUNDS = 3
"""Over all frames: a plain mean, and two robust ones."""
_Frame = tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]


def write_body_textures(job: Job) -> None:
    """`textures/body.personNN.png` of everybody: 24 tiles with alpha 0 where nothing was seen."""
    for person in job.run.person_ids():
        path = body_texture_path(job.run, person)
        if path.exists():
            continue
        picture = Image.fromarray(sheet(gather(job, person)))
        words = PngInfo()
        words.add_text(CONVENTION_KEY, IUV_CONVENTION)
        with atomic_path(path) as aside:
            picture.save(aside, pnginfo=words)


def body_texture_path(run: RunFolder, person_id: int) -> Path:
    """Where a person's texture lies."""
    return run.path / "textures" / f"body.person{person_id:02d}.png"


def gather(job: Job, person_id: int) -> Texture:
    """The robust mean over all frames of a person, of the surface that is seen."""
    texture: Texture | None = None
    for round_ in range(ROUNDS):
        gatherer = TextureGatherer(texture)
        for frame in _frames(job, person_id, before=round_):
            gatherer.add(*frame)
        texture = gatherer.texture()
    assert texture is not None
    return texture


def _frames(job: Job, person_id: int, *, before: int) -> Iterator[_Frame]:
    """Picture, map and trust of every frame."""
    run = job.run
    indices = run.frame_indices("person", person_id)
    for done, index in enumerate(indices):
        check_cancelled(job.progress)
        job.progress.step("body texture", before * len(indices) + done, ROUNDS * len(indices))
        record, maps = body_record(run, person_id, index), run.frame_path("predict", person_id, index)
        if record is None or not maps.exists():
            continue
        view = read_view(run.frame_path("person", person_id, index))
        found, surface = read_bodies(record), read_maps(maps)
        rays = pixel_rays(surface.camera)
        facing = -(surface.normal * rays).sum(axis=-1) / np.linalg.norm(rays, axis=-1)
        trust = found.clothed.confidence * np.clip(facing, 0, 1) * (view.alpha > 0.95)
        yield view.rgb, found.clothed.iuv, trust
