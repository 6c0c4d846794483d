"""`hd-core info`: what a clip or a run folder is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class Info:
    """Say what a video, a picture sequence or a run folder holds."""

    path: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PATH")]
    """Video, still, folder, pattern, or run folder."""
    common: Common = field(default_factory=lambda: Common(progress="none"))

    def run(self, talk: "Talk") -> None:
        """Print the facts, one a line."""
        facts = _run_facts(self.path) if (self.path / "run.json").is_file() else _clip_facts(self.path)
        for name, value in facts:
            talk.say(f"{name:<12} {value}", name=name, value=value)


def _clip_facts(path: Path) -> Iterator[tuple[str, str]]:
    from hd_core.video.read import open_clip  # noqa: PLC0415 - keeps --help quick

    clip = open_clip(path)
    yield "clip", str(clip.path)
    yield "frames", str(clip.num_frames)
    yield "size", f"{clip.width} x {clip.height} px"
    yield "rate", f"{float(clip.fps):.6g} frames/s ({clip.fps})" + (", variable" * clip.variable_rate)
    yield "length", f"{clip.num_frames / float(clip.fps):.2f} s"
    yield "rotation", f"{clip.rotation} degrees, applied"
    yield "alpha", "yes, used as the mask" if clip.has_alpha else "no"


def _run_facts(path: Path) -> Iterator[tuple[str, str]]:
    from hd_core.runfolder import STAGES, RunFolder  # noqa: PLC0415 - keeps --help quick

    with RunFolder.existing(path) as run:
        source = run.options("person")["source"]
        yield "run", str(path)
        yield "source", f"{source['name']}, frames {source['frames']}, {source['fps']} frames/s"
        for stage in STAGES:
            counts = [len(run.frame_indices(stage, person)) for person in run.person_ids()]
            done = f"{sum(counts)} frames" if run.options(stage) else "not run"
            yield stage, done
        if (run.path / "manifest.json").exists():
            for file in run.read_json("manifest.json")["outputs"]:
                if file["path"].startswith("export/"):
                    yield "file", f"{file['path']}, {file['bytes'] / 1e6:.2f} MB"
