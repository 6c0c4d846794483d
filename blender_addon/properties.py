# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user chooses in the panel: `scene.hd_human`. Only choices; what a running job says is kept elsewhere."""

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Paths may start at the .blend file; before 4.5 all may."""
SOURCES = (
    ("VIDEO", "Video", "A video file", "FILE_MOVIE", 0),
    ("SEQUENCE", "Images", "A folder of numbered pictures", "RENDERLAYERS", 1),
    ("CLIP", "Movie Clip", "A movie clip that is already in this file", "TRACKER", 2),
)
RANGES = (
    ("ALL", "Whole Clip", "Every frame of the source; the first one plays on the scene's first frame"),
    (
        "SCENE",
        "Scene Range",
        "Only the frames between the scene's start and end. Source frame 1 is scene frame 1; "
        "of a movie clip, its own start frame and offset count",
    ),
)
PREDICTORS = (
    ("hdnet", "Built-in Network", "The network that comes with hd-core"),
    ("maps", "Depth and Normal Maps", "Reads a folder of depth and normal maps that another program made"),
    ("onnx", "ONNX Network", "Any depth or normal network as ONNX, with its card beside it"),
    ("hdnet_compat", "Original HDNet", "The original HDNet, with its own weights"),
    ("inflate", "Inflated Silhouette", "No network: the outline blown up; for a quick look"),
)
QUALITIES = (
    ("DRAFT", "Draft", "Crop of 256 px and a coarse matte: quick, to see whether the clip works"),
    ("STANDARD", "Standard", "Crop of 512 px and a fine matte with fingers and hair"),
    ("HIGH", "High", "Crop of 768 px and a fine matte: about twice the time and disk of Standard"),
    ("CUSTOM", "Custom", "Choose the crop and the matte yourself"),
)
TIERS = (
    ("full", "Fine Matte", "Fingers and hair"),
    ("fast", "Coarse Matte", "Outline of the body only, about ten times quicker"),
)
PEOPLE = (
    ("AUTO", "Largest", "One person: the largest is found and followed"),
    ("BOX", "Box", "State where the person is; the box stands still over the whole clip"),
    ("ALL", "Everyone", "Everybody is found and followed; each becomes an object of its own"),
)
PLAYBACKS = (
    ("BANK", "In the File", "All frames inside the .blend: plays anywhere, also without this add-on"),
    ("USD", "USD Cache", "A small .blend that reads a USD file beside it; exact outline in every frame"),
    ("PC2", "PC2 Cache", "A small .blend that reads a PC2 point cache beside it; one topology for all frames"),
    ("SHAPE_KEYS", "Shape Keys", "A plain mesh with a shape key for each frame; for short clips"),
)
PRECISIONS = (
    ("exact", "Exact", "Depth as it was reconstructed, bit for bit"),
    ("fine", "Compressible", "Depth rounded to 0.06 mm, so that a compressed .blend is far smaller"),
)


class HDHUMAN_PG_settings(bpy.types.PropertyGroup):
    """Choices for the next job of this scene."""

    source: EnumProperty(name="Source", items=SOURCES, default="VIDEO")
    video: StringProperty(
        name="Video", description="Video of one dressed person", subtype="FILE_PATH", options=RELATIVE
    )
    picture: StringProperty(
        name="Images",
        description="The folder of the pictures, or one of them: then those with the same name and other numbers",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    clip: PointerProperty(name="Movie Clip", type=bpy.types.MovieClip, description="Movie clip of one dressed person")
    frames: EnumProperty(name="Frames", items=RANGES, default="ALL")
    predictor: EnumProperty(
        name="Predictor", items=PREDICTORS, default="hdnet", description="Where depth and normals come from"
    )
    maps: StringProperty(
        name="Maps", description="Folder with maps.json and the maps", subtype="DIR_PATH", options=RELATIVE
    )
    weights: StringProperty(
        name="Weights",
        description="File of weights; empty for the predictor's own",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    quality: EnumProperty(name="Quality", items=QUALITIES, default="STANDARD")
    size: IntProperty(
        name="Crop",
        description="Side of the square around the person that the network sees, in pixels; a multiple of 32",
        default=512,
        min=64,
        max=2048,
        step=32,
        subtype="PIXEL",
    )
    tier: EnumProperty(name="Matte", items=TIERS, default="full")
    person: EnumProperty(name="Person", items=PEOPLE, default="AUTO")
    box: IntVectorProperty(
        name="Box",
        description="Left, top, width and height of the box that the person stays in, in pixels from the top left",
        size=4,
        default=(0, 0, 100, 200),
        min=0,
    )
    use_height: BoolProperty(
        name="Subject Height",
        description="State how tall the person is; otherwise the maps' own metres, or 1.70 m, are taken",
        default=False,
    )
    subject_height: FloatProperty(
        name="Subject Height",
        description="How tall the person is: it sets the scale of everything",
        default=1.70,
        min=0.3,
        max=3.0,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    use_fov: BoolProperty(
        name="Field of View",
        description="State the lens; otherwise a phone's main lens is assumed, or that of the maps",
        default=False,
    )
    fov: FloatProperty(
        name="Field of View",
        description="How wide the picture sees, from its left edge to its right one",
        default=1.2,
        min=0.1,
        max=2.8,
        subtype="ANGLE",
        unit="ROTATION",
    )
    output: StringProperty(
        name="Output",
        description="Run folder in which everything is kept; empty for a folder beside the .blend file or the video",
        subtype="DIR_PATH",
        options=RELATIVE,
    )
    start_over: BoolProperty(
        name="Start Over",
        description="Discard what the output folder holds of other settings",
        default=False,
    )
    playback: EnumProperty(name="Playback", items=PLAYBACKS, default="BANK")
    precision: EnumProperty(name="Depth", items=PRECISIONS, default="exact")
    match_scene: BoolProperty(
        name="Match Scene",
        description="Set the scene's frame rate, frame range and resolution to the clip's, and add its camera",
        default=True,
    )
    live_preview: BoolProperty(
        name="Live Preview", description="Show the newest frame in the viewport while the job runs", default=True
    )


CLASSES = (HDHUMAN_PG_settings,)


def register() -> None:
    """Add `scene.hd_human`."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.hd_human = PointerProperty(type=HDHUMAN_PG_settings)


def unregister() -> None:
    """Take it away."""
    del bpy.types.Scene.hd_human
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
