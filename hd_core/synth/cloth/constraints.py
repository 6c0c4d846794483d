"""From a triangle mesh to springs and hinges: who is tied to whom, how stiffly, and in which order.

The order is that of a greedy graph colouring: constraints of one colour share no vertex, so their order cannot
matter, and a colour could be solved side by side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hd_core.compiled import compiled
from hd_core.mesh.faces import boundary_edges

SMALLEST_AREA_M2 = 1e-12
STEEPEST_COTANGENT = 20.0
HEM_STIFFNESS = 8.0
"""A hem is cloth laid double: twice as thick, eight times as stiff."""
CORNER_COSINE = 0.7
"""Where an edge turns more sharply than this at rest it has a corner, which stays."""


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """The geometry behind a cloth's forces; the fabric adds its constants.

    Args:
        edges: Ends of every edge, sorted by colour.
        lengths: Their lengths at rest, metres.
        edge_shapes: Compliance of an edge for a cloth of compliance 1; no unit.
        edge_colours: Where each colour starts in `edges`, and the end.
        hinges: Two ends of an inner edge and the two vertices opposite to it, sorted by colour.
        hinge_weights: Their weights in the curvature that the hinge resists, 1/m.
        hinge_colours: Where each colour starts in `hinges`, and the end.
        areas: Share of the surface that each vertex stands for, m^2.
    """

    edges: Int[np.ndarray, "e 2"]
    lengths: Float[np.ndarray, " e"]
    edge_shapes: Float[np.ndarray, " e"]
    edge_colours: Int[np.ndarray, " _"]
    hinges: Int[np.ndarray, "k 4"]
    hinge_weights: Float[np.ndarray, "k 4"]
    hinge_colours: Int[np.ndarray, " _"]
    areas: Float[np.ndarray, " g"]


def build_constraints(
    rest: Float[np.ndarray, "g 3"], faces: Int[np.ndarray, "f 3"], *, hem_m: float = 0.0
) -> Constraints:
    """Springs along the edges and hinges across them.

    A spring is as stiff as its two triangles are large over its length squared (Van Gelder 1998, "Approximate
    simulation of elastic membranes by triangulated spring meshes"), so the cloth is the same on a finer mesh.
    A hinge resists the mean curvature, linear in the positions (Bergou, Wardetzky, Harmon, Zorin, Grinspun 2006,
    "A quadratic bending model for inextensible surfaces"); it lies flat at rest, like the panels clothes are cut
    from. Along the cloth's edges a hem of width `hem_m` resists their curvature in the same way.
    """
    rest = np.asarray(rest, np.float64)
    corner = rest[faces]
    areas = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=-1) / 2
    edges, of_half = _unique_edges(faces, len(rest))
    beside = np.bincount(of_half, np.tile(areas, 3), minlength=len(edges))
    lengths = np.linalg.norm(rest[edges[:, 0]] - rest[edges[:, 1]], axis=-1)
    shapes = lengths**2 / np.maximum(beside, SMALLEST_AREA_M2)
    hinges, weights = _hinges(rest, faces, areas, edges, of_half)
    if hem_m > 0:
        ends, stiff = _hems(rest, faces, hem_m)
        hinges, weights = np.concatenate([hinges, ends]), np.concatenate([weights, stiff])
    edge_order, edge_colours = _colour(edges, len(rest))
    hinge_order, hinge_colours = _colour(hinges, len(rest))
    return Constraints(
        edges=np.ascontiguousarray(edges[edge_order], dtype=np.int32),
        lengths=lengths[edge_order],
        edge_shapes=shapes[edge_order],
        edge_colours=edge_colours,
        hinges=np.ascontiguousarray(hinges[hinge_order], dtype=np.int32),
        hinge_weights=np.ascontiguousarray(weights[hinge_order]),
        hinge_colours=hinge_colours,
        areas=np.bincount(faces.T.ravel(), np.tile(areas / 3, 3), minlength=len(rest)),
    )


def _unique_edges(
    faces: Int[np.ndarray, "f 3"], num_vertices: int
) -> tuple[Int[np.ndarray, "e 2"], Int[np.ndarray, " h"]]:
    """Every edge once, and the edge of every half-edge: those opposite corner 0 of all faces, then 1, then 2."""
    ends = np.concatenate([faces[:, [1, 2]], faces[:, [2, 0]], faces[:, [0, 1]]]).astype(np.int64)
    ends.sort(axis=1)
    keys, of_half = np.unique(ends[:, 0] * num_vertices + ends[:, 1], return_inverse=True)
    return np.stack([keys // num_vertices, keys % num_vertices], axis=1), of_half.ravel()


def _hinges(
    rest: Float[np.ndarray, "g 3"],
    faces: Int[np.ndarray, "f 3"],
    areas: Float[np.ndarray, " f"],
    edges: Int[np.ndarray, "e 2"],
    of_half: Int[np.ndarray, " h"],
) -> tuple[Int[np.ndarray, "k 4"], Float[np.ndarray, "k 4"]]:
    """Pairs of triangles at an edge, and the rows of the curvature operator that belong to them."""
    opposite, beside = faces.T.ravel().astype(np.int64), np.tile(areas, 3)
    order = np.argsort(of_half, kind="stable")
    pair = np.flatnonzero(of_half[order][1:] == of_half[order][:-1])
    first, second = order[pair], order[pair + 1]
    hinges = np.concatenate([edges[of_half[first]], opposite[first][:, None], opposite[second][:, None]], axis=1)
    sound = (np.minimum(beside[first], beside[second]) > SMALLEST_AREA_M2) & (hinges[:, 2] != hinges[:, 3])
    hinges, total = hinges[sound], (beside[first] + beside[second])[sound]
    x0, x1, x2, x3 = (rest[hinges[:, k]] for k in range(4))
    c01, c02 = _cotangent(x1 - x0, x2 - x0), _cotangent(x1 - x0, x3 - x0)
    c03, c04 = _cotangent(x0 - x1, x2 - x1), _cotangent(x0 - x1, x3 - x1)
    weights = np.stack([c03 + c04, c01 + c02, -c01 - c03, -c02 - c04], axis=1)
    return hinges, weights * np.sqrt(3 / total)[:, None]


def _hems(
    rest: Float[np.ndarray, "g 3"], faces: Int[np.ndarray, "f 3"], hem_m: float
) -> tuple[Int[np.ndarray, "h 4"], Float[np.ndarray, "h 4"]]:
    """Every vertex of an edge between its neighbours there: a beam in finite differences; the fourth has no weight.

    The energy of a beam of length h between midpoints is k w / (2 h) times the square of the change of slope.
    """
    edges = boundary_edges(faces)
    after = np.full(len(rest), -1, np.int64)
    after[edges[:, 0]] = edges[:, 1]
    before = np.full(len(rest), -1, np.int64)
    before[edges[:, 1]] = edges[:, 0]
    middle = np.flatnonzero((after >= 0) & (before >= 0))
    start, end = before[middle], after[middle]
    back, on = rest[start] - rest[middle], rest[end] - rest[middle]
    lengths = np.linalg.norm(back, axis=1), np.linalg.norm(on, axis=1)
    sound = -(back * on).sum(axis=1) > CORNER_COSINE * lengths[0] * lengths[1]
    start, middle, end, first, second = (part[sound] for part in (start, middle, end, *lengths))
    scale = np.sqrt(HEM_STIFFNESS * hem_m * 2 / (first + second))
    weights = np.stack([1 / first, -1 / first - 1 / second, 1 / second, np.zeros(len(first))], axis=1)
    return np.stack([start, middle, end, start], axis=1), weights * scale[:, None]


def _cotangent(a: Float[np.ndarray, "k 3"], b: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, " k"]:
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    ratio = (a * b).sum(-1) / np.maximum(across, SMALLEST_AREA_M2)
    return np.asarray(np.clip(ratio, -STEEPEST_COTANGENT, STEEPEST_COTANGENT))


def _colour(members: Int[np.ndarray, "c m"], num_vertices: int) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " _"]]:
    """Order of the constraints by colour, and where each colour starts."""
    if not len(members):
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    degree = np.bincount(members.ravel(), minlength=num_vertices)
    most = members.shape[1] * (int(degree.max()) - 1) + 1
    colours = np.empty(len(members), np.int64)
    _colour_greedily(members, np.zeros((num_vertices, most), np.bool_), colours)
    starts = np.concatenate([[0], np.cumsum(np.bincount(colours))])
    return np.argsort(colours, kind="stable"), starts


@compiled
def _colour_greedily(members: np.ndarray, taken: np.ndarray, colours: np.ndarray) -> None:
    """Give each constraint the first colour that none of its vertices has yet."""
    for c in range(members.shape[0]):
        colour = 0
        free = False
        while not free:
            free = True
            for k in range(members.shape[1]):
                if taken[members[c, k], colour]:
                    free = False
            if not free:
                colour += 1
        for k in range(members.shape[1]):
            taken[members[c, k], colour] = True
        colours[c] = colour
