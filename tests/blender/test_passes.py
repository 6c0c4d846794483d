"""EXR passes in real Blender: the compositor finds each under its name."""

import bpy


def passes(path):
    """Outputs of the compositor's Image node by name."""
    group = bpy.data.node_groups.new("passes", "CompositorNodeTree")
    node = group.nodes.new("CompositorNodeImage")
    node.image = bpy.data.images.load(str(path))
    found = {socket.name: socket.type for socket in node.outputs if socket.enabled}
    assert node.image.type == "MULTILAYER"
    return found


def test_depth_normals_matte_and_confidence_have_their_names(exports):
    found = passes(exports / "passes.exr")
    del found["Combined"]  # the compositor's node always has it
    assert found == {"Depth": "VALUE", "N": "VECTOR", "Alpha": "VALUE", "confidence": "VALUE"}


def test_the_beauty_is_the_combined_pass_and_the_correspondence_a_vector(exports):
    found = passes(exports / "passes_beauty.exr")
    assert found["Combined"] == "RGBA"
    assert found["uv"] == "VECTOR"
