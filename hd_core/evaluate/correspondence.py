"""DensePose's measures of correspondence: from distances along the body to RCP, AUC and GPS.

Source: Gueler et al., "DensePose: Dense human pose estimation in the wild", CVPR 2018, section 3.2. With g the distance
along the template between the found and the true point of a pixel, infinite where nothing was found:

    RCP(t)  share of points with g < t
    AUC_a   (1 / a) * integral of RCP from 0 to a  =  mean of max(0, 1 - g / a)
    GPS     mean over a person's points of exp(-g^2 / (2 kappa^2));  GPSm = sqrt(GPS * IoU of the masks)

The paper has one kappa, which makes 30 cm half a hit. The code of the 2018 challenge and of detectron2 has one for each
kind of part; the two kinds of numbers cannot be compared. We differ in taking the points of our own template, and in
the distances, which are the template's own at any two points instead of those of a table of vertices.
"""

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8

from hd_core.synth.atlas.anny24 import from_bytes, load_atlas
from hd_core.synth.atlas.geodesic import body_surface

KAPPA_M = 0.255
"""The paper's."""
PART_KAPPAS_M = np.array(
    [
        np.inf,
        *(0.351, 0.351),  # torso
        *(0.107, 0.107),  # hands
        *(0.126, 0.126),  # feet
        *(0.237,) * 4,  # upper legs
        *(0.173,) * 4,  # lower legs
        *(0.142,) * 4,  # upper arms
        *(0.128,) * 4,  # lower arms
        *(0.150, 0.150),  # head
    ]
)
"""By part id, as in the 2018 challenge and in detectron2: mean distances of points of the same part."""
AUC_M = (0.1, 0.3)
STATURE_M = 1.7
"""The template is scaled to this height before it is measured on, so that DensePose's constants mean the same."""


def rcp(distances_m: Float[np.ndarray, " n"], limits_m: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Ratio of correct points: the share nearer than each limit; 0 without points.

    Args:
        distances_m: Infinite where nothing was found.
        limits_m: Any.
    """
    sorted_m = np.sort(distances_m)
    return np.asarray(np.searchsorted(sorted_m, limits_m, side="left") / max(len(sorted_m), 1))


def auc(distances_m: Float[np.ndarray, " n"], limit_m: float) -> float:
    """Area under the RCP curve up to a limit, as a share of what is possible; in closed form.

    Args:
        distances_m: Infinite where nothing was found; at least one.
        limit_m: a.
    """
    return float(np.maximum(0.0, 1.0 - distances_m / limit_m).mean())


def gps(
    distances_m: Float[np.ndarray, " n"], kappas_m: Float[np.ndarray, " n"] | float = KAPPA_M
) -> Float[np.ndarray, ""]:
    """Geodesic point similarity of one person.

    Args:
        distances_m: Infinite where nothing was found; at least one.
        kappas_m: Of all points, or of each.
    """
    return np.asarray(np.exp(-(distances_m**2) / (2 * np.square(kappas_m))).mean())


def mask_iou(found: Bool[np.ndarray, "h w"], true: Bool[np.ndarray, "h w"]) -> float:
    """Intersection over union; 0 where both are empty."""
    return float((found & true).sum() / max(int((found | true).sum()), 1))


def unit_m() -> float:
    """Metres of a person of `STATURE_M` to a metre of the template."""
    height = load_atlas().vertices[:, 2]
    return STATURE_M / float(np.ptp(height[np.unique(load_atlas().faces)]))


Coordinates = Float[np.ndarray, " n"]
Places = tuple[Integer[np.ndarray, " n"], Coordinates, Coordinates]
"""Parts, u and v; part 0 is nowhere."""


def distances_between(first: Places, second: Places) -> Float[np.ndarray, " n"]:
    """Distance along the body between each place and its partner, m; infinite where one is nowhere.

    They are those of `hd_core.synth.atlas.geodesic`, which states its error, scaled to `STATURE_M`.
    """
    atlas = load_atlas()
    found = np.full(len(first[0]), np.inf)
    known = (first[0] > 0) & (second[0] > 0)
    starts = atlas.decode(*(values[known] for values in first))
    ends = atlas.decode(*(values[known] for values in second))
    found[known] = unit_m() * body_surface().between(*starts, *ends)
    return found


def distances_to_truth(true: UInt8[np.ndarray, "n 3"], found: UInt8[np.ndarray, "m n 3"]) -> Float[np.ndarray, "m n"]:
    """Distance of what several found at the same pixels, m; infinite where they found nothing.

    Args:
        true: Part, u and v, bytes; somewhere on the body.
        found: The same of everybody.
    """
    tiled = np.broadcast_to(true, found.shape).reshape(-1, 3)
    flat = found.reshape(-1, 3)
    away = np.where(flat[:, 0] > 0, 0.0, np.inf)
    differ = (flat[:, 0] > 0) & (tiled != flat).any(axis=1)
    pairs, back = np.unique(np.concatenate([tiled[differ], flat[differ]], axis=1), axis=0, return_inverse=True)
    away[differ] = distances_between(from_bytes(pairs[:, :3]), from_bytes(pairs[:, 3:]))[back.ravel()]
    return away.reshape(found.shape[:2])
