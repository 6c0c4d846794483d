"""What can be said about a normal map of anybody's; imports nothing heavy, as the command line's help is made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class NormalMapOptions:
    """How a normal map that is no run folder is read, and where its surface goes."""

    mask: Path | None = None
    """Mask of a normal map; where its normals are of unit length if omitted."""
    depth_prior: Path | None = None
    """Depth of a normal map (EXR, PNG, NPY, NPZ), in the unit of the result; along z."""
    camera: str = "orthographic"
    """Camera of a normal map: orthographic, a focal length in px, or a text file with K (pixel centres at .5)."""
    axes: Literal["opengl", "opencv"] = "opengl"
    """Axes of a normal map: opengl has y up and z to the viewer (mostly blue), opencv y down and z away."""
    pixel_width: float = 1.0
    """Width of an orthographic pixel, in the unit of the result."""
    output: Path | None = None
    """Surface of a normal map: .ply .glb .obj .exr ...; beside the normals, as .ply, if omitted."""
