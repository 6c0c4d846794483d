"""Plays the scenarios in a Blender with a window, one Blender each, and says how they went.

    python3 run.py --addon hd_human.zip --core hd-core --video clip.mp4 --out FOLDER [SCENARIO ...]

Needs Xvfb and scrot. Besides what a scenario asserts itself, no process may be left of it: all that Blender starts
inherits a mark in its environment and is looked for by it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import catalogue

HERE = Path(__file__).resolve().parent
MARK = "HD_GUI_SCENARIO"
LEFT_SECONDS = 3.0
"""After Blender has gone, processes it started may still take so long to go."""


def main() -> None:
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    user = options.out / "user"
    shutil.rmtree(user, ignore_errors=True)
    user.mkdir()
    os.environ |= {"BLENDER_USER_RESOURCES": str(user), "LIBGL_ALWAYS_SOFTWARE": "1"}
    prepare = ["--background", "--python-exit-code", "1", "--python", str(HERE / "prepare.py")]
    subprocess.run([options.blender, *prepare, "--", str(options.addon), str(options.core)], check=True)
    failed = [name for name in options.scenarios or catalogue.NAMES if not play(options, name)]
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "all passed")
    sys.exit(bool(failed))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", default="blender")
    parser.add_argument("--addon", type=Path, required=True, help="the built zip")
    parser.add_argument("--core", type=Path, required=True, help="hd-core, or the Python it is installed in")
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(catalogue.NAMES)}; all if none is named")
    return parser.parse_args()


def play(options: argparse.Namespace, name: str) -> bool:
    """Whether the scenario passed and left nothing."""
    folder = options.out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    width, height = catalogue.SCREENS.get(name, catalogue.SCREEN)
    screen = ["xvfb-run", "--auto-servernum", "--server-args", f"-screen 0 {width}x{height}x24 +extension GLX"]
    window = ["--enable-event-simulate", "--window-geometry", "0", "0", str(width), str(height)]
    script = ["--python", str(HERE / "start.py"), "--", name, str(folder), str(options.video)]
    mark = uuid.uuid4().hex
    began = time.monotonic()
    with (folder / "blender.log").open("w") as log:
        done = subprocess.run(
            [*screen, options.blender, *window, *script],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {MARK: mark},
            timeout=catalogue.LIMIT_SECONDS,
            check=False,
        )
    took = time.monotonic() - began
    gone = seconds_until_gone(mark)
    known = journal(folder)
    good = known["error"] is None and gone is not None and done.returncode in catalogue.CODES.get(name, (0,))
    known |= {"exit_code": done.returncode, "seconds": round(took, 1), "left_for_seconds": gone, "passed": good}
    (folder / "journal.json").write_text(json.dumps(known, indent=1))
    rest = {key: known[key] for key in ("exit_code", "seconds", "left_for_seconds", "error")}
    print(f"{'passed' if good else 'FAILED'}  {name}  {rest}", flush=True)
    return good


def journal(folder: Path) -> dict:
    path = folder / "journal.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    return {"error": None if known.get("ended") else "Blender ended before its scenario"} | known


def seconds_until_gone(mark: str) -> float | None:
    """How long processes with the mark outlived Blender; None if they still run."""
    began = time.monotonic()
    while marked(mark):
        if time.monotonic() - began > LEFT_SECONDS:
            return None
        time.sleep(0.02)
    return round(time.monotonic() - began, 2)


def marked(mark: str) -> list[int]:
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
