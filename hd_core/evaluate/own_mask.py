"""Test clips with the mask that this program finds by itself in place of the data's."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hd_core.evaluate.samples import TruthClip
from hd_core.geometry.crop import whole_frame
from hd_core.person.locate import NetworkLocator
from hd_core.person.matte import Matter
from hd_core.types import Frame, View


class OwnMask:
    """The person stage of `hd-core reconstruct`, on pictures that are cut out already."""

    def __init__(self) -> None:
        self._matter = Matter()

    def applied_to(self, clip: TruthClip) -> TruthClip:
        """The clip with our mattes; empty ones where nobody is found."""
        views = self.on_views([sample.view for sample in clip.samples])
        samples = [replace(sample, view=view) for sample, view in zip(clip.samples, views, strict=True)]
        return replace(clip, samples=samples)

    def on_views(self, views: Sequence[View]) -> list[View]:
        """The views of a clip, in time, with our mattes."""
        locator = NetworkLocator()
        return [self._matted(view, locator) for view in views]

    def _matted(self, view: View, locator: NetworkLocator) -> View:
        seen = locator.locate(Frame(rgb=view.rgb, index=view.frame_index, time_seconds=view.time_seconds))
        if not seen:
            return replace(view, alpha=np.zeros_like(view.alpha))
        found = self._matter.alpha(view.rgb, crop=whole_frame(view.crop.camera), box=seen[0].box)
        return replace(view, alpha=np.clip(found, 0, 1).astype(np.float32))
