"""Independent looks at a finished mesh: nothing here knows how it was made."""

import numpy as np

from hd_core.types import Camera, Mesh


def triangles_of(mesh: Mesh) -> np.ndarray:
    """Triangles, quads split along corners 0 and 2."""
    faces = []
    for face in mesh.faces.tolist():
        if len(face) == 4 and face[3] >= 0:
            faces += [[face[0], face[1], face[2]], [face[0], face[2], face[3]]]
        else:
            faces.append(face[:3])
    return np.array(faces, np.int64).reshape(-1, 3)


def picture(camera: Camera, vertices: np.ndarray) -> np.ndarray:
    """Positions in the picture, px, written out from the pinhole equations."""
    k = camera.intrinsics
    v = vertices.astype(np.float64)
    return np.stack([k[0, 0] * v[:, 0] / v[:, 2] + k[0, 2], k[1, 1] * v[:, 1] / v[:, 2] + k[1, 2]], axis=1)


def area_in_picture(camera: Camera, mesh: Mesh) -> float:
    """px², each triangle counted positive."""
    p = picture(camera, mesh.vertices)[triangles_of(mesh)]
    a, b = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)


def face_normals(mesh: Mesh) -> np.ndarray:
    """Right-hand-rule normals, length twice the area."""
    p = mesh.vertices.astype(np.float64)[triangles_of(mesh)]
    return np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])


def assert_faces_the_camera(mesh: Mesh) -> None:
    """Every triangle has area and shows the camera its counter-clockwise side."""
    normal = face_normals(mesh)
    assert (np.linalg.norm(normal, axis=1) > 0).all()
    centre = mesh.vertices.astype(np.float64)[triangles_of(mesh)].mean(axis=1)
    assert ((normal * centre).sum(axis=1) < 0).all()


def assert_manifold(mesh: Mesh, *, closed: bool = False) -> None:
    """No directed edge twice, at most one outline through a vertex, one fan of faces around it, none unused."""
    faces = triangles_of(mesh)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    outline = [edge for edge in directed if edge[::-1] not in directed]
    assert not (closed and outline)
    assert len({start for start, _ in outline}) == len(outline)
    assert len({end for _, end in outline}) == len(outline)
    assert set(faces.reshape(-1).tolist()) == set(range(len(mesh.vertices)))
    # around a vertex the faces are one fan: walk it once and meet every face
    spokes: dict[int, dict[int, int]] = {}
    for face in faces.tolist():
        for k in range(3):
            spokes.setdefault(face[k], {})[face[(k + 1) % 3]] = face[(k + 2) % 3]
    first_of = dict(outline)
    for vertex, follow in spokes.items():
        start = first_of.get(vertex, next(iter(follow)))
        spoke, steps = start, 0
        while spoke in follow and (steps == 0 or spoke != start):
            spoke, steps = follow[spoke], steps + 1
        assert steps == len(follow)


def covered(camera: Camera, mesh: Mesh, samples: int) -> np.ndarray:
    """Which of `samples` x `samples` points per pixel a mesh of small triangles covers, (h s, w s)."""
    corner = picture(camera, mesh.vertices)[triangles_of(mesh)] * samples
    reach = int(np.ceil((corner.max(axis=1) - corner.min(axis=1)).max())) + 1
    start = np.floor(corner.min(axis=1)).astype(int)
    offsets = np.arange(reach)
    x = start[:, 0, None, None] + offsets[None, None, :] + 0.5
    y = start[:, 1, None, None] + offsets[None, :, None] + 0.5
    x, y = np.broadcast_arrays(x, y)
    inside = np.ones(x.shape, bool)
    for k in range(3):
        a, b = corner[:, k, :, None, None], corner[:, (k + 1) % 3, :, None, None]
        inside &= (b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (b[:, 1] - a[:, 1]) * (x - a[:, 0]) <= 0
    hit = np.zeros((camera.height * samples, camera.width * samples), bool)
    rows, columns = np.floor(y[inside]).astype(int), np.floor(x[inside]).astype(int)
    good = (rows >= 0) & (columns >= 0) & (rows < hit.shape[0]) & (columns < hit.shape[1])
    hit[rows[good], columns[good]] = True
    return hit


def depth_at_pixels(camera: Camera, mesh: Mesh) -> np.ndarray:
    """z where the line of sight of each pixel centre meets the mesh, NaN where it does not (slow)."""
    result = np.full(camera.shape, np.nan)
    k = camera.intrinsics
    vertices = mesh.vertices.astype(np.float64)
    flat = picture(camera, mesh.vertices)
    for face in triangles_of(mesh):
        p, q = flat[face], vertices[face]
        low = np.floor(p.min(axis=0) - 0.5).astype(int).clip(0)
        high = np.ceil(p.max(axis=0) + 0.5).astype(int)
        columns, rows = np.arange(low[0], min(high[0], camera.width)), np.arange(low[1], min(high[1], camera.height))
        x, y = np.meshgrid(columns + 0.5, rows + 0.5)
        inside = np.ones(x.shape, bool)
        for i in range(3):
            a, b = p[i], p[(i + 1) % 3]
            inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) <= 1e-4
        if inside.any():
            normal = np.cross(q[1] - q[0], q[2] - q[0])
            ray = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], np.ones_like(x)], axis=-1)
            z = (normal @ q[0]) / (ray[inside] @ normal)
            result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][inside] = z
    return result
