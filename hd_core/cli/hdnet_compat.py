"""`hd-core convert-hdnet` and `hd-core run-hdnet`: the published HDNet's weights and its inference folders."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.errors import FramesError
from hd_core.predict.options import PredictorOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk
    from hd_core.predict.compat.folder import Comparison


@dataclass(frozen=True, kw_only=True)
class ConvertHdnet:
    """Convert the published HDNet's TensorFlow checkpoints; TensorFlow is not needed."""

    model_dir: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="MODEL_DIR")]
    """The unpacked model folder, with depth_prediction/ and normal_prediction/ in it."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """A .safetensors file for --predictor hdnet_compat --weights FILE; its card goes beside it."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Convert."""
        from hd_core.predict.compat.weights import convert_checkpoints  # noqa: PLC0415 - keeps --help quick

        card = convert_checkpoints(self.model_dir, self.output.with_suffix(".safetensors"))
        names = " and ".join(card.checkpoints.values())
        talk.say(f"Converted {names}; sha256 {card.sha256}.", sha256=card.sha256)
        talk.say(f"Licence of the weights: {card.licence}.")


@dataclass(frozen=True, kw_only=True)
class RunHdnet:
    """Run the published HDNet on its own inference folder, and write its own files."""

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")]
    """With NAME_img.png, NAME_mask.png and NAME_dp.png, 256 x 256 px."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUTPUT")]
    """Where NAME.txt, NAME_normal_1.txt to _3.txt, NAME_mesh.obj and NAME_results.png go."""
    compare: Annotated[Path | None, tyro.conf.arg(metavar="PUBLISHED")] = None
    """Folder with published NAME_results.png; exit code 4 if the results differ by more than its bytes can say."""
    settings: PredictorOptions = field(default_factory=PredictorOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Run."""
        from hd_core.predict.compat.folder import run_folder  # noqa: PLC0415 - keeps --help quick

        compared = []
        for outcome in run_folder(self.folder, self.output, self.settings, talk, published=self.compare):
            talk.say(f"{outcome.name}: {len(outcome.paths)} files in {self.output}")
            if outcome.comparison is not None:
                compared.append(outcome.comparison)
                talk.say(_line(outcome.comparison))
        off = [one.name for one in compared if not one.agrees]
        if self.compare is not None and (off or not compared):
            found = ", ".join(off) or "nothing was found to compare with"
            raise FramesError(f"Not the published results: {found}.", "Check weights, mask and DensePose picture.")


def _line(found: "Comparison") -> str:
    seen = "the same" if found.same_input else "ANOTHER"
    return (
        f"{found.name}: normals off by {found.normals_mean_deg:.2f} deg, relief by {found.relief_worst:.4f} "
        f"of its range at most, input {seen}: {'agrees' if found.agrees else 'DIFFERS'}"
    )
