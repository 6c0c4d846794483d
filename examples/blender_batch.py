# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of videos to .blend files, by the add-on's own operators and without a window.

    blender -b --python examples/blender_batch.py -- FOLDER OUT [options]
    python examples/blender_batch.py FOLDER OUT [options]        (with bpy installed)

Every video becomes OUT/NAME.blend, which plays anywhere, and OUT/NAME, its run folder. A video that fails does not
stop the others; in the end those are listed and the exit code is 4. Run again to go on: what is done is kept.

The add-on must be installed (tools/build_addon.py makes its zip), or name the zip with --addon.
"""

import argparse
import atexit
import sys
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.hd_human"
SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}
SOME_FAILED = 4


def main(words: list[str]) -> int:
    """Build them all; the exit code."""
    options = parse(words)
    enable(options)
    options.out.mkdir(parents=True, exist_ok=True)
    videos = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not videos:
        print(f"{options.folder} holds no videos.", file=sys.stderr)
        return SOME_FAILED
    failed = {}
    for video in videos:
        try:
            print(f"{video.name} -> {build(video, options)}", flush=True)
        except (RuntimeError, OSError) as error:  # what operators raise when they report an error
            failed[video.name] = str(error).removeprefix("Error: ").strip()
            print(f"{video.name} failed: {failed[video.name]}", file=sys.stderr, flush=True)
    print(f"{len(videos) - len(failed)} of {len(videos)} built.")
    for name, reason in failed.items():
        print(f"  {name}: {reason}")
    return SOME_FAILED if failed else 0


def build(video: Path, options: argparse.Namespace) -> Path:
    """One video to one file."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    settings = bpy.context.scene.hd_human
    settings.source, settings.video = "VIDEO", str(video.resolve())
    settings.output = str((options.out / video.stem).resolve())
    settings.quality, settings.predictor, settings.precision = options.quality, options.predictor, options.precision
    settings.playback, settings.use_height = options.playback, bool(options.height)
    if options.height:
        settings.subject_height = options.height
    if options.maps:
        settings.maps = str((options.maps / video.stem).resolve())
    if options.size:
        settings.quality, settings.size, settings.tier = "CUSTOM", options.size, options.tier
    if options.frames:
        settings.frames = "SCENE"
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = options.frames
    target = (options.out / f"{video.stem}.blend").resolve()
    bpy.ops.wm.save_as_mainfile(filepath=str(target))  # first, so that paths in it are relative
    if bpy.ops.hd_human.build() != {"FINISHED"}:
        raise RuntimeError("the job was cancelled")
    bpy.ops.wm.save_as_mainfile(filepath=str(target), compress=True)
    return target


def enable(options: argparse.Namespace) -> None:
    """Switch the add-on on for this process, and off again at its end: Blender 4.5 hangs on what is left."""
    if options.addon:
        bpy.ops.extensions.package_install_files(
            filepath=str(options.addon.resolve()), repo="user_default", enable_on_install=False
        )
    bpy.ops.preferences.addon_enable(module=MODULE)
    atexit.register(disable)
    if options.core:
        bpy.context.preferences.addons[MODULE].preferences.core = str(options.core.resolve())


def disable() -> None:
    """Take the add-on's handlers and timers away."""
    if MODULE in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_disable(module=MODULE)


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="blender_batch.py", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of videos")
    parser.add_argument("out", type=Path, help="where the .blend files and run folders go")
    parser.add_argument("--addon", type=Path, help="zip of the add-on, to install first")
    parser.add_argument("--core", type=Path, help="hd-core, or the Python it is installed in")
    parser.add_argument("--quality", default="STANDARD", choices=("DRAFT", "STANDARD", "HIGH"))
    parser.add_argument("--size", type=int, help="crop in pixels, in place of --quality")
    parser.add_argument("--tier", default="full", choices=("full", "fast"), help="matte, with --size")
    parser.add_argument("--predictor", default="hdnet")
    parser.add_argument("--maps", type=Path, help="folder with a folder of maps per video, with --predictor maps")
    parser.add_argument("--height", type=float, default=0.0, help="of the person, metres; 0 if unknown")
    parser.add_argument("--frames", type=int, nargs=2, metavar=("FIRST", "LAST"), help="from 1; all if left out")
    parser.add_argument("--playback", default="BANK", choices=("BANK", "USD", "PC2"))
    parser.add_argument("--precision", default="fine", choices=("fine", "exact"))
    return parser.parse_args(words)


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    sys.exit(main(given))
