"""What a prediction is told about its errors: each loss is a mean over the pixels that have a truth.

After Jafarian & Park (CVPR 2021): L_n, L_z and L_s here, L_w in `warp_loss`. We differ where theirs is known to go
wrong: angles come from a tangent, which has a gradient everywhere and needs no clamp; depth is compared beyond its
mean, because a picture does not show it; normals of depth are taken by central differences in the crop's own
camera, and where a stencil leaves the person or crosses a jump there is no loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

GRADIENT_SCALES = 4
FOLD_SIGMA = 8 / 256
"""Width of the Gaussian that is taken away before folds are compared, as a share of the picture's side."""
_FOLD_CELLS = 64
_EPSILON = 1e-12
_LEAST_SPREAD = 0.005

Map1 = Float[Tensor, "b 1 h w"]
Map3 = Float[Tensor, "b 3 h w"]


def masked_mean(values: Map1, mask: Map1) -> Float[Tensor, ""]:
    """Mean over the mask of the whole batch; 0 where it is empty."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def angle(a: Map3, b: Map3) -> Map1:
    """Angle between two unit vectors at every pixel, rad: twice that of the half sum and difference (Kahan).

    Exact at 0 and at pi too, where arc cosines have no gradient and lose half their digits.
    """
    apart = (a - b).square().sum(1, keepdim=True)
    together = (a + b).square().sum(1, keepdim=True)
    return 2 * torch.atan2((apart + _EPSILON).sqrt(), (together + _EPSILON).sqrt())


def normal_loss(predicted: Map3, true: Map3, mask: Map1) -> Float[Tensor, ""]:
    """L_n: mean angle, rad."""
    return masked_mean(angle(predicted, true), mask)


def relief_error(predicted: Map1, true: Map1, mask: Map1) -> Map1:
    """Error of the relief beyond its mean over the mask of its sample; L_z is its mean absolute value."""
    error = (predicted - true) * mask
    mean = error.sum((1, 2, 3), keepdim=True) / mask.sum((1, 2, 3), keepdim=True).clamp(min=1)
    return (error - mean) * mask


def gradient_loss(predicted: Map1, true: Map1, mask: Map1) -> Float[Tensor, ""]:
    """Mean absolute error of slopes at four scales, after the best scale and shift of each sample.

    As in MiDaS (Ranftl et al., TPAMI 2022), but with scale and shift by least squares on the prediction, and slopes
    per width of the picture, so that the loss is the same at every resolution.
    """
    aligned = fit_affine(predicted, true, mask)
    error = (aligned - true) * mask
    total = error.new_zeros(())
    for scale in range(GRADIENT_SCALES):
        stride = 2**scale
        e, m = error[..., ::stride, ::stride], mask[..., ::stride, ::stride]
        for dim in (2, 3):
            both = _pairs(m, dim, torch.mul)
            slopes = _pairs(e, dim, torch.sub).abs() * (true.shape[dim] / stride)
            total = total + masked_mean(slopes, both)
    return total / (2 * GRADIENT_SCALES)


def fit_affine(predicted: Map1, true: Map1, mask: Map1) -> Map1:
    """The prediction under the scale and shift that bring it closest to the truth on the mask of its sample."""
    count = mask.sum((1, 2, 3), keepdim=True).clamp(min=1)
    mean_p = (predicted * mask).sum((1, 2, 3), keepdim=True) / count
    mean_t = (true * mask).sum((1, 2, 3), keepdim=True) / count
    p, t = (predicted - mean_p) * mask, (true - mean_t) * mask
    scale = (p * t).sum((1, 2, 3), keepdim=True) / p.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-8)
    return (predicted - mean_p) * scale + mean_t


def fold_loss(predicted: Map3, true: Map3, mask: Map1) -> Float[Tensor, ""]:
    """Mean length of the error of the folds: of what a wide Gaussian within the mask takes away from normals."""
    error = folds(predicted - true, mask)
    return masked_mean((error.square().sum(1, keepdim=True) + 1e-8).sqrt(), mask)


def folds(normal: Map3, mask: Map1) -> Map3:
    """Normals less their Gaussian mean over the mask; linear, so the folds of a difference are that of folds.

    The Gaussian is taken of means over cells of four pixels at 256, which is 2 % off the exact one.
    """
    cell = max(round(normal.shape[-1] / _FOLD_CELLS), 1)
    weighted = functional.avg_pool2d(torch.cat([normal * mask, mask], 1), cell)
    sigma = FOLD_SIGMA * normal.shape[-1] / cell
    down, across = (_gaussian(sigma, weighted.shape[dim], normal) for dim in (2, 3))
    smooth = down @ weighted @ across
    mean = smooth[:, :3] / smooth[:, 3:].clamp(min=1e-4)
    wide = functional.interpolate(mean, size=normal.shape[-2:], mode="bilinear", align_corners=False)
    return (normal - wide) * mask


def normals_of_depth(relief: Map1, intrinsics: Float[Tensor, "b 3 3"]) -> Map3:
    """Normals of the surface that a relief stands for, by central differences; `inner_mask` says where they hold.

    Args:
        relief: In crop sizes, in the logarithm (see `predict.planes`).
        intrinsics: Of the crop.

    Returns:
        Unit normals that face the camera, zero at the picture's border.
    """
    rays = camera_rays(intrinsics, relief)
    extent = crop_extent(intrinsics, relief)[:, None, None, None]
    points = rays * torch.exp((extent * relief).clamp(-3, 3))
    along_x = points[:, :, 1:-1, 2:] - points[:, :, 1:-1, :-2]
    along_y = points[:, :, 2:, 1:-1] - points[:, :, :-2, 1:-1]
    return functional.pad(_unit(_cross(along_y, along_x)), (1, 1, 1, 1))


JUMP = 8.0
"""Two neighbours are on both sides of a jump where depth differs by more than so many widths of a pixel."""


def inner_mask(relief: Map1, mask: Map1) -> Map1:
    """Pixels whose central differences stay on one surface; a relief of 1 is as deep as the picture is wide."""
    size = (relief.shape[-1] * relief.shape[-2]) ** 0.5
    smooth = functional.pad(torch.ones_like(mask[..., 1:-1, 1:-1]), (1, 1, 1, 1))
    for dim in (2, 3):
        last = relief.shape[dim] - 2
        low, here, high = (relief.narrow(dim, start, last) for start in range(3))
        steps = torch.maximum((high - here).abs(), (here - low).abs()) * size
        seen = mask.narrow(dim, 0, last) * mask.narrow(dim, 1, last) * mask.narrow(dim, 2, last)
        padding = (0, 0, 1, 1) if dim == 2 else (1, 1)
        smooth = smooth * functional.pad(seen * (steps < JUMP), padding)
    return smooth.detach()


def consistency_loss(normal: Map3, of_depth: Map3, mask: Map1, *, teach: str = "both") -> Float[Tensor, ""]:
    """L_s: mean angle between the predicted normals and those of the predicted depth, rad.

    Args:
        normal: Predicted.
        of_depth: `normals_of_depth` of the predicted relief.
        mask: Where they can be compared: `inner_mask` of the true relief, or of the predicted one.
        teach: Which of the two the gradient reaches: "depth", "normal" or "both".
    """
    source = of_depth.detach() if teach == "normal" else of_depth
    target = normal.detach() if teach == "depth" else normal
    return masked_mean(angle(source, target), mask)


def spread_loss(error: Map1, spread: Map1, mask: Map1) -> Float[Tensor, ""]:
    """Negative log-likelihood of errors whose mean is the spread (an exponential or Laplace distribution).

    Smallest where the spread is the mean error to be expected. The error is taken as given, so that no prediction
    gets worse for the sake of a likelier spread (Seitzer et al., ICLR 2022, on what happens else).
    """
    width = spread + _LEAST_SPREAD
    return masked_mean(error.detach() / width + torch.log(width), mask)


def camera_rays(intrinsics: Float[Tensor, "b 3 3"], like: Float[Tensor, "b _ h w"]) -> Map3:
    """Directions through the pixels' centres, z = 1; square or not, without skew."""
    height, width = like.shape[-2:]
    x = torch.arange(width, device=like.device, dtype=intrinsics.dtype) + 0.5
    y = torch.arange(height, device=like.device, dtype=intrinsics.dtype) + 0.5
    across = (x - intrinsics[:, 0, 2, None]) / intrinsics[:, 0, 0, None]
    down = (y - intrinsics[:, 1, 2, None]) / intrinsics[:, 1, 1, None]
    shape = (len(intrinsics), height, width)
    planes = [across[:, None].expand(shape), down[:, :, None].expand(shape), across.new_ones(shape)]
    return torch.stack(planes, dim=1)


def crop_extent(intrinsics: Float[Tensor, "b 3 3"], like: Float[Tensor, "b _ h w"]) -> Float[Tensor, " b"]:
    """The crop's size at unit distance, as `predict.planes.crop_extent`."""
    size = like.shape[-1] * like.shape[-2]
    return torch.sqrt(size / (intrinsics[:, 0, 0] * intrinsics[:, 1, 1]))


def _cross(a: Map3, b: Map3) -> Map3:
    """By components: torch's own is ten times slower on planes."""
    (ax, ay, az), (bx, by, bz) = a.unbind(1), b.unbind(1)
    return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], dim=1)


def _unit(vectors: Map3) -> Map3:
    return vectors * torch.rsqrt(vectors.square().sum(1, keepdim=True) + 1e-24)


def _pairs(x: Tensor, dim: int, combine: object) -> Tensor:
    length = x.shape[dim] - 1
    return combine(x.narrow(dim, 1, length), x.narrow(dim, 0, length))  # type: ignore[operator, no-any-return]


def _gaussian(sigma: float, size: int, like: Tensor) -> Float[Tensor, "size size"]:
    """A Gaussian as a matrix, beyond whose border nothing is; as a convolution its gradient would be slow."""
    places = torch.arange(size, device=like.device, dtype=torch.float32)
    weights = torch.exp(-(places[:, None] - places).square() / (2 * sigma * sigma))
    reach = torch.arange(-4 * size, 4 * size + 1, device=like.device, dtype=torch.float32)
    return weights / torch.exp(-reach.square() / (2 * sigma * sigma)).sum()
