"""What a training is told; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass, field
from typing import Literal

from hd_core.errors import UsageError

Stage = Literal["normals", "depth", "video", "joint", "iuv"]
"""HDNet's three stages, normals and depth learned together, and the correspondence network."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each loss counts; the ones that a stage does not use are left out there.

    The four of the paper are `normal` (L_n), `depth` (L_z), `consistency` (L_s) and `warp` (L_w).
    """

    normal: float = 1.0
    """Mean angle between predicted and true normals, rad."""
    fold: float = 1.5
    """The same folds: normals after a wide Gaussian is taken away."""
    depth: float = 2.0
    """Relief beyond its mean, in crop sizes."""
    gradient: float = 0.1
    """Slopes of the relief at four scales, after scale and shift are fitted."""
    depth_normal: float = 0.3
    """Angle between the normals of the predicted depth and the true ones, rad."""
    consistency: float = 0.1
    """Angle between the normals of the predicted depth and the predicted ones, rad."""
    warp: float = 5.0
    """Distance of corresponding points after the best similarity of each body part, in crop sizes."""
    spread: float = 0.05
    """Likelihood of the errors under the predicted spreads."""
    part: float = 1.0
    """Cross entropy of the body's parts; stage iuv only, as the next."""
    place: float = 10.0
    """Distance between the predicted and the true point of the template, m."""
    steady: float = 0.0
    """How much the errors of one surface point differ between two frames, m; above 0 the samples of stage iuv come in
    twos, so that `batch` is even."""


@dataclass(frozen=True, kw_only=True)
class AugmentOptions:
    """How far samples are taken from what was rendered; 0 for `strength` leaves pictures and mattes as they are."""

    strength: float = 0.5
    """Of colour, noise, blur, compression and matte damage."""
    rotation_deg: float = 8.0
    """Standard deviation of the roll."""
    close_up: float = 0.25
    """Share of samples that show a part of the person."""
    flip: float = 0.5
    """Share of mirrored samples."""
    body: float = 0.3
    """Share of samples that are told where on the body their pixels lie, as well as a network would find it."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """A training; equal options on equal data give equal weights on the CPU."""

    stage: Stage = "joint"
    """normals, depth, video (self-supervised on pairs of frames), joint: normals and depth together, or iuv: the
    correspondence network."""
    network: Literal["small", "large"] = "small"
    """`small` for CPUs, `large` for GPUs."""
    size: int = 256
    """Side of the samples, px; a multiple of 32."""
    batch: int = 8
    """Samples of a step on each device."""
    pairs: int = 2
    """Pairs of frames of a step, beside the samples; stage video only."""
    gap: int = 4
    """Frames that the two of a pair are apart at most; in stage iuv, too, as far as clips are that long."""
    steps: int = 20_000
    """Length of the learning-rate schedule; training ends with it."""
    learning_rate: float = 2e-3
    """At its highest; it rises over `warmup` steps and falls along a cosine to a fiftieth."""
    warmup: int = 200
    """Steps."""
    weight_decay: float = 0.01
    """Of AdamW, on matrices and filters only."""
    ema: float = 0.998
    """Decay of the average of the weights that is validated and shipped."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    seed: int = 0
    """Of weights, order and augmentation."""
    loss: LossWeights = field(default_factory=LossWeights)
    augment: AugmentOptions = field(default_factory=AugmentOptions)

    def __post_init__(self) -> None:
        for name in ("batch", "steps", "warmup", "pairs", "gap"):
            if getattr(self, name) < 1:
                raise UsageError(f"Found {name} {getattr(self, name)}; expected 1 or more.")
        if self.size < 32 or self.size % 32:
            raise UsageError(f"Found samples of {self.size} px; expected a multiple of 32.")
        if not 0 <= self.ema < 1:
            raise UsageError(f"Found an averaging decay of {self.ema}; expected 0 or more and below 1.")
        if self.in_twos and self.batch % 2:
            raise UsageError(f"Found a batch of {self.batch}; steady samples come in twos, so expected an even number.")

    @property
    def in_twos(self) -> bool:
        """Whether samples are pairs of frames with their truth, of which each counts as a sample."""
        return self.stage == "iuv" and self.loss.steady > 0


@dataclass(frozen=True, kw_only=True)
class SittingOptions:
    """One sitting of a training; what it changes does not change the weights."""

    minutes: float = 0.0
    """Stop after this time, with everything saved; 0 goes on to the last step."""
    checkpoint_minutes: float = 5.0
    """Between checkpoints."""
    validate_every: int = 1000
    """Steps between validations."""
    validate_clips: int = 24
    """Clips that are validated on."""
    log_every: int = 20
    """Steps between lines of the curve."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto for the best there is."""
    threads: int = 1
    """CPU threads of the network; 0 leaves the process as it is."""
    loader: int = 1
    """Processes that prepare samples; 0 prepares them in this one."""

    def __post_init__(self) -> None:
        if min(self.minutes, self.checkpoint_minutes, self.threads, self.loader, self.validate_clips) < 0:
            raise UsageError("Found a negative time or count; expected 0 or more.")
        if min(self.validate_every, self.log_every) < 1:
            raise UsageError("Found no steps between two validations or two log lines; expected 1 or more.")
