"""What a user can choose, stage by stage: defaults and help texts live here and nowhere else.

Imports nothing heavy, so that the command line can show its help at once.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hd_core.errors import UsageError
from hd_core.integrate.options import IntegrateOptions
from hd_core.mesh.options import MeshOptions
from hd_core.pipeline.whom import LARGEST, Whom, parse_whom
from hd_core.predict.options import PredictorOptions


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which pictures of the source are used, and how large."""

    frames: str | None = None
    """Source frames as a:b:step, half-open as in Python; all if omitted."""
    start_frame: int = 1
    """Number of the first output frame."""
    max_side: int | None = None
    """Scale pictures down so that the longer side has at most this many px."""
    fps: str | None = None
    """Frame rate of an image sequence, such as 24 or 30000/1001; a video knows its own."""
    focal_px: float | None = None
    """Focal length in px of the delivered picture; assumed from a phone's main lens if omitted."""
    fov_deg: float | None = None
    """Horizontal field of view in degrees, instead of --focal-px."""


@dataclass(frozen=True, kw_only=True)
class PersonOptions:
    """Whom to reconstruct, and where they are."""

    person: str = LARGEST
    """largest: one person; all: everybody, each an object of its own; an id: that one of all; left,top,width,height:
    the person in that place in the first picture, who is then followed, px."""
    mask: Path | None = None
    """Mask video, folder, pattern or still; otherwise the source's alpha, the maps' own, or the networks."""
    box: tuple[float, float, float, float] | None = None
    """A box that stands still, for the whole clip: left top width height in px. Nobody is looked for: what is in it is
    the person. To follow somebody, give the place to --person."""
    tier: Literal["full", "fast"] = "full"
    """full: fine matte, fingers and hair; fast: coarse pose mask, about ten times quicker."""
    size: int = 512
    """Side of the square crop that the networks see, px; a multiple of 32."""
    margin: float = 0.12
    """Room around the person as a share of the box."""
    crop: Literal["auto", "follow", "fixed"] = "auto"
    """follow: the crop moves with the person; fixed: one for the clip; auto: fixed if the topology is constant."""

    def __post_init__(self) -> None:
        parse_whom(self.person)
        beside = "--mask" if self.mask else "--box" if self.box else ""
        if beside and self.person != LARGEST:
            raise UsageError(
                f"--person {self.person} has people looked for, {beside} says where the one person is.",
                "Give one of the two.",
            )

    @property
    def whom(self) -> Whom:
        """What `person` means."""
        return parse_whom(self.person)


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Who predicts depth and normals."""

    predictor: str = "hdnet"
    """hdnet, onnx, maps, inflate, flat, hdnet_compat, constant, or one that another package adds."""
    settings: PredictorOptions = field(default_factory=PredictorOptions)


@dataclass(frozen=True, kw_only=True)
class SurfaceOptions:
    """How normals become a surface."""

    integrator: str = "bilateral"
    """bilateral, reference (slow), or one that another package adds."""
    settings: IntegrateOptions = field(default_factory=IntegrateOptions)


@dataclass(frozen=True, kw_only=True)
class MeshStageOptions:
    """How a surface becomes a mesh."""

    topology: Literal["varying", "constant"] = "varying"
    """varying: exact silhouette, new triangles each frame; constant: the same displaced grid in every frame."""
    texture: Literal["frames", "atlas", "none"] = "frames"
    """frames: the pictures of the clip, one a frame; atlas: one picture with all crops; none: vertex colours."""
    subject_height_m: float | None = None
    """Body height that sets the scale; needed where the predictor's depth is not metric (then 1.70 is assumed)."""
    settings: MeshOptions = field(default_factory=MeshOptions)

    def __post_init__(self) -> None:
        if self.topology == "constant" and (self.settings.thickness_m or self.settings.keep_ratio != 1):
            raise UsageError(
                "Constant topology has neither a back shell nor decimation.",
                "Leave out --thickness-m and --keep-ratio, or take --topology varying.",
            )


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is written in the end."""

    formats: tuple[str, ...] = ("usdc",)
    """Suffixes: usdc usd abc glb obj ply pc2 npz."""
    passes: bool = False
    """Also write depth, normals and matte as multi-channel EXR, one a frame."""
    bank: bool = False
    """Also write the depth bank that Blender plays, and normal maps of the crop, one a frame."""
    iuv_pictures: bool = False
    """Also write which point of the body every pixel shows as PNGs of whole frames, in DensePose's layout."""
    body_texture: bool = False
    """Also gather the clip's pictures in the charts of the body: one texture a person."""

    @property
    def of_body(self) -> bool:
        """Whether the body has to be found for this."""
        return self.iuv_pictures or self.body_texture


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """How the work is done; no byte of the result depends on it."""

    jobs: int = 0
    """Frames integrated and meshed at a time; 0: one per CPU, up to four; 1: one after the other."""

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise UsageError(f"Found {self.jobs} jobs; expected 0 or more.")
