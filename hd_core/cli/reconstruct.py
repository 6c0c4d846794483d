"""`hd-core reconstruct`, the main job, and `hd-core predict`, its first half."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from hd_core.cli.common import Common
from hd_core.cli.jobfile import ABSENT
from hd_core.errors import UsageError
from hd_core.pipeline.body_options import BodyOptions
from hd_core.pipeline.options import (
    ExportOptions,
    MeshStageOptions,
    PersonOptions,
    PredictOptions,
    SourceOptions,
    SurfaceOptions,
    WorkOptions,
)
from hd_core.ranges import ranges_text

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk

Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
Video = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="VIDEO")]


@dataclass(frozen=True, kw_only=True)
class Reconstruct:
    """From a video of one or several people to animated, textured mesh files."""

    video: Video
    """Video, still, folder of pictures, or a pattern such as shot.%04d.png or shot.####.png."""
    output: Output
    """Run folder; if it holds this job unfinished, the job goes on."""
    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    body: BodyOptions = field(default_factory=BodyOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    mesh: MeshStageOptions = field(default_factory=MeshStageOptions)
    export: ExportOptions = field(default_factory=ExportOptions)
    work: WorkOptions = field(default_factory=WorkOptions)
    overwrite: bool = False
    """Discard what the run folder holds of other options."""
    dry_run: bool = False
    """Print the plan and what it will take on disk; write nothing."""
    job: Path | None = None
    """JSON object of options by their names here, with _ for -; those given beside it win."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the job.

        Raises:
            UsageError: A job file names no video or no run folder, and neither does the command line.
        """
        for name, path in (("video", self.video), ("output", self.output)):
            if path == ABSENT:
                raise UsageError(f"The job names no {name}.", f"Add {name!r} to {self.job}.")
        from hd_core.pipeline.line import Plan, reconstruct  # noqa: PLC0415 - keeps --help quick

        plan = Plan(
            source=self.source,
            person=self.person,
            predict=self.predict,
            body=self.body,
            surface=self.surface,
            mesh=self.mesh,
            export=self.export,
            work=self.work,
        )
        if self.dry_run:
            from hd_core.pipeline.dry import dry_run  # noqa: PLC0415

            for line in dry_run(self.video, self.output, plan):
                talk.say(line)
            return
        manifest = reconstruct(self.video, self.output, plan, progress=talk, overwrite=self.overwrite)
        _say_results(talk, self.output, manifest)


@dataclass(frozen=True, kw_only=True)
class Predict:
    """From a video to depth and normal maps of the people in it, one record a frame."""

    video: Video
    """Video, still, folder of pictures, or a pattern."""
    output: Output
    """Run folder; `hd-core integrate`, `mesh` and `export` go on from it."""
    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    body: BodyOptions = field(default_factory=BodyOptions)
    overwrite: bool = False
    """Discard what the run folder holds of other options."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the first two stages."""
        from hd_core.pipeline.line import Plan, predict  # noqa: PLC0415 - keeps --help quick

        plan = Plan(source=self.source, person=self.person, predict=self.predict, body=self.body)
        predict(self.video, self.output, plan, progress=talk, overwrite=self.overwrite)
        talk.say(f"Maps are in {self.output}; go on with: hd-core integrate {self.output}")


def _say_results(talk: "Talk", output: Path, manifest: dict[str, Any]) -> None:
    summary = manifest["summary"]
    without = f"{summary['no_person']} without a person"
    if summary["no_person"]:
        without += f" ({ranges_text(summary['no_person_frames'])} of the source)"
    talk.say(f"{summary['ok']} frames reconstructed, {without}.", summary=summary)
    people = [(person["name"], _count_ok(person)) for person in manifest["people"]]
    if len(people) > 1:
        each = ", ".join(f"{name} {count} frames" for name, count in people)
        talk.say(f"{len(people)} people: {each}", people=dict(people))
    results = [output / file["path"] for file in manifest["outputs"] if file["path"].startswith("export/")]
    by_suffix = [[path for path in results if path.suffix == s] for s in dict.fromkeys(path.suffix for path in results)]
    for paths in sorted(by_suffix, key=len):
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        talk.say(f"mesh           {paths[0]}{more}", path=str(paths[0]), num_files=len(paths))
    for file in manifest["outputs"]:
        if file["path"].startswith("bank/"):
            talk.say(f"depth bank     {output / file['path']}", path=str(output / file["path"]))
    for name in ("contact_sheet.png", "report.html", "manifest.json"):
        title = name.partition(".")[0].replace("_", " ")
        talk.say(f"{title:<14} {output / name}", path=str(output / name))


def _count_ok(person: dict[str, Any]) -> int:
    return sum(frame["status"] == "ok" for frame in person["frames"])
