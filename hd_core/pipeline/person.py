"""First stage: find the people in every frame, plan steady crops, and store what the networks will see.

Two passes over the clip. The first finds the people (`find`); its result is a few numbers a frame and lets the crops
be smoothed without lag, shot by shot. The second cuts everybody out and mattes them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.person.crop import plan_crops
from hd_core.person.matte import Matter, Tier
from hd_core.person.people import People
from hd_core.pipeline.cutting import CutPlan, Cutter, plan_cut
from hd_core.pipeline.find import chosen, find_people
from hd_core.pipeline.given import Pictures
from hd_core.pipeline.job import Job
from hd_core.pipeline.options import PersonOptions
from hd_core.progress import check_cancelled
from hd_core.records import write_view
from hd_core.types import Crop, Frame, View

JPEG_QUALITY = 92
"""Visually lossless as a texture; a quarter of the size of PNG."""


class ViewMaker:
    """Makes the views of one clip.

    Args:
        job: Where they go.
        pictures: The clip's frames.
        frames: Which of them to use.
        options: The user's words about the person.
    """

    def __init__(self, job: Job, pictures: Pictures, frames: range, options: PersonOptions) -> None:
        self._job, self._pictures, self._frames, self._options = job, pictures, frames, options

    def run(self, *, follow: bool, texture_paths: Sequence[Path] = ()) -> list[int]:
        """Write all views (and the frames as textures, if paths are given); returns who is in them.

        Raises:
            InputError: Nobody is in the clip, not the one who is meant, or it cannot be read.
        """
        people = find_people(self._job, self._pictures, self._frames, self._options)
        ids = chosen(people, self._frames, self._options.whom, self._pictures.clip.path.name)
        plans = [self._plan(people, person, follow=follow) for person in ids]
        self._write(plans, dict(zip(self._frames, texture_paths, strict=False)))
        return ids

    def _plan(self, people: People, person_id: int, *, follow: bool) -> CutPlan:
        crops = self._crops(people, person_id, follow=follow)
        digest = self._job.run.digest("person")
        missing = self._job.missing("person", person_id, crops, digest)
        steady = not self._pictures.have_mattes
        return plan_cut(people, person_id, crops, self._frames, missing, steady=steady)

    def _crops(self, people: People, person_id: int, *, follow: bool) -> dict[int, Crop]:
        """A crop for every frame the person is in; none is smoothed over a cut."""
        seen = people.of(person_id)
        cuts = [self._frames.index(cut) for cut in people.cuts] if follow else []
        crops = [
            crop
            for begin, end in pairwise([0, *cuts, len(seen)])
            for crop in plan_crops(
                seen[begin:end],
                self._pictures.camera,
                size=self._options.size,
                margin=self._options.margin,
                follow=follow,
            )
        ]
        return {index: crop for index, crop in zip(self._frames, crops, strict=True) if crop is not None}

    def _write(self, plans: Sequence[CutPlan], textures: Mapping[int, Path]) -> None:
        """Second pass: cut out, matte, store; pictures that are complete already are not decoded again."""
        undrawn = {index for index, path in textures.items() if not path.exists()}
        wanted = undrawn.union(*(plan.wanted for plan in plans))
        if not wanted:
            return
        matter = cache(lambda: Matter(Tier(self._options.tier)))
        cutters = [Cutter(plan, matter, self._store) for plan in plans]
        todo = [index for index in self._frames if min(wanted) <= index <= max(wanted)]
        span = range(todo[0], todo[-1] + 1, self._frames.step)
        for done, (frame, alpha) in enumerate(self._pictures.read(span)):
            check_cancelled(self._job.progress)
            self._job.progress.step("person", done, len(span))
            if frame.index in undrawn:
                _write_texture(textures[frame.index], frame)
            for cutter in cutters:
                cutter.take(frame, alpha)
        for cutter in cutters:
            cutter.finish()
        self._job.progress.step("person", len(span), len(span))

    def _store(self, view: View) -> None:
        path = self._job.run.frame_path("person", view.person_id, view.frame_index)
        write_view(path, view, digest=self._job.run.digest("person"))
        self._job.log(event="frame", stage="person", person=view.person_id, frame=view.frame_index)


def _write_texture(path: Path, frame: Frame) -> None:
    with atomic_path(path) as aside:
        Image.fromarray(frame.rgb).save(aside, quality=JPEG_QUALITY, subsampling=0)
