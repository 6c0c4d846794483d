"""report.html and contact_sheet.png of a run: what to look at before the result goes to anybody."""

from collections import Counter
from html import escape
from pathlib import PurePath
from string import Template
from typing import Any

import numpy as np

from hd_core.atomic import atomic_path, write_bytes
from hd_core.ranges import ranges_text
from hd_core.records import read_discontinuity, read_maps, read_mesh, read_view
from hd_core.report.sheet import contact_sheet, sheet_row
from hd_core.runfolder import IUV_SHEET, RunFolder

ROWS = 8
"""Of a person alone; several share the sheet, a row each at least."""
ROWS_OF_ALL = 24

PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>$title</title>
<style>
 body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
 img { width: 100%; } table { border-collapse: collapse; width: 100%; }
 td, th { border-bottom: 1px solid #ccc; padding: .2rem .6rem; text-align: right; }
 td:first-child, th:first-child { text-align: left; } .failed, .no_person { color: #b00020; }
</style>
<h1>$title</h1>
<p>$lead</p>
<h2>Pictures</h2>
<img src="contact_sheet.png" alt="input, matte, depth, discontinuities, normals and shaded mesh of $rows frames">
$body
<h2>Files</h2>
<table><tr><th>file</th><th>size</th><th>sha256</th></tr>$files</table>
$people
</html>
""")

PERSON = Template("""<h2>$title</h2>
<p>$lead</p>
<table><tr><th>frame</th><th>time, s</th><th>status</th>$heads</tr>$frames</table>
""")

BODY = f"""<h2>Points of the body</h2>
<img src="{IUV_SHEET}" alt="input, points of the seen surface, of the body under the clothes, and confidence">"""

SHOWN = ("mask_px", "coverage", "stretched_rate", "bridging", "discontinuous_px", "num_vertices", "num_faces")


def write_report(run: RunFolder, manifest: dict[str, Any]) -> None:
    """Write contact_sheet.png and report.html into the run folder.

    Args:
        run: A finished run.
        manifest: Its manifest.
    """
    people = manifest["people"]
    most = max(1, min(ROWS, ROWS_OF_ALL // max(len(people), 1)))
    rows = [
        (f"person {person['id']}, frame {frame['number']}", _row(run, person["id"], frame["index"]))
        for person in people
        for frame in _spread([f for f in person["frames"] if f["status"] == "ok"], most)
    ]
    with atomic_path(run.path / "contact_sheet.png") as aside:
        contact_sheet(rows).save(aside)
    write_bytes(run.path / "report.html", _page(manifest, len(rows), has_body=(run.path / IUV_SHEET).exists()).encode())


def _row(run: RunFolder, person_id: int, index: int) -> np.ndarray:
    surface_path = run.frame_path("integrate", person_id, index)
    return sheet_row(
        read_view(run.frame_path("person", person_id, index)),
        read_maps(surface_path),
        read_discontinuity(surface_path),
        read_mesh(run.frame_path("mesh", person_id, index)),
    )


def _spread(frames: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most so many frames, evenly over the clip, the first and the last among them."""
    picks = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int))
    return [frames[i] for i in picks]


def _page(manifest: dict[str, Any], num_rows: int, *, has_body: bool) -> str:
    source, summary, people = manifest["source"], manifest["summary"], manifest["people"]
    who = f"{len(people)} people, " if len(people) > 1 else ""
    lead = (
        f"{who}{summary['ok']} frames reconstructed, {summary['no_person']} without a person, "
        f"{summary['failed']} failed. Predictor {manifest['stages']['predict']['predictor']}."
    )
    if manifest["cuts"]:
        lead += f" The video cuts at frame {', '.join(map(str, manifest['cuts']))} of the source."
    results = [f for f in manifest["outputs"] if f["path"].startswith("export/")]
    per_suffix = Counter(PurePath(f["path"]).suffix for f in results)
    results.sort(key=lambda f: per_suffix[PurePath(f["path"]).suffix])  # one file for all frames comes first
    return PAGE.substitute(
        title=escape(source["name"]),
        lead=escape(lead),
        rows=num_rows,
        body=BODY if has_body else "",
        files="".join(_file_row(file) for file in results),
        people="".join(_person(person, manifest["scale"]["people"].get(str(person["id"]))) for person in people),
    )


def _person(person: dict[str, Any], scale: dict[str, Any] | None) -> str:
    lead = f"In source {ranges_text(person['present'])}."
    if scale is not None:
        lead += f" Scale from {scale['source']}; visible height {scale['measured_height'] * scale['scale']:.2f} m."
    return PERSON.substitute(
        title=escape(f"Frames of {person['name']}"),
        lead=escape(lead),
        heads="".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in SHOWN),
        frames="".join(_frame_row(frame) for frame in person["frames"]),
    )


def _file_row(file: dict[str, Any]) -> str:
    link = f'<a href="{escape(file["path"])}">{escape(file["path"])}</a>'
    size, digest = f"{file['bytes'] / 1e6:.2f} MB", file["sha256"][:16]
    return f"<tr><td>{link}</td><td>{size}</td><td><code>{digest}</code></td></tr>"


def _frame_row(frame: dict[str, Any]) -> str:
    measures = frame.get("measures", {})
    cells = "".join(f"<td>{measures[name]:.4g}</td>" if name in measures else "<td></td>" for name in SHOWN)
    status = f'<td class="{frame["status"]}">{escape(frame.get("message", frame["status"]))}</td>'
    return f"<tr><td>{frame['number']}</td><td>{frame['time_seconds']:.3f}</td>{status}{cells}</tr>"
