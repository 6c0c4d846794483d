# SPDX-License-Identifier: GPL-3.0-or-later
"""The Geometry Nodes tree that plays a bank.

It needs neither the add-on nor any file: the frame of the scene picks a row of depths out of the cloud
(`bank_object`), every grid vertex goes that far along its camera ray, and quads that are not there are deleted.
"""

import bpy

from .bank_object import CLIP, RIMS, SIZES, UV_NAMES, VIEW_POINTS, VIEWS
from .node_tree import Formula, output

NEAREST_M = 0.01
"""Depth that no setting goes below, so that nothing turns over behind the camera."""
LEVEL_M = 1e-5
"""Corners of a cell that differ by less are equally far."""
COINCIDENT_M = 1e-6
"""Front and walls of a shell are joined where they are the same point."""
STEPS_INWARDS = 6
"""How often texture coordinates are averaged to get away from the outline, by about two pixels."""

Socket = bpy.types.NodeSocket


class PlayerTree:
    """Writes the tree; every method is one step of it.

    Args:
        tree: Empty, with its sockets declared.
    """

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.formula = Formula(tree)
        self.inputs = {socket.name: socket for socket in tree.nodes.new("NodeGroupInput").outputs}
        self.end = tree.nodes.new("NodeGroupOutput")
        self.cloud = output(self.formula.node("GeometryNodeObjectInfo", {"Object": self.inputs["Bank"]}), "Geometry")
        self.position = output(self.formula.node("GeometryNodeInputPosition"))
        self.index = output(self.formula.node("GeometryNodeInputIndex"))

    def write(self) -> None:
        """Everything from the frame of the scene to the finished mesh."""
        f = self.formula
        f.section("Which frame of the clip")
        self.num_points, self.num_quads, self.num_frames = f.parts(self._look_up(SIZES))
        frame, outside = self._frame()
        f.section("Its camera")
        first_view = f.whole("MULTIPLY_ADD", frame, VIEW_POINTS, VIEWS)
        view = [self._look_up(f.whole("ADD", first_view, number)) for number in range(VIEW_POINTS)]
        kept_start = f.whole("MULTIPLY_ADD", self.num_frames, VIEW_POINTS, VIEWS)
        rows = f.whole("DIVIDE_CEIL", f.whole("DIVIDE_CEIL", self.num_frames, 24), 3)
        steps_start = f.whole("MULTIPLY_ADD", rows, self.num_quads, kept_start)
        depth_start = f.whole("MULTIPLY_ADD", rows, self.num_quads, steps_start)
        grid = self._displaced(frame, depth_start, view)
        gone = self._unset(frame, kept_start)
        shape = self._cut(grid, gone, f.parts(view[4])[2])
        shape = self._filled(grid, shape, self._unset(frame, steps_start), f.parts(view[5])[0])
        shape, is_wall = self._closed(self._adjusted(shape))
        shape = self._with_uv(shape, is_wall, view)
        hidden = f.math("GREATER_THAN", outside, self.inputs["Hold Ends"])
        none = output(f.node("GeometryNodeJoinGeometry"))
        f.put(self.end.inputs["Geometry"], f.choose("GEOMETRY", hidden, shape, none))

    def _look_up(self, index: Socket | int) -> Socket:
        """Three numbers of the cloud."""
        inputs = {"Geometry": self.cloud, "Value": self.position, "Index": index}
        return output(self.formula.node("GeometryNodeSampleIndex", inputs, data_type="FLOAT_VECTOR", domain="POINT"))

    def _frame(self) -> tuple[Socket, Socket]:
        """Position in the clip, and whether the scene's frame lies outside of it (1 or 0)."""
        f = self.formula
        # whole frames only: a renderer that looks between frames for motion blur shall not find another mesh
        now = f.math("ROUND", output(f.node("GeometryNodeInputSceneTime"), "Frame"))
        since = f.math("SUBTRACT", now, self.inputs["Start Frame"])
        wanted = f.math("MULTIPLY_ADD", since, self.inputs["Speed"], self.inputs["Frame Offset"])
        wanted = f.math("FLOOR", f.math("ADD", wanted, 0.001))  # a third of a frame, three times, is one
        last = f.math("SUBTRACT", self.num_frames, 1.0)
        backwards = f.math("LESS_THAN", self.inputs["Speed"], 0.0)
        wanted = f.math("MULTIPLY_ADD", backwards, last, wanted)
        shown = f.math("MINIMUM", f.math("MAXIMUM", wanted, 0.0), last)
        outside = f.math("COMPARE", wanted, shown, 0.5)
        return output(f.node("FunctionNodeFloatToInt", {"Float": shown}, rounding_mode="ROUND")), f.math(
            "SUBTRACT", 1.0, outside
        )

    def _number_of(self, start: Socket, row_length: Socket, row: Socket) -> Socket:
        """A number per element: row `row` of a table with three rows a point."""
        f = self.formula
        block = f.whole("DIVIDE_FLOOR", row, 3)
        column = f.whole("SUBTRACT", row, f.whole("MULTIPLY", block, 3))
        pick = f.together(*(f.math("COMPARE", column, float(k), 0.5) for k in range(3)))
        first = f.whole("MULTIPLY_ADD", block, row_length, start)
        return f.dot(self._look_up(f.whole("ADD", first, self.index)), pick)

    def _displaced(self, frame: Socket, start: Socket, view: list[Socket]) -> Socket:
        """The grid with every vertex at its depth; rims drawn to their place."""
        f = self.formula
        f.section("Depth of every vertex")
        value = self._number_of(start, self.num_points, frame)
        rim = f.math("MAXIMUM", f.math("MULTIPLY", value, -1.0), 0.0)
        rim_depth = f.math("MULTIPLY", f.math("FRACT", rim), 64.0)
        depth = f.math("ADD", f.math("MAXIMUM", value, 0.0), rim_depth)
        f.section("Place along its ray")
        kind = f.math("MULTIPLY_ADD", f.math("LESS_THAN", value, 0.0), f.math("ADD", f.math("FLOOR", rim), 1.0), RIMS)
        shift = self._look_up(kind)
        ray = f.vector("MULTIPLY_ADD", f.vector("ADD", self.position, shift), view[0], view[1])
        inputs = {"Geometry": self.inputs["Geometry"], "Position": f.scaled(ray, depth)}
        return output(f.node("GeometryNodeSetPosition", inputs))

    def _unset(self, frame: Socket, start: Socket) -> Socket:
        """Whether a quad's bit of this frame is 0, in the table that begins at a point of the cloud."""
        f = self.formula
        f.section("Quads of this frame")
        block = f.whole("DIVIDE_FLOOR", frame, 24)
        bit = f.whole("SUBTRACT", frame, f.whole("MULTIPLY", block, 24))
        bits = self._number_of(start, self.num_quads, block)
        shifted = f.math("MULTIPLY", bits, f.math("POWER", 0.5, f.math("ADD", bit, 1.0)))
        return f.math("LESS_THAN", f.math("FRACT", shifted), 0.5)

    def _cut(self, grid: Socket, gone: Socket, pixel: Socket) -> Socket:
        """The grid without the quads that are not there, and those that are stretched too far."""
        f = self.formula
        f.section("Cut threshold")
        ends = f.node("GeometryNodeInputMeshEdgeVertices")
        first, second = output(ends, "Position 1"), output(ends, "Position 2")
        length = output(f.node("ShaderNodeVectorMath", operation="LENGTH"), "Value")
        f.put(length.node.inputs["Vector"], f.vector("SUBTRACT", first, second))
        nearest = f.math("MINIMUM", f.parts(first)[1], f.parts(second)[1])
        limit = f.math("MULTIPLY", f.math("MULTIPLY", nearest, pixel), self.inputs["Cut Threshold"])
        # a face counts as short if all its edges do
        short = self._on("EDGE", "BOOLEAN", f.math("LESS_THAN", length, limit))
        long = output(f.node("FunctionNodeBooleanMath", {"Boolean": short}, operation="NOT"))
        either = f.node("FunctionNodeBooleanMath", operation="OR")
        f.put(either.inputs[0], gone)
        f.put(either.inputs[1], long)
        selection = f.choose("BOOLEAN", self.inputs["Cut Threshold"], gone, output(either))
        inputs = {"Geometry": grid, "Selection": selection}
        return output(f.node("GeometryNodeDeleteGeometry", inputs, domain="FACE", mode="ALL"))

    def _filled(self, grid: Socket, shape: Socket, no_step: Socket, num_steps: Socket) -> Socket:
        """With the surface behind every depth step continued below the one before it, by one pixel.

        The near corners of such a cell take the mean depth of the far corners around them; far is what lies deeper
        than the mean of the cells around it.
        """
        f = self.formula
        f.section("Fill gaps")
        inputs = {"Geometry": grid, "Selection": no_step}
        strips = output(f.node("GeometryNodeSeparateGeometry", inputs, domain="FACE"), "Inverted")
        depth = f.parts(self.position)[1]
        middle = self._on("FACE", "FLOAT", depth)
        far = self._on("POINT", "FLOAT", f.math("GREATER_THAN", depth, f.math("SUBTRACT", middle, LEVEL_M)))
        sum_of_far = self._on("FACE", "FLOAT", self._on("POINT", "FLOAT", f.math("MULTIPLY", far, depth)))
        num_far = self._on("FACE", "FLOAT", far)
        behind = f.math("MAXIMUM", f.math("DIVIDE", sum_of_far, f.math("MAXIMUM", num_far, 0.01)), depth)
        away = f.math("MULTIPLY", f.math("SUBTRACT", 1.0, far), f.math("SUBTRACT", behind, depth))
        inputs = {"Geometry": strips, "Offset": f.scaled(self.position, f.math("DIVIDE", away, depth))}
        both = f.node("GeometryNodeJoinGeometry", {"Geometry": output(f.node("GeometryNodeSetPosition", inputs))})
        f.put(both.inputs["Geometry"], shape)
        wanted = f.math("MULTIPLY", self.inputs["Fill Gaps"], num_steps)
        return f.choose("GEOMETRY", wanted, shape, output(both))

    def _adjusted(self, shape: Socket) -> Socket:
        """Smoothed, and with another relief; both move vertices along their rays only."""
        f = self.formula
        f.section("Smoothing and depth scale")
        depth = f.parts(self.position)[1]
        inner = output(f.node("FunctionNodeBooleanMath", {"Boolean": self._open_edges()}, operation="NOT"))
        blurred = output(
            f.node(
                "GeometryNodeBlurAttribute",
                {"Value": depth, "Iterations": self.inputs["Smoothing"], "Weight": inner},
                data_type="FLOAT",
            )
        )
        mean = f.parts(self._look_up(CLIP))[0]
        smooth = f.choose("FLOAT", self.inputs["Smoothing"], depth, blurred)
        relief = f.math("SUBTRACT", smooth, mean)
        wanted = f.math("MULTIPLY_ADD", relief, self.inputs["Depth Scale"], mean)
        factor = f.math("DIVIDE", f.math("MAXIMUM", wanted, NEAREST_M), depth)
        inputs = {"Geometry": shape, "Position": f.scaled(self.position, factor)}
        moved = output(f.node("GeometryNodeSetPosition", inputs))
        off = f.math("COMPARE", self.inputs["Depth Scale"], 1.0, 1e-6)
        on = f.math("ADD", f.math("SUBTRACT", 1.0, off), self.inputs["Smoothing"])
        return f.choose("GEOMETRY", on, shape, moved)

    def _closed(self, shape: Socket) -> tuple[Socket, Socket]:
        """With a back and walls; and which faces are walls."""
        f = self.formula
        f.section("Thickness")
        front = self._joined(shape)
        extruded = f.node("GeometryNodeExtrudeMesh", {"Mesh": front, "Offset Scale": 0.0, "Individual": False})
        distance = output(f.node("ShaderNodeVectorMath", {"Vector": self.position}, operation="LENGTH"), "Value")
        away = f.scaled(self.position, f.math("DIVIDE", self.inputs["Thickness"], distance))
        inputs = {"Geometry": output(extruded, "Mesh"), "Selection": output(extruded, "Top"), "Offset": away}
        back = output(f.node("GeometryNodeSetPosition", inputs))
        # flat walls keep the bend at the outline out of the normals of the front
        inputs = {"Geometry": back, "Selection": output(extruded, "Side"), "Shade Smooth": False}
        back = output(f.node("GeometryNodeSetShadeSmooth", inputs, domain="FACE"))
        back = output(f.node("GeometryNodeFlipFaces", {"Mesh": back}))
        both = f.node("GeometryNodeJoinGeometry", {"Geometry": back})
        f.put(both.inputs["Geometry"], front)
        whole = self._joined(output(both))
        return f.choose("GEOMETRY", self.inputs["Thickness"], shape, whole), output(extruded, "Side")

    def _joined(self, shape: Socket) -> Socket:
        """With open edges that lie on each other made one."""
        inputs = {"Geometry": shape, "Selection": self._open_edges(), "Distance": COINCIDENT_M}
        return output(self.formula.node("GeometryNodeMergeByDistance", inputs))

    def _with_uv(self, shape: Socket, is_wall: Socket, view: list[Socket]) -> Socket:
        """With texture coordinates: a place in the picture follows from the ray alone.

        Half of a pixel on the outline is backdrop. Walls would draw it out into stripes; they show pixels further in.
        """
        f = self.formula
        f.section("Texture coordinates")
        x, y, z = f.parts(self.position)
        ray_x, ray_z = f.math("DIVIDE", x, y), f.math("DIVIDE", z, y)
        scale, offset, crop_offset = f.parts(view[2]), f.parts(view[3]), f.parts(view[4])
        frame_uv = f.together(
            f.math("MULTIPLY_ADD", ray_x, scale[0], offset[0]), f.math("MULTIPLY_ADD", ray_z, scale[1], offset[1])
        )
        crop_uv = f.together(
            f.math("MULTIPLY_ADD", ray_x, scale[2], crop_offset[0]),
            f.math("MULTIPLY_ADD", ray_z, offset[2], crop_offset[1]),
        )
        inputs = {"Geometry": shape, "Name": UV_NAMES[0], "Value": self._on("POINT", "FLOAT_VECTOR", frame_uv)}
        shape = output(f.node("GeometryNodeStoreNamedAttribute", inputs, data_type="FLOAT2", domain="CORNER"))
        inputs = {"Value": frame_uv, "Iterations": STEPS_INWARDS}
        inner = output(f.node("GeometryNodeBlurAttribute", inputs, data_type="FLOAT_VECTOR"))
        inputs = {"Name": UV_NAMES[0], "Value": self._on("POINT", "FLOAT_VECTOR", inner)}
        inputs |= {"Geometry": shape, "Selection": is_wall}
        walls = output(f.node("GeometryNodeStoreNamedAttribute", inputs, data_type="FLOAT2", domain="CORNER"))
        shape = f.choose("GEOMETRY", self.inputs["Thickness"], shape, walls)
        inputs = {"Geometry": shape, "Name": UV_NAMES[1], "Value": crop_uv}
        # three numbers: readers of exported files take two for another UV map
        return output(f.node("GeometryNodeStoreNamedAttribute", inputs, data_type="FLOAT_VECTOR", domain="POINT"))

    def _open_edges(self) -> Socket:
        """Edges with a face on one side only; points of such edges."""
        f = self.formula
        faces = output(f.node("GeometryNodeInputMeshEdgeNeighbors"))
        return self._on("EDGE", "BOOLEAN", f.math("COMPARE", faces, 1.0, 0.5))

    def _on(self, domain: str, kind: str, value: Socket) -> Socket:
        """A value computed per point, edge or face, whatever it is used on."""
        return output(self.formula.node("GeometryNodeFieldOnDomain", {"Value": value}, domain=domain, data_type=kind))
