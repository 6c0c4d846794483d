"""Where maps come from that are measured: a network, a folder of pictures, or the truth with faults."""

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from hd_core.body.decode import FoundBodies
from hd_core.body.formats_png import IuvFolder
from hd_core.body.parts import part_centres
from hd_core.errors import InputError, UsageError
from hd_core.evaluate.correspondence_clips import CorrespondenceClip
from hd_core.evaluate.correspondence_options import TARGETS, Target
from hd_core.evaluate.predicted_body import as_predicted
from hd_core.synth.atlas.anny24 import PART_NAMES, load_atlas, to_bytes
from hd_core.types import View

Known = Literal["network", "steady", "spoiled", "truth", "centres"]
FLOORS: tuple[Known, ...] = ("centres", "truth")
"""Shown beside the others: what knowing the part alone is worth, and what the bytes of the truth are."""
STILLS, STILL_FRAMES = 8, 9
"""Views and frames of each by which a finder that asks the frames beside is timed."""


class Found(NamedTuple):
    """What was found in a frame.

    Args:
        iuv: Part, u and v, bytes; part 0 for nobody.
        score: How sure the finder is of the person, for the order in which AP counts them.
    """

    iuv: UInt8[np.ndarray, "h w 3"]
    score: float


@runtime_checkable
class Finder(Protocol):
    """Whoever says which point of the body each pixel of a frame shows."""

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """The map of a frame.

        Raises:
            InputError: A map cannot be read.
        """

    def describe(self) -> dict[str, str]:
        """What it is, for the report."""


def open_finders(words: tuple[str, ...]) -> dict[str, Finder]:
    """Finders by the name they are reported under, the floors last.

    Args:
        words: `network` or `steady`, or one of them with `=FILE` of weights, `spoiled`, a floor, or NAME=FOLDER of
            pictures (`FolderFinder`).

    Raises:
        UsageError: None is named, one is unknown or named twice.
        InputError: A folder is missing.
        WeightsError: Weights cannot be used.
    """
    if not words:
        raise UsageError("Nothing to measure is named.", "For instance: network, or NAME=FOLDER of IUV pictures.")
    found: dict[str, Finder] = {}
    for word in (*words, *(floor for floor in FLOORS if floor not in words)):
        name, _, path = word.partition("=")
        looks = _NETWORKS.get(name)
        title = f"{name}={'/'.join(Path(path).with_suffix('').parts[-2:])}" if path and looks else name
        if title in found:
            raise UsageError(f"{title} is named twice.", "Name each once; call folders differently.")
        found[title] = _known(name) if not path else looks(Path(path)) if looks else _folder(path)
    return found


class TruthFinder:
    """The truth itself, as bytes."""

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """The frame's own map."""
        return Found(clip.iuv[target][index], 1.0)

    def describe(self) -> dict[str, str]:
        """Its name."""
        return {"finder": "truth"}


class CentreFinder:
    """Knows every pixel's part, and nothing else: each pixel shows the middle of its part."""

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """The middles of the true parts."""
        return Found(centre_codes()[clip.iuv[target][index][..., 0]], 1.0)

    def describe(self) -> dict[str, str]:
        """Its name."""
        return {"finder": "true part, middle of its chart"}


class SpoiledFinder:
    """The truth with the faults that `hd_core.evaluate.predicted_body` plants, every frame its own."""

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """The frame's own map, spoiled."""
        rng = np.random.default_rng([clip.key, index, TARGETS.index(target)])
        return Found(as_predicted(rng, clip.iuv[target][index]), 1.0)

    def describe(self) -> dict[str, str]:
        """Its name."""
        return {"finder": "truth with planted faults"}


class NetworkFinder:
    """The correspondence network of `hd_core.body`; how sure it is of a person is its mean over the pixels found.

    It looks once at a frame for both surfaces, and keeps what it found in a clip until it is asked about another.

    Args:
        weights: File of weights; None for those in the package.
    """

    def __init__(self, weights: Path | None = None) -> None:
        from hd_core.body.iuv import BodyFinder  # noqa: PLC0415 - brings torch, and weights must be there

        self._weights, self._finder = weights, BodyFinder.load(weights)
        self._clip: CorrespondenceClip | None = None
        self._bodies: dict[int, FoundBodies] = {}

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """What it sees in the frame."""
        if clip is not self._clip:
            self._clip, self._bodies = clip, {}
        if index not in self._bodies:
            self._bodies[index] = self._see(clip, index)
        own = getattr(self._bodies[index], target)
        on = own.iuv[..., 0] > 0
        return Found(own.iuv, float(own.confidence[on].mean()) if on.any() else 0.0)

    def _see(self, clip: CorrespondenceClip, index: int) -> FoundBodies:
        return self._finder.find_bodies(clip.views[index])

    def frames_per_second(self, views: Sequence[View], *, threads: int) -> float:
        """How fast it finds both surfaces: the inverse of the median time of a view."""
        from hd_core.body.iuv import BodyFinder  # noqa: PLC0415 - as above

        finder, times = BodyFinder.load(self._weights, threads=threads), []
        finder.find_bodies(views[0])
        for view in views:
            began = time.perf_counter()
            finder.find_bodies(view)
            times.append(time.perf_counter() - began)
        return 1 / float(np.median(times))

    def describe(self) -> dict[str, str]:
        """Digest and origin of the weights."""
        return self._finder.describe()


class SteadyFinder(NetworkFinder):
    """The network, and the frames before and after each are asked, too, as in a run (`hd_core.body.steady`)."""

    def _see(self, clip: CorrespondenceClip, index: int) -> FoundBodies:
        if not self._bodies:
            from hd_core.body import steady  # noqa: PLC0415 - brings torch

            follows = [place > 0 for place in range(len(clip.views))]
            self._steady = steady.SteadyFinder(self._finder, clip.views.__getitem__, follows)
        return self._steady.find(index)

    def frames_per_second(self, views: Sequence[View], *, threads: int) -> float:
        """As of one network, in a clip: each of some views is seen as one that stands still."""
        from hd_core.body import iuv, steady  # noqa: PLC0415 - as above

        network, speeds = iuv.BodyFinder.load(self._weights, threads=threads), []
        network.find_bodies(views[0])
        for view in views[:STILLS]:
            finder = steady.SteadyFinder(network, _always(view), [False, *[True] * (STILL_FRAMES - 1)])
            began = time.perf_counter()
            for place in range(STILL_FRAMES):
                finder.find(place)
            speeds.append(STILL_FRAMES / (time.perf_counter() - began))
        return float(np.median(speeds))


def _always(view: View) -> Callable[[int], View]:
    return lambda _: view


_NETWORKS: dict[str, type[NetworkFinder]] = {"network": NetworkFinder, "steady": SteadyFinder}


@runtime_checkable
class Timed(Protocol):
    """A finder whose speed is worth knowing."""

    def frames_per_second(self, views: Sequence[View], *, threads: int) -> float:
        """How many views it looks through in a second of the clock."""


class FolderFinder:
    """IUV pictures in FOLDER/CLIP/, or FOLDER/clothed/CLIP/ and FOLDER/body/CLIP/: one for each frame, by name.

    Args:
        folder: FOLDER; pictures that do not say so hold the charts anny24.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder.", "Expected FOLDER/CLIP/ with IUV pictures.")
        self._folder = folder
        self._read = functools.lru_cache(maxsize=2)(_read_clip)

    def find(self, clip: CorrespondenceClip, index: int, target: Target) -> Found:
        """The frame's picture."""
        apart = self._folder / target
        folder = (apart if apart.is_dir() else self._folder) / clip.name
        maps = self._read(folder, len(clip.views))
        own, expected = maps[index].body_maps().iuv, clip.iuv[target][index].shape
        if own.shape != expected:
            raise InputError(
                f"{maps.paths[index]} is {own.shape[1]} x {own.shape[0]} px.",
                f"Expected the clip's {expected[1]} x {expected[0]}.",
            )
        return Found(own, 1.0)

    def describe(self) -> dict[str, str]:
        """Where the pictures lie."""
        return {"finder": "IUV pictures", "folder": str(self._folder)}


@functools.cache
def centre_codes() -> UInt8[np.ndarray, "25 3"]:
    """Part, u and v of the middle of every part: the triangle of it that is nearest to `part_centres`."""
    atlas = load_atlas()
    middles = atlas.vertices[atlas.faces].mean(axis=1)
    codes = np.zeros((len(PART_NAMES), 3), np.uint8)
    thirds = np.full((1, 3), 1 / 3)
    for part, centre in enumerate(part_centres(), start=1):
        rows = np.flatnonzero(atlas.part == part)
        nearest = rows[((middles[rows] - centre) ** 2).sum(axis=1).argmin()]
        codes[part] = to_bytes(*atlas.encode(np.array([nearest]), thirds))[0]
    codes.setflags(write=False)
    return codes


def _folder(path: str) -> Finder:
    return FolderFinder(Path(path))


def _known(name: str) -> Finder:
    makers: dict[str, type[Finder]] = {
        **_NETWORKS,
        "spoiled": SpoiledFinder,
        "truth": TruthFinder,
        "centres": CentreFinder,
    }
    if name not in makers:
        raise UsageError(
            f"No finder {name!r}.", f"Known: {', '.join(get_args(Known))}, or NAME=FOLDER of IUV pictures."
        )
    return makers[name]()


def _read_clip(folder: Path, frames: int) -> IuvFolder:
    maps = IuvFolder(folder, convention="anny24")
    if len(maps) != frames:
        raise InputError(
            f"{folder} holds {len(maps)} IUV pictures; the clip has {frames} frames.", "Expected one each."
        )
    return maps
