"""`hd-core fit-chart-map` and `hd-core convert-iuv`: between DensePose's charts and ours, and orders of channels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from hd_core.cli.common import Common

if TYPE_CHECKING:
    from hd_core.body.formats_chart_map import ChartMap
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class FitChartMap:
    """Fit the way between DensePose's charts and ours to IUV pictures of the same frames that you own."""

    ours: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OURS")]
    """Folder of IUV pictures in the charts anny24."""
    theirs: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="THEIRS")]
    """Folder of DensePose's IUV pictures of the same frames, in the same order of names."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """A .safetensors file for hd-core convert-iuv --chart-map FILE."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Fit."""
        from hd_core.body.formats_chart_map import fit_chart_map  # noqa: PLC0415 - keeps --help quick
        from hd_core.body.formats_chart_map_file import write_chart_map  # noqa: PLC0415
        from hd_core.body.formats_png import IuvFolder  # noqa: PLC0415

        ours = IuvFolder(self.ours, convention="anny24")
        theirs = IuvFolder(self.theirs, convention="densepose")
        found = fit_chart_map(ours, theirs)
        path = self.output.with_suffix(".safetensors")
        write_chart_map(path, found)
        for line in _lines(found):
            talk.say(line)
        talk.say(f"wrote     {path}", path=str(path))


@dataclass(frozen=True, kw_only=True)
class ConvertIuv:
    """Write IUV pictures in another order of channels, or in the charts of the other convention."""

    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")]
    """Folder of IUV pictures; the order of their channels is found by itself."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")]
    """Where pictures of the same names go."""
    charts: Literal["densepose", "anny24"] | None = None
    """Whose charts they hold, if they do not say it themselves."""
    chart_map: Path | None = None
    """What hd-core fit-chart-map made: changes to the charts of the other convention."""
    order: Literal["VUI", "IUV"] = "VUI"
    """What red, green and blue of the new pictures hold: VUI is DensePose's own order, and this program's."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Convert."""
        from hd_core.body.formats_chart_map_file import read_chart_map  # noqa: PLC0415 - keeps --help quick
        from hd_core.body.formats_png import IuvFolder, write_iuv  # noqa: PLC0415
        from hd_core.errors import UsageError  # noqa: PLC0415
        from hd_core.progress import check_cancelled  # noqa: PLC0415

        if self.output.resolve() == self.source.resolve():
            raise UsageError("The new pictures would replace the old ones.", "Choose another folder with -o.")
        chart_map = None if self.chart_map is None else read_chart_map(self.chart_map)
        maps = IuvFolder(self.source, convention=self.charts)
        for number, (path, own) in enumerate(zip(maps.paths, maps, strict=True)):
            check_cancelled(talk)
            talk.step("convert", number + 1, len(maps))
            write_iuv(self.output / path.name, own if chart_map is None else chart_map.apply(own), order=self.order)
        talk.say(f"{len(maps)} pictures in {self.output}", pictures=len(maps))


def _lines(found: "ChartMap") -> list[str]:
    """Errors on the frames that were not fitted to."""
    from hd_core.evaluate.table import columns  # noqa: PLC0415 - keeps --help quick
    from hd_core.synth.atlas.anny24 import PART_NAMES  # noqa: PLC0415

    rows = [["held-out error of part", "pixels", "median mm", "95 % mm", "median of 255", "and back"]]
    for part in range(1, len(PART_NAMES)):
        there, back = (found.held_out[to].get(part) for to in ("anny24", "densepose"))
        if there is None or back is None:
            rows.append([f"{part:2d} {PART_NAMES[part]}", *["not mapped: too few pixels", "", "", "", ""]])
        else:
            numbers = (there.median_mm, there.high_mm, there.median, back.median)
            rows.append([f"{part:2d} {PART_NAMES[part]}", str(there.pixels), *(f"{number:.1f}" for number in numbers)])
    return [f"{found.frames} frames fitted to.", *columns(rows)]
