"""`hd-core adapt`: the shipped weights, fine-tuned on the user's own clip without any ground truth."""

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from hd_core.cli.common import Common
from hd_core.errors import UsageError
from hd_core.pipeline.options import PersonOptions, SourceOptions
from hd_core.train.adapting.options import AdaptOptions, AdaptSitting, Charts

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk
    from hd_core.train.adapting.clip import AdaptClip


@dataclass(frozen=True, kw_only=True)
class Adapt:
    """Fine-tune HDNet on one clip; the same command goes on where the last sitting stopped."""

    video: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="VIDEO")] = None
    """Video, still, folder of pictures, or a pattern such as shot.%04d.png or shot.####.png."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")]
    """Gets weights.safetensors with its card, the curve, and adapted.json with what changed."""
    clip: Path | None = None
    """In place of a video: a clip of hd-core synth (.npz), whose map of the body is spoiled as found ones are."""
    iuv: Path | None = None
    """Folder of maps of the body: PNGs of whole frames, one for each, in the order of their names; v, u and part."""
    charts: Charts = "anny24"
    """Whose u and v the maps hold; no body can be fitted to densepose, they only serve to measure."""
    find_body: bool = False
    """Find the body with the correspondence network; how far it is trusted depends on how well a body fits it."""
    weights: Path | None = None
    """Weights to begin with; those in the package if omitted."""
    options: Annotated[AdaptOptions, tyro.conf.arg(name="")] = field(default_factory=AdaptOptions)
    sitting: Annotated[AdaptSitting, tyro.conf.arg(name="")] = field(default_factory=AdaptSitting)
    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Adapt."""
        from hd_core.train.adapting.run import WEIGHTS, AdaptJob, adapt  # noqa: PLC0415 - keeps --help quick

        clip = self._clip(talk)
        if self.find_body:
            clip = self._found(clip, talk)
        if not clip.has_maps or clip.charts != "anny24" or not self.options.body:
            talk.warn(
                "No body is fitted: the clip teaches by turned and mirrored pictures alone, which brings little. "
                "Give maps of the body with --iuv."
            )
        job = AdaptJob(
            clip=clip,
            folder=self.output,
            options=self.options,
            sitting=self.sitting,
            weights=self.weights,
            command=shlex.join(["hd-core", *sys.argv[1:]]),
        )
        report = adapt(job, talk)
        for line in _lines(report):
            talk.say(line)
        weights = self.output / WEIGHTS
        talk.say(f"Use them: hd-core reconstruct {self.video or 'VIDEO'} --weights {weights}", path=str(weights))

    def _found(self, clip: "AdaptClip", talk: "Talk") -> "AdaptClip":
        from hd_core.body.iuv import BodyFinder  # noqa: PLC0415
        from hd_core.train.adapting.found import with_found_bodies  # noqa: PLC0415

        finder = BodyFinder.load(device=self.sitting.device, threads=self.sitting.threads)
        return with_found_bodies(clip, finder, talk)

    def _clip(self, talk: "Talk") -> "AdaptClip":
        from hd_core.train.adapting.clip import clip_of_shard  # noqa: PLC0415
        from hd_core.train.adapting.video import clip_of_video  # noqa: PLC0415

        if self.find_body and self.iuv is not None:
            raise UsageError("--iuv gives maps of the body and --find-body looks for them.", "Leave one out.")
        if (self.video is None) == (self.clip is None):
            raise UsageError("Expected either a video or --clip with a clip of hd-core synth.", "Give one of them.")
        if self.video is not None:
            return clip_of_video(
                self.video,
                self.output / "views",
                self.source,
                self.person,
                most=self.options.most_frames,
                maps=self.iuv,
                charts=self.charts,
                progress=talk,
            )
        if self.iuv is not None or self.clip is None:
            raise UsageError("--iuv belongs to a video; a clip of hd-core synth has maps.", "Leave one out.")
        return clip_of_shard(self.clip, most=self.options.most_frames)


def _lines(report: dict[str, Any]) -> list[str]:
    """What a person wants to know of a report."""
    names = {"teacher_deg": "from its teacher", "placings_deg": "from itself, turned", "frames_deg": "between frames"}
    lines = [
        f"{title:20} {report['before'][name]:6.2f} -> {report['after'][name]:6.2f} deg"
        for name, title in names.items()
        if report["before"][name] is not None and report["after"][name] is not None
    ]
    state = "finished" if report["finished"] else "not finished, the same command goes on"
    told = f"{report['bodies']} of {report['frames']} frames with a fitted body"
    return [f"{report['steps']} steps in {report['minutes']} minutes, {told}; {state}.", *lines]
