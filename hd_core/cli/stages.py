"""`hd-core integrate`, `mesh` and `export`: the later stages, each on a run folder that an earlier one left."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.pipeline.normal_map_options import NormalMapOptions
from hd_core.pipeline.options import ExportOptions, MeshStageOptions, SurfaceOptions, WorkOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk

Run = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class Integrate:
    """From maps to normal-integrated surfaces; or from one normal map of anybody's to a surface."""

    folder: Run
    """Run folder with maps, or a normal map: a PNG, EXR, NPY or NPZ file."""
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    normal_map: NormalMapOptions = field(default_factory=NormalMapOptions)
    overwrite: bool = False
    """Discard surfaces that were made with other options."""
    work: WorkOptions = field(default_factory=WorkOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the stage."""
        if self.folder.is_file():
            from hd_core.pipeline.normal_map import integrate_normal_map  # noqa: PLC0415 - keeps --help quick

            path = integrate_normal_map(self.folder, self.normal_map, self.surface)
            talk.say(f"surface        {path}", path=str(path))
            return
        from hd_core.pipeline.line import integrate_run  # noqa: PLC0415 - keeps --help quick

        integrate_run(self.folder, self.surface, work=self.work, progress=talk, overwrite=self.overwrite)
        talk.say(f"Surfaces are in {self.folder}; go on with: hd-core mesh {self.folder}")


@dataclass(frozen=True, kw_only=True)
class MeshCommand:
    """From surfaces to silhouette-safe meshes in metres."""

    folder: Run
    """Run folder with surfaces."""
    mesh: MeshStageOptions = field(default_factory=MeshStageOptions)
    overwrite: bool = False
    """Discard meshes that were made with other options."""
    work: WorkOptions = field(default_factory=WorkOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the stage."""
        from hd_core.pipeline.line import mesh_run  # noqa: PLC0415 - keeps --help quick

        mesh_run(self.folder, self.mesh, work=self.work, progress=talk, overwrite=self.overwrite)
        talk.say(f"Meshes are in {self.folder}; go on with: hd-core export {self.folder} --formats usdc")


@dataclass(frozen=True, kw_only=True)
class Export:
    """From meshes to animated files, report and manifest."""

    folder: Run
    """Run folder with meshes."""
    export: ExportOptions = field(default_factory=ExportOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Do the stage."""
        from hd_core.pipeline.line import export_stage  # noqa: PLC0415 - keeps --help quick

        for path in export_stage(self.folder, self.export, progress=talk):
            talk.say(f"mesh           {path}", path=str(path))
        if self.export.bank:
            for path in sorted((self.folder / "bank").glob("person*.safetensors")):
                talk.say(f"depth bank     {path}", path=str(path))
