"""Other people's training folders, a few pixels wide, written as their authors' programs write them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image
from train_scenes import ball_seen

from hd_core.types import Camera

SIDE = 32


def crop_camera(side: int = SIDE) -> Camera:
    """By the published numbers: 906 px of a 1920 x 1080 picture from (838, 48) on, seen with f = 1111.6 px."""
    scale = 906 / 256
    k = np.array([[1111.6 / scale, 0, (960 - 838) / scale + 0.5], [0, 1111.6 / scale, (540 - 48) / scale + 0.5]])
    return Camera(width=side, height=side, intrinsics=np.concatenate([k * side / 256, [[0, 0, 1]]]))


def make_frame(number: int) -> SimpleNamespace:
    """A ball before noise, with all that any layout holds of it."""
    rng = np.random.default_rng(number)
    centre = np.array([1.0 + 0.03 * (number % 17634), -0.05, 2.8])
    depth, normal, ball = ball_seen(crop_camera(), centre, 0.8)
    mask = np.where(ball, rng.choice([101, 255], ball.shape), rng.choice([0, 100], ball.shape))
    densepose = rng.integers(0, 256, (SIDE, SIDE, 3))
    densepose[..., 2] = np.where(ball, rng.integers(1, 25, ball.shape), 0)
    depth = np.where(ball, np.nan_to_num(depth), rng.uniform(2, 3, ball.shape)).round(5)
    depth[15, 14:18] = 1.0, 8.0, 0.0, 12.5
    rgb = rng.integers(0, 256, (SIDE, SIDE, 3))
    return SimpleNamespace(
        rgb=rgb, mask=mask, ball=ball, densepose=densepose, depth=depth, normal=normal.round(5), name=f"{number:07d}"
    )


def save_png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def save_text(path: Path, values: np.ndarray, separator: str, form: str = "%.5f") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, values, fmt=form, delimiter=separator)


def write_pictures(folder: Path, frame: SimpleNamespace) -> None:
    save_png(folder / "color" / f"{frame.name}.png", 255 - frame.rgb)
    save_png(folder / "color_WO_bg" / f"{frame.name}.png", frame.rgb)
    save_png(folder / "mask" / f"{frame.name}.png", frame.mask)
    save_png(folder / "densepose" / f"{frame.name}.png", frame.densepose)


def write_supervised(folder: Path, count: int = 4) -> list[SimpleNamespace]:
    frames = [make_frame(number) for number in range(count)]
    for frame in frames:
        write_pictures(folder, frame)
        save_text(folder / "depth" / f"{frame.name}.txt", frame.depth, ",")
        for axis in range(3):
            save_text(folder / "normal" / f"{frame.name}_{axis + 1}.txt", frame.normal[..., axis], ",")
    return frames


def write_video(folder: Path) -> tuple[list[SimpleNamespace], dict[tuple[int, int], np.ndarray]]:
    """Six frames, of which the first two have four partners; matches by frame and partner, from 1."""
    frames = [make_frame(17634 + number) for number in range(6)]
    for frame in frames:
        write_pictures(folder, frame)
        for axis in range(3):
            save_text(folder / "pred_normals" / f"{frame.name}_{axis + 1}.txt", frame.normal[..., axis], " ")
    inner = folder / "correspondences"
    rows = [[17634, 17635, 17636, 17637, 17638], [17635, 17636, 17637, 17638, 17639]]
    save_text(inner / "corr_mat.txt", np.array(rows), ",", "%d")
    matches = {(row[0], other): make_matches(frames, row[0], other) for row in rows for other in row[1:]}
    for (first, other), found in matches.items():
        stem = f"{first:07d}_{other:07d}"
        save_text(inner / "corrs" / f"{stem}_i_r1_c1_r2_c2.txt", found, ",", "%d")
        limits = np.full((24, 3), -1)
        limits[:, 0] = range(1, 25)
        for part in np.unique(found[:, 0]):
            places = np.flatnonzero(found[:, 0] == part)
            limits[part - 1, 1:] = places[0], places[-1]
        save_text(inner / "corrs" / f"{stem}_i_limit.txt", limits, ",", "%d")
    return frames, matches


def make_matches(frames: list[SimpleNamespace], first: int, other: int) -> np.ndarray:
    """Parts 2 and 24; a pixel of one frame and the one a row up and two columns to the right of it in the other."""
    rng = np.random.default_rng([first, other])
    ball = frames[first - 17634].ball
    inner = np.argwhere(ball & np.roll(ball, (1, -2), (0, 1)) & np.roll(ball, (-1, 2), (0, 1)))
    here = inner[rng.permutation(len(inner))[:240]]
    part = np.repeat([2, 24], [len(here) // 3, len(here) - len(here) // 3])
    return np.column_stack([part, here + 1, here + [-1, 2] + 1])


def write_tiktok(folder: Path, counts: dict[str, int], *, shape: tuple[int, int] = (40, 24)) -> dict[str, list]:
    """Sequences of whole frames, taller than wide."""
    rng, written = np.random.default_rng(0), {}
    for sequence, count in counts.items():
        written[sequence] = []
        for number in range(1, count + 1):
            mask = np.zeros(shape, int)
            mask[6 + number : 30, 5:18] = 255
            densepose = rng.integers(0, 256, (*shape, 3))
            densepose[..., 2] = (mask > 0) * 2
            frame = SimpleNamespace(rgb=rng.integers(0, 256, (*shape, 3)), mask=mask, densepose=densepose)
            for name, values in (("images", frame.rgb), ("masks", mask), ("densepose", densepose)):
                save_png(folder / sequence / name / f"{number:04d}.png", values)
            written[sequence].append(frame)
    return written
