"""`hd-core reconstruct`, the main job, and `hd-core predict`, its first half."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from hd_core.cli.common import Common
from hd_core.cli.jobfile import ABSENT
from hd_core.errors import UsageError
from hd_core.pipeline.options import (
    ExportOptions,
    MeshStageOptions,
    PersonOptions,
    PredictOptions,
    SourceOptions,
    SurfaceOptions,
)

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk

Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
Video = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="VIDEO")]


@dataclass(frozen=True, kw_only=True)
class Reconstruct:
    """From a video of a person to one animated, textured mesh file."""

    video: Video
    """Video, still, folder of pictures, or a pattern such as shot.%04d.png or shot.####.png."""
    output: Output
    """Run folder; if it holds this job unfinished, the job goes on."""
    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    mesh: MeshStageOptions = field(default_factory=MeshStageOptions)
    export: ExportOptions = field(default_factory=ExportOptions)
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
            surface=self.surface,
            mesh=self.mesh,
            export=self.export,
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
    """From a video to depth and normal maps of the person, one record a frame."""

    video: Video
    """Video, still, folder of pictures, or a pattern."""
    output: Output
    """Run folder; `hd-core integrate`, `mesh` and `export` go on from it."""
    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    overwrite: bool = False
    """Discard what the run folder holds of other options."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the first two stages."""
        from hd_core.pipeline.line import Plan, predict  # noqa: PLC0415 - keeps --help quick

        plan = Plan(source=self.source, person=self.person, predict=self.predict)
        predict(self.video, self.output, plan, progress=talk, overwrite=self.overwrite)
        talk.say(f"Maps are in {self.output}; go on with: hd-core integrate {self.output}")


def _say_results(talk: "Talk", output: Path, manifest: dict[str, Any]) -> None:
    summary = manifest["summary"]
    talk.say(
        f"{summary['ok']} frames reconstructed, {summary['no_person']} without a person.",
        summary=summary,
    )
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
