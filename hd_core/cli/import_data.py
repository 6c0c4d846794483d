"""`hd-core import-data`: other people's training data, made clips that `hd-core train` learns from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class ImportData:
    """Make clips of the published HDNet's training folders, or of the public TikTok data set."""

    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SOURCE")]
    """Folder with color_WO_bg, mask, densepose and either depth and normal or correspondences; or with 00001, ..."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DATA")]
    """Data folder for hd-core train: clips with truth go to train, others to video."""
    frames: int = 8
    """Of a clip, at most; with given correspondences a clip is a frame and its four partners."""
    licence: str = "not stated"
    """Of the data; the cards of weights that learn from it repeat it."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Import."""
        from hd_core.train.layouts import import_layout  # noqa: PLC0415 - keeps --help quick

        done = import_layout(self.source, self.output, frames=self.frames, licence=self.licence, progress=talk)
        left_out = f", {done.left_out} without a person left out" if done.left_out else ""
        talk.say(
            f"{self.source} is {done.layout}: {done.clips} clips of {done.frames} frames in {done.folder}{left_out}.",
            layout=done.layout,
            clips=done.clips,
            frames=done.frames,
        )
