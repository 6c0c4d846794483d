"""The rasteriser: nearest triangle, perspective-correct barycentric coordinates and depth at every pixel centre.

A z-buffer over edge functions (Pineda 1988) with the top-left fill rule, in exact integers (see `screen`). Of
surfaces at the same depth (as float32) the face with the smaller number is seen, so the picture does not depend on
the order in which triangles are drawn.
"""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

import numpy as np
from jaxtyping import Float, Int

from hd_core.compiled import compiled
from hd_core.synth.raster.fragments import AlphaTest, Fragments, check_alpha_test, check_mesh
from hd_core.synth.raster.screen import GRID_BITS, HALF, NEAR_M, ONE, to_screen
from hd_core.types import Camera


def rasterise(
    positions: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    camera: Camera,
    *,
    near: float = NEAR_M,
    cull_back: bool = False,
    alpha_test: AlphaTest | None = None,
) -> Fragments:
    """Find the nearest surface behind every pixel centre.

    Args:
        positions: Vertices in camera axes, metres.
        faces: Rows of `positions`; front faces wind counter-clockwise as the camera sees them.
        camera: At most 8192 px wide and high.
        near: Nothing nearer than this is drawn, metres along +z.
        cull_back: Whether faces seen from behind are left out.
        alpha_test: Holes in faces.

    Raises:
        InputError: The mesh cannot be drawn, the alpha test is of another mesh, or the picture is too large.
    """
    check_mesh(positions, faces)
    check_alpha_test(alpha_test, len(faces))
    exact = np.ascontiguousarray(positions, dtype=np.float64)
    screen = to_screen(exact, np.ascontiguousarray(faces, dtype=np.int32), camera, near=near)
    triangles = (screen.corner, screen.inverse_depth, screen.triangles, screen.owner, screen.cut, screen.weights)
    depth, winner = draw(*triangles, camera.height, camera.width, cull_back, *alpha_arrays(alpha_test))
    face, barycentric = resolve(*triangles, winner, depth)
    return Fragments(face=face, barycentric=barycentric, depth=depth)


def alpha_arrays(alpha_test: AlphaTest | None) -> tuple[np.ndarray, np.ndarray, int]:
    """An alpha test as kernels take it; no uv rows if there is none."""
    if alpha_test is None:
        return np.zeros((0, 3, 2)), np.zeros((1, 1), np.uint8), 0
    uv = np.ascontiguousarray(alpha_test.uv, dtype=np.float64)
    return uv, np.ascontiguousarray(alpha_test.texture), alpha_test.threshold


@compiled
def pixel_span(low: int, high: int, size: int) -> tuple[int, int]:
    """First and last pixel whose centre lies between two grid positions; first > last if none does."""
    return max((low + HALF - 1) >> GRID_BITS, 0), min((high - HALF) >> GRID_BITS, size - 1)


@compiled
def edge(ax: int, ay: int, bx: int, by: int, sign: int, x: int, y: int) -> tuple[int, int, int, int]:
    """Edge function at a grid position, its steps per pixel to the right and down, and its fill rule.

    It is positive on the inner side. The last number is 0 for a top or left edge, whose own points are inside, and
    1 for the others.
    """
    dx, dy = sign * (bx - ax), sign * (by - ay)
    value = dx * (y - ay) - dy * (x - ax)
    rule = 0 if dy < 0 or (dy == 0 and dx > 0) else 1
    return value, -dy * ONE, dx * ONE, rule


@compiled
def draw(
    corner: np.ndarray,
    inverse: np.ndarray,
    triangles: np.ndarray,
    owner: np.ndarray,
    cut: np.ndarray,
    weights: np.ndarray,
    height: int,
    width: int,
    cull_back: bool,  # noqa: FBT001 - kernels have no keywords
    uv: np.ndarray,
    texture: np.ndarray,
    threshold: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Depth (NaN where empty) and the number of the triangle seen (-1) at every pixel centre."""
    depth = np.full((height, width), np.inf, np.float32)
    winner = np.full((height, width), -1, np.int32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by = corner[a, 0], corner[a, 1], corner[b, 0], corner[b, 1]
        cx, cy = corner[c, 0], corner[c, 1]
        left, right = pixel_span(min(ax, bx, cx), max(ax, bx, cx), width)
        top, bottom = pixel_span(min(ay, by, cy), max(ay, by, cy), height)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if left > right or top > bottom or area == 0 or (cull_back and area > 0):
            continue
        sign = 1 if area > 0 else -1
        x, y = left * ONE + HALF, top * ONE + HALF
        wa, wa_right, wa_down, rule_a = edge(bx, by, cx, cy, sign, x, y)
        wb, wb_right, wb_down, rule_b = edge(cx, cy, ax, ay, sign, x, y)
        wc, wc_right, wc_down, rule_c = edge(ax, ay, bx, by, sign, x, y)
        za, zb, zc, whole = inverse[a], inverse[b], inverse[c], float(sign * area)
        for row in range(top, bottom + 1):
            ra, rb, rc = wa, wb, wc
            for column in range(left, right + 1):
                if ((ra - rule_a) | (rb - rule_b) | (rc - rule_c)) >= 0:
                    z = np.float32(whole / (float(ra) * za + float(rb) * zb + float(rc) * zc))
                    if z < depth[row, column] and not (
                        uv.shape[0] > 0
                        and is_hole(
                            float(ra) * za,
                            float(rb) * zb,
                            float(rc) * zc,
                            t,
                            owner,
                            cut,
                            weights,
                            uv,
                            texture,
                            threshold,
                        )
                    ):
                        depth[row, column], winner[row, column] = z, t
                ra, rb, rc = ra + wa_right, rb + wb_right, rc + wc_right
            wa, wb, wc = wa + wa_down, wb + wb_down, wc + wc_down
    return depth, winner


@compiled
def barycentric_of(
    sa: float, sb: float, sc: float, t: int, cut: np.ndarray, weights: np.ndarray
) -> tuple[float, float, float]:
    """Barycentric coordinates in the face from edge functions over depths; through the piece if it was cut."""
    total = sa + sb + sc
    a, b, c = sa / total, sb / total, sc / total
    if cut[t] < 0:
        return a, b, c
    m = weights[cut[t]]
    return (
        a * m[0, 0] + b * m[1, 0] + c * m[2, 0],
        a * m[0, 1] + b * m[1, 1] + c * m[2, 1],
        a * m[0, 2] + b * m[1, 2] + c * m[2, 2],
    )


@compiled
def is_hole(
    sa: float,
    sb: float,
    sc: float,
    t: int,
    owner: np.ndarray,
    cut: np.ndarray,
    weights: np.ndarray,
    uv: np.ndarray,
    texture: np.ndarray,
    threshold: int,
) -> bool:
    """Whether the alpha test removes this point of a triangle."""
    corners = uv[owner[t]]
    if np.isnan(corners[0, 0]):
        return False
    a, b, c = barycentric_of(sa, sb, sc, t, cut, weights)
    u = a * corners[0, 0] + b * corners[1, 0] + c * corners[2, 0]
    v = a * corners[0, 1] + b * corners[1, 1] + c * corners[2, 1]
    rows, columns = texture.shape
    column = int(np.floor(min(max(u, 0.0), 1.0) * columns))
    row = int(np.floor((1.0 - min(max(v, 0.0), 1.0)) * rows))
    return bool(texture[min(row, rows - 1), min(column, columns - 1)] < threshold)


@compiled
def resolve(
    corner: np.ndarray,
    inverse: np.ndarray,
    triangles: np.ndarray,
    owner: np.ndarray,
    cut: np.ndarray,
    weights: np.ndarray,
    winner: np.ndarray,
    depth: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Face and barycentric coordinates of every pixel's triangle; makes the depth of empty pixels NaN."""
    height, width = winner.shape
    face = np.empty((height, width), np.int32)
    barycentric = np.empty((height, width, 3), np.float32)
    for row in range(height):
        for column in range(width):
            t = winner[row, column]
            if t < 0:
                face[row, column] = -1
                depth[row, column] = np.nan
                barycentric[row, column, 0] = barycentric[row, column, 1] = barycentric[row, column, 2] = 0.0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ax, ay, bx, by = corner[a, 0], corner[a, 1], corner[b, 0], corner[b, 1]
            cx, cy = corner[c, 0], corner[c, 1]
            sign = 1 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1
            x, y = column * ONE + HALF, row * ONE + HALF
            sa = float(edge(bx, by, cx, cy, sign, x, y)[0]) * inverse[a]
            sb = float(edge(cx, cy, ax, ay, sign, x, y)[0]) * inverse[b]
            sc = float(edge(ax, ay, bx, by, sign, x, y)[0]) * inverse[c]
            face[row, column] = owner[t]
            wa, wb, wc = barycentric_of(sa, sb, sc, t, cut, weights)
            barycentric[row, column, 0], barycentric[row, column, 1], barycentric[row, column, 2] = wa, wb, wc
    return face, barycentric
