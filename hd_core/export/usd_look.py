"""How the mesh shows in a viewer: the frame projected as a texture, else the colours of the vertices."""

import os
from collections.abc import Iterable
from pathlib import Path

from pxr import Sdf, Usd, UsdShade

from hd_core.export.usd_mesh import MeshPrim


def add_look(stage: Usd.Stage, path: str, mesh: MeshPrim, textures: Iterable[tuple[float, str]]) -> None:
    """Bind a preview material, if there is something for it to show.

    Args:
        stage: Where to.
        path: Path of the material.
        mesh: What wears it; its samples are written.
        textures: Time codes and pictures, as paths relative to the stage; empty without texture.
    """
    shown = list(textures) if mesh.has("uv") else []
    if not shown and not mesh.has("colours"):
        return
    material = UsdShade.Material.Define(stage, path)
    surface = UsdShade.Shader.Define(stage, f"{path}/surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(1.0)
    surface.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(0.0)
    colour = _texture(stage, path, shown) if shown else _vertex_colours(stage, path)
    surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(colour)
    material.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
    UsdShade.MaterialBindingAPI.Apply(mesh.prim).Bind(material)


def relative_asset(texture: Path, stage_path: Path) -> str:
    """A picture's path as the stage beside or above it names it."""
    try:
        relative = os.path.relpath(texture, stage_path.parent)
    except ValueError:  # another drive, on Windows
        return texture.resolve().as_posix()
    name = Path(relative).as_posix()
    return name if name.startswith("../") else f"./{name}"  # a bare name would be looked up on search paths


def _vertex_colours(stage: Usd.Stage, path: str) -> UsdShade.Output:
    return _reader(stage, f"{path}/colours", "displayColor", "UsdPrimvarReader_float3", Sdf.ValueTypeNames.Float3)


def _texture(stage: Usd.Stage, path: str, textures: list[tuple[float, str]]) -> UsdShade.Output:
    where = _reader(stage, f"{path}/uv", "st", "UsdPrimvarReader_float2", Sdf.ValueTypeNames.Float2)
    shader = UsdShade.Shader.Define(stage, f"{path}/picture")
    shader.CreateIdAttr("UsdUVTexture")
    file = shader.CreateInput("file", Sdf.ValueTypeNames.Asset)
    file.Set(Sdf.AssetPath(textures[0][1]))  # for readers that look at one time only
    if len({name for _, name in textures}) > 1:
        for code, name in textures:
            file.Set(Sdf.AssetPath(name), Usd.TimeCode(code))
    shader.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    for axis in ("wrapS", "wrapT"):
        shader.CreateInput(axis, Sdf.ValueTypeNames.Token).Set("clamp")
    shader.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(where)
    return shader.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)


def _reader(stage: Usd.Stage, path: str, primvar: str, shader_id: str, type_name: Sdf.ValueTypeName) -> UsdShade.Output:
    shader = UsdShade.Shader.Define(stage, path)
    shader.CreateIdAttr(shader_id)
    shader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(primvar)
    return shader.CreateOutput("result", type_name)
