"""The run folder: where every file of a job lies, and whether it was made with the options of today.

It is the contract between stages, machines and Blender (docs/run_folder.md). A stage's digest covers its own
options and the digest of the stage before it, so a changed option is noticed by everything downstream.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hd_core import __version__
from hd_core.atomic import disk_error, remove_partials, write_bytes
from hd_core.errors import InputError, UsageError

SCHEMA = 1
STAGES = ("person", "predict", "integrate", "mesh")
"""In the order of the straight line; each reads what the one before it wrote."""
FOLDER_OF_STAGE = {"person": "views", "predict": "maps", "integrate": "surfaces", "mesh": "mesh", "body": "body"}
BESIDE = {"body": "person"}
"""Stages beside the line, which a run may lack, and the stage that each reads."""
IUV_SHEET = "iuv_sheet.png"
"""Some frames, each beside the points of the body that were found in it."""


class RunFolder:
    """One job's folder; the only code that knows file names inside it.

    Args:
        path: The folder; made if missing.
        overwrite: Discard what was made with other options instead of refusing.

    Raises:
        OutputError: The folder cannot be made or written.
        UsageError: It is another program's folder, of a newer schema, or in use by another job.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite
        self._make()
        self._refuse_foreign()
        self._lock = _lock(path / ".lock")
        try:
            remove_partials(path)
            self._state = self._read_state()
        except BaseException:
            self._lock.close()
            raise

    @classmethod
    def existing(cls, path: Path, *, overwrite: bool = False) -> "RunFolder":
        """Open a folder that an earlier command made.

        Raises:
            InputError: There is no run in that folder.
        """
        if not (path / "run.json").is_file():
            raise InputError(f"{path} is not a run folder: it holds no run.json.", "Make one: hd-core predict.")
        return cls(path, overwrite=overwrite)

    def close(self) -> None:
        """Let other jobs use the folder."""
        self._lock.close()

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, stage: str, options: Mapping[str, Any]) -> str:
        """Enter a stage with its options (JSON values) and get its digest.

        Raises:
            UsageError: The folder holds this stage made with other options; the message names them.
            InputError: The stage before it has not been run here.
        """
        known = self._state["stages"].get(stage)
        digest = self._digest(stage, options)
        if known and known["digest"] != digest:
            changed = _changes(known["options"], options) or "an earlier stage"
            if not self._overwrite:
                raise UsageError(
                    f"{self.path} was made with other options ({stage}: {changed}).",
                    "Use another -o, the old options, or --overwrite.",
                )
            self.discard(stage)
        elif not known and stage in BESIDE:
            self.discard(stage)  # what was made without it
        self._state["stages"][stage] = {"options": dict(options), "digest": digest}
        self.write_json("run.json", self._state)
        return digest

    def discard(self, stage: str) -> None:
        """Delete what this stage and all later ones made."""
        people = self.person_ids()
        for later in _with_later(stage):
            self._state["stages"].pop(later, None)
            for person in people:
                shutil.rmtree(self.frame_path(later, person, 0).parent, ignore_errors=True)
        if stage == STAGES[0]:  # other people may be meant next time
            for person in people:
                shutil.rmtree(self.path / f"person{person:02d}", ignore_errors=True)
        for name in _results(stage):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for texture in (self.path / "textures").glob("body.*"):
            texture.unlink()
        (self.path / IUV_SHEET).unlink(missing_ok=True)
        if stage in BESIDE:
            return
        for normal_map in (self.path / "textures").glob("normals.*"):
            normal_map.unlink()
        for name in ("export.json", "manifest.json"):
            (self.path / name).unlink(missing_ok=True)

    def digest(self, stage: str) -> str:
        """Digest of a stage that was run here.

        Raises:
            InputError: It was not.
        """
        try:
            found: str = self._state["stages"][stage]["digest"]
        except KeyError:
            raise InputError(
                f"{self.path} holds no {stage!r} stage yet.", f"Run the {stage!r} stage on it first."
            ) from None
        return found

    def options(self, stage: str) -> dict[str, Any]:
        """Options a stage was run with; empty if it was not."""
        found: dict[str, Any] = self._state["stages"].get(stage, {}).get("options", {})
        return found

    def frame_path(self, stage: str, person_id: int, frame_index: int) -> Path:
        """Record of one person in one source frame."""
        folder = FOLDER_OF_STAGE.get(stage, stage)
        return self.path / f"person{person_id:02d}" / folder / f"{frame_index:06d}.safetensors"

    def frame_indices(self, stage: str, person_id: int) -> list[int]:
        """Source frames of which a stage has written a record, increasing."""
        folder = self.frame_path(stage, person_id, 0).parent
        return sorted(int(path.stem) for path in folder.glob("[0-9]*.safetensors"))

    def person_ids(self) -> list[int]:
        """People with at least one record, increasing."""
        return sorted(int(path.name[6:]) for path in self.path.glob("person[0-9][0-9]*") if path.is_dir())

    def write_json(self, name: str, data: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write a JSON file of the folder atomically; the same data gives the same bytes."""
        write_bytes(self.path / name, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Read a JSON file of the folder.

        Raises:
            InputError: It is missing or not JSON.
        """
        try:
            return json.loads((self.path / name).read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path / name} is missing or damaged.", "Run the job again.") from error

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".partial-probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise disk_error(error, self.path) from error

    def _refuse_foreign(self) -> None:
        if (self.path / "run.json").exists():
            return
        foreign = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
        if foreign:
            raise UsageError(
                f"{self.path} holds other files ({foreign[0]}, ...) and no run.json.",
                "Choose an empty or new folder with -o.",
            )

    def _read_state(self) -> dict[str, Any]:
        if not (self.path / "run.json").exists():
            return {"schema": SCHEMA, "hd_core": __version__, "stages": {}}
        state: dict[str, Any] = self.read_json("run.json")
        if state.get("schema") != SCHEMA:
            raise UsageError(
                f"{self.path} has schema {state.get('schema')}; this hd_core reads {SCHEMA}.",
                "Use the hd_core that made it, or another -o.",
            )
        return state

    def _digest(self, stage: str, options: Mapping[str, Any]) -> str:
        before = _before(stage)
        upstream = self.digest(before) if before else ""
        text = json.dumps([SCHEMA, stage, upstream, options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _before(stage: str) -> str | None:
    """The stage whose records a stage reads."""
    if stage in BESIDE:
        return BESIDE[stage]
    place = STAGES.index(stage)
    return STAGES[place - 1] if place else None


def _with_later(stage: str) -> list[str]:
    """A stage and all that rest on it."""
    if stage in BESIDE:
        return [stage]
    later = list(STAGES[STAGES.index(stage) :])
    return later + [name for name, before in BESIDE.items() if before in later]


def _results(stage: str) -> tuple[str, ...]:
    """Folders of results that go when a stage is made again."""
    if stage in BESIDE:
        return ("passes", "iuv")
    return ("export", "passes", "bank", *(("textures", "iuv") if stage == "person" else ()))


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return ", ".join(f"{name} was {old.get(name)!r}, now {new.get(name)!r}" for name in names)


def _lock(path: Path) -> Any:  # noqa: ANN401 - an open file
    """Hold the folder until the process ends, however it ends."""
    stream = path.open("w")
    try:
        import fcntl  # noqa: PLC0415 - absent on Windows, where two jobs on one folder are not detected
    except ImportError:
        return stream
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise UsageError(f"{path.parent} is in use by another job.", "Wait for it, or use another -o.") from None
    return stream
