"""`hd-core export-onnx`: our network for programs without torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class ExportOnnx:
    """Write HDNet as an ONNX file, and compare it with torch."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """An .onnx file; a .json that says what its tensors are goes beside it."""
    weights: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Weights of HDNet; without, the ones in the package."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Export."""
        from hd_core.predict.onnx_export import export_onnx  # noqa: PLC0415 - keeps --help quick

        path = self.output.with_suffix(".onnx")
        off = export_onnx(self.weights, path)
        talk.say(f"wrote     {path}", path=str(path))
        talk.say(f"wrote     {path.with_suffix('.json')}", path=str(path.with_suffix(".json")))
        talk.say("largest difference from torch: " + ", ".join(f"{name} {value:.1g}" for name, value in off.items()))
