"""What the scene in Blender looks like at a frame, as arrays."""

import bpy
import numpy as np


def set_rate(numerator, denominator):
    """Blender's rate is a whole number over a base."""
    render = bpy.context.scene.render
    render.fps = round(numerator / denominator)
    render.fps_base = render.fps * denominator / numerator


def go_to(frame):
    """Go to a frame, which may be a fraction."""
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=frame - whole)


def meshes():
    """Mesh objects by name."""
    return {thing.name: thing for thing in bpy.context.scene.objects if thing.type == "MESH"}


def shape_at(thing, frame):
    """The evaluated mesh of an object at a frame: world positions, faces, and attributes per corner."""
    go_to(frame)
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    local = _read(mesh.vertices, "co", 3)
    matrix = np.array(evaluated.matrix_world)
    corner_vertices = _read(mesh.loops, "vertex_index", 1, int)[:, 0]
    found = {
        "vertices": local @ matrix[:3, :3].T + matrix[:3, 3],
        "counts": _read(mesh.polygons, "loop_total", 1, int)[:, 0],
        "corners": corner_vertices,
        "face_normals": _read(mesh.polygons, "normal", 3) @ matrix[:3, :3].T,
        "centres": _read(mesh.polygons, "center", 3) @ matrix[:3, :3].T + matrix[:3, 3],
        "normals": _read(mesh.corner_normals, "vector", 3) @ matrix[:3, :3].T,
        "uv": _read(mesh.uv_layers[0].uv, "vector", 2) if mesh.uv_layers else None,
        "colours": None,
    }
    if mesh.color_attributes:
        layer = mesh.color_attributes[0]
        found["domain"], found["kind"] = layer.domain, layer.data_type
        found["colours"] = _read(layer.data, "color", 4)
        found["srgb"] = _read(layer.data, "color_srgb", 4)
    evaluated.to_mesh_clear()
    return found


def render(width, height, folder, *, frame):
    """Bytes of a picture by the scene's own camera: Cycles on the CPU, one ray per pixel through its middle."""
    go_to(frame)
    scene = bpy.context.scene
    (scene.camera,) = (thing for thing in scene.objects if thing.type == "CAMERA")
    settings = scene.render
    settings.engine = "CYCLES"
    settings.resolution_x, settings.resolution_y, settings.resolution_percentage = width, height, 100
    settings.film_transparent, settings.dither_intensity = True, 0.0
    settings.filepath = str(folder / f"{frame}.png")
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples, scene.cycles.filter_width = 1, 0.01
    scene.cycles.use_denoising = False
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(settings.filepath, check_existing=False)
    pixels = np.array(image.pixels).reshape(height, width, 4)
    return np.rint(pixels[::-1] * 255).astype(np.uint8)


def _read(collection, name, width, kind=float):
    values = np.zeros(len(collection) * width, np.float32 if kind is float else np.int32)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)
