"""The files of one export appear together, or not at all."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from hd_core.atomic import atomic_path
from hd_core.export.naming import FrameFile, frame_files
from hd_core.progress import Progress, Silent, check_cancelled
from hd_core.types import Scene

STAGE = "export"
"""What progress calls this stage."""

SILENT: Progress = Silent()
"""The progress of a writer that is called without one."""


class Output(ExitStack):
    """Files that are written aside and renamed when the block ends well; an earlier export stays until then."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path] = []

    def add(self, path: Path) -> Path:
        """Where to write what will become `path`.

        Raises:
            InputError: The folder cannot be written, or (later, in the block) the disk is full.
        """
        aside = self.enter_context(atomic_path(path))
        self._paths.append(path)
        return aside

    @property
    def paths(self) -> list[Path]:
        """The final names, sorted."""
        return sorted(self._paths)


class FrameCounter:
    """Frames of all people counted together, for progress; `begin` and `end` every one."""

    def __init__(self, scene: Scene, progress: Progress) -> None:
        self._progress, self._done = progress, 0
        self._total = sum(len(sequence) for sequence in scene.sequences)

    def begin(self) -> None:
        """Stop here if the user asked to.

        Raises:
            CancelledError: The user asked to stop.
        """
        check_cancelled(self._progress)

    def end(self) -> None:
        """One more frame is written; frames beyond the scene's own (someone absent) are not counted."""
        self._done = min(self._done + 1, self._total)
        self._progress.step(STAGE, self._done, self._total)


def write_frames(
    scene: Scene, path: Path, write_one: Callable[[Output, FrameFile], None], progress: Progress
) -> list[Path]:
    """Write a scene to one file per mesh.

    Args:
        scene: What to write.
        path: As the user gave it; see `naming` for the files.
        write_one: Writes one mesh to its file, which it adds to the output.
        progress: Told and asked once a frame.

    Returns:
        The files, sorted.
    """
    frames = FrameCounter(scene, progress)
    with Output() as output:
        for file in frame_files(scene, path):
            frames.begin()
            write_one(output, file)
            frames.end()
    return output.paths
