"""Several people through the whole line, with stand-ins for the person networks."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pipeline_crowd as crowd
import pytest
from PIL import Image
from pipeline_clips import digests, write_clip
from pipeline_crowd import GREEN_FROM, HOLE_AT, NUM_FRAMES, manifest_of, reconstruct, run_line
from pxr import Usd, UsdGeom

from hd_core.errors import InputError, UsageError
from hd_core.export.npz import read_npz
from hd_core.pipeline import line
from hd_core.pipeline.options import ExportOptions, PersonOptions, PredictOptions
from hd_core.pipeline.scale import ASSUMED_HEIGHT_M
from hd_core.pipeline.whom import Whom, parse_whom
from hd_core.records import read_mesh, read_view

HERE = range(GREEN_FROM, NUM_FRAMES)
"""Frames with the second person."""


@pytest.fixture(autouse=True)
def _no_networks(monkeypatch):
    crowd.stand_in(monkeypatch)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return crowd.write_crowd(tmp_path_factory.mktemp("crowd") / "crowd")


@pytest.fixture(scope="module")
def finished(clip, tmp_path_factory):
    """A run of everybody, for tests that only look; what the matter was told; what was said."""
    run = tmp_path_factory.mktemp("finished") / "all"
    with pytest.MonkeyPatch.context() as patch:
        crowd.stand_in(patch)
        assert reconstruct(clip, run, "--person", "all", "--formats", "usdc") == 0
        return SimpleNamespace(run=run, told=sorted(crowd.Matter.told))


@pytest.fixture
def everybody(finished, tmp_path):
    """The same for tests that change it."""
    return shutil.copytree(finished.run, tmp_path / "all")


def views_of(run, person):
    return {int(path.stem): read_view(path) for path in sorted((run / f"person{person:02d}/views").iterdir())}


def heights(run, person):
    """Of every mesh of a person, metres."""
    meshes = [read_mesh(path) for path in sorted((run / f"person{person:02d}/mesh").iterdir())]
    return [float(np.ptp(mesh.vertices[:, 1])) for mesh in meshes]


def test_everybody_is_cut_out_alone_and_stays_the_same_person(finished):
    assert sorted(path.name for path in finished.run.glob("person*")) == ["person01", "person02"]
    for person, channel, frames, box_of in (
        (1, crowd.RED, range(NUM_FRAMES), crowd.red_box),
        (2, crowd.GREEN, HERE, crowd.green_box),
    ):
        views = views_of(finished.run, person)
        assert list(views) == list(frames)
        for index, view in views.items():
            assert view.person_id == person
            left, top, width, height = box_of(index)
            box = view.crop.box
            assert box.left < left < left + width < box.left + box.width
            assert box.top < top < top + height < box.top + box.height
            seen = view.rgb[view.mask]
            assert (seen[:, channel] == seen.max(axis=1)).mean() > 0.9


def test_the_matte_is_told_of_the_other_people_of_its_frame(finished):
    assert finished.told == [0] * GREEN_FROM + [1] * 2 * len(HERE)


def test_the_manifest_tells_who_is_where(finished):
    manifest = manifest_of(finished.run)
    first, second = manifest["people"]
    assert [(one["id"], one["name"], one["present"]) for one in (first, second)] == [
        (1, "person01", [[0, NUM_FRAMES - 1]]),
        (2, "person02", [[GREEN_FROM, NUM_FRAMES - 1]]),
    ]
    assert manifest["summary"]["absent"] == {"1": [], "2": [[0, GREEN_FROM - 1]]}
    assert (manifest["summary"]["ok"], manifest["summary"]["no_person"]) == (NUM_FRAMES + len(HERE), 0)
    assert [frame["status"] for frame in second["frames"]] == ["no_person"] * GREEN_FROM + ["ok"] * len(HERE)
    assert first["box_px"]["height"] == {"min": 64.0, "median": 64.0, "max": 64.0}
    assert manifest["cuts"] == manifest["not_chosen"] == []


def test_the_results_are_told_person_by_person(clip, tmp_path, capfd):
    assert reconstruct(clip, tmp_path / "run", "--person", "all", "--formats", "npz") == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "13 frames reconstructed, 0 without a person."
    assert said[1] == "2 people: person01 8 frames, person02 5 frames"


def test_one_id_is_that_person_of_all_byte_for_byte(finished, clip, tmp_path):
    run = tmp_path / "second"
    assert reconstruct(clip, run, "--person", "2", "--formats", "usdc") == 0
    assert [path.name for path in run.glob("person*")] == ["person02"]
    assert manifest_of(run)["not_chosen"] == [1]
    for index, view in views_of(run, 2).items():
        other = views_of(finished.run, 2)[index]
        np.testing.assert_array_equal(view.rgb, other.rgb)
        np.testing.assert_array_equal(view.alpha, other.alpha)
        assert view.crop.box == other.crop.box


def test_largest_is_one_person_as_ever_and_the_others_are_spoken_of(clip, tmp_path, capfd):
    run = tmp_path / "run"
    assert reconstruct(clip, run, "--formats", "usdc") == 0
    assert "2 people seen; the largest is kept. --person all takes everybody." in capfd.readouterr().err
    assert [path.name for path in run.glob("person*")] == ["person01"]
    assert [frame["status"] for frame in manifest_of(run)["people"][0]["frames"]] == ["ok"] * NUM_FRAMES


def test_a_place_is_the_person_found_there_in_the_first_picture_and_followed(clip, tmp_path):
    run = tmp_path / "run"
    left, top, width, height = crowd.green_box(GREEN_FROM)
    place = f"{left},{top},{width},{height}"
    assert reconstruct(clip, run, "--person", place, "--frames", f"{GREEN_FROM}:", "--formats", "usdc") == 0
    lefts = [view.crop.box.left + view.crop.box.width / 2 for view in views_of(run, 1).values()]
    np.testing.assert_allclose(lefts, [148 - 5 * index for index in HERE], atol=1.5)


def test_nobody_in_the_place_is_said_with_the_place(clip, tmp_path, capfd):
    assert reconstruct(clip, tmp_path / "run", "--person", "100,0,20,20") == 3
    assert "No person found at 100,0,20,20 in the first picture of crowd, frame 0." in capfd.readouterr().err


def test_nobody_in_the_clip_is_said_with_the_range_of_frames(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    for index in range(3):
        Image.fromarray(np.full((64, 64, 3), 20, np.uint8)).save(tmp_path / "empty" / f"{index}.png")
    assert reconstruct(tmp_path / "empty", tmp_path / "run", "--person", "all") == 3
    assert "No person found in frames 0 to 2 of empty." in capfd.readouterr().err


def test_an_id_that_is_not_there_is_answered_with_those_that_are(clip, tmp_path, capfd):
    run = tmp_path / "run"
    assert reconstruct(clip, run, "--person", "5") == 3
    said = capfd.readouterr().err
    assert "There is no person 5 in crowd; there are 1 (frames 0 to 7), 2 (frames 3 to 7)." in said
    looked = crowd.Finder.looks
    assert reconstruct(clip, run, "--person", "2", "--overwrite", "--formats", "usdc") == 0
    assert crowd.Finder.looks == looked, "who is where was known already"


@pytest.mark.parametrize("words", ["", "nobody", "0", "-1", "1.5", "1,2,3", "1,2,3,0", "nan,0,1,1", "1,2,3,4,5", "All"])
def test_words_that_mean_nobody_are_refused_in_one_line(words):
    with pytest.raises(UsageError) as refusal:
        PersonOptions(person=words)
    assert repr(words) in refusal.value.message
    assert "all" in refusal.value.hint


def test_words_mean_what_they_say():
    assert parse_whom("largest") == Whom()
    assert parse_whom("all") == Whom(everybody=True)
    assert parse_whom("12") == Whom(everybody=True, only=12)
    assert parse_whom("10,-4.5,30,60") == Whom(place=(10.0, -4.5, 30.0, 60.0))


@pytest.mark.parametrize("whom", ["all", "1", "0,0,9,9"])
def test_a_matte_or_a_box_names_one_person_and_no_other_is_looked_for(clip, tmp_path, capfd, whom):
    cut_out = np.zeros((64, 64, 4), np.uint8)
    Image.fromarray(cut_out).save(tmp_path / "alpha.png")
    closed_form = write_clip(tmp_path / "maps", num_frames=1, size=64)
    maps = ["--predictor", "maps", "--maps", str(closed_form.parent / "maps")]
    for source, more, named in (
        (clip, ["--mask", str(clip)], "--mask"),
        (clip, ["--box", "0", "0", "9", "9"], "--box"),
        (tmp_path / "alpha.png", ["--predictor", "constant"], "alpha channel"),
        (closed_form, maps, "that of the maps"),
    ):
        words = ["reconstruct", source, "-o", tmp_path / "run", "--person", whom, *more]
        for dry in ([], ["--dry-run"]):
            assert run_line(*words, *dry) == 2
            assert named in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


def test_crops_are_not_smoothed_over_a_cut(clip, tmp_path, monkeypatch):
    """Red stands still, then stands elsewhere from frame 4 on: at a cut the crop is there at once."""
    jump = tmp_path / "jump"
    jump.mkdir()
    for index in range(NUM_FRAMES):
        picture = np.full((96, 160, 3), 20, np.uint8)
        left = 10 if index < 4 else 110
        picture[16:80, left : left + 24, 0] = 220
        Image.fromarray(picture).save(jump / f"{index:04d}.png")
    middles = {}
    for name, cuts in (("cut", (4,)), ("whole", ())):
        monkeypatch.setattr(crowd.Finder, "cuts", cuts)
        assert reconstruct(jump, tmp_path / name, "--formats", "usdc") == 0
        boxes = [view.crop.box for view in views_of(tmp_path / name, 1).values()]
        middles[name] = [box.left + box.width / 2 for box in boxes]
    np.testing.assert_allclose(middles["cut"], [22] * 4 + [122] * 4, atol=1e-6)
    assert np.ptp(middles["whole"][3:5]) < 90
    assert manifest_of(tmp_path / "cut")["cuts"] == [4]


def test_what_a_matte_loses_for_one_frame_comes_back_but_not_over_a_cut_or_a_fifth_of_a_second(
    clip, tmp_path, monkeypatch
):
    left, top, *_ = crowd.red_box(HOLE_AT)
    for name, cuts, fps, filled in (("whole", (), 25, True), ("cut", (HOLE_AT,), 25, False), ("slow", (), 5, False)):
        monkeypatch.setattr(crowd.Finder, "cuts", cuts)
        words = ["--crop", "fixed", "--formats", "usdc", "--fps", str(fps)]
        assert reconstruct(clip, tmp_path / name, *words) == 0
        view = views_of(tmp_path / name, 1)[HOLE_AT]
        x, y = (view.crop.crop_from_full @ [left + 12, top + 25, 1])[:2].astype(int)
        assert (view.alpha[y, x] > 0.5) is np.bool_(filled)


@pytest.mark.parametrize(
    "gone", [{1: [5]}, {1: [4, 5, 6], 2: [5]}, {2: [7]}, {1: [0, 7]}, {1: range(8), 2: range(3, 8)}]
)
def test_views_that_are_made_again_have_the_bytes_of_the_first_time(everybody, clip, gone):
    before = digests(everybody)
    for person, frames in gone.items():
        for index in frames:
            (everybody / f"person{person:02d}/views/{index:06d}.safetensors").unlink()
    looked = crowd.Finder.looks
    assert reconstruct(clip, everybody, "--person", "all", "--formats", "usdc") == 0
    assert digests(everybody) == before
    assert crowd.Finder.looks == looked


def test_other_people_leave_no_folder_behind_when_a_run_is_overwritten(everybody, clip):
    assert reconstruct(clip, everybody, "--formats", "usdc", "--overwrite") == 0
    assert [path.name for path in everybody.glob("person*")] == ["person01"]
    assert len(manifest_of(everybody)["people"]) == 1


def test_everybody_is_as_tall_as_a_body_where_sizes_are_unknown_and_stands_where_that_puts_them(clip, tmp_path, capfd):
    """Green is 40 px tall beside red's 64: of the same height, it is 1.6 times as far away."""
    run = tmp_path / "run"
    words = ["reconstruct", clip, "-o", run, "--predictor", "flat", "--size", "64", "--person", "all"]
    assert run_line(*words, "--formats", "usdc") == 0
    assert "Scale for person01, person02: assumed body height 1.70 m" in capfd.readouterr().err
    for person in (1, 2):
        assert max(heights(run, person)) == pytest.approx(ASSUMED_HEIGHT_M, rel=0.04)
    depths = [read_mesh(run / f"person0{one}/mesh/000004.safetensors").vertices[:, 2].mean() for one in (1, 2)]
    assert depths[1] / depths[0] == pytest.approx(64 / 40, rel=0.05)


def test_a_stated_height_is_the_first_persons(clip, tmp_path, capfd):
    run = tmp_path / "run"
    words = ["reconstruct", clip, "-o", run, "--predictor", "flat", "--size", "64", "--person", "all"]
    assert run_line(*words, "--subject-height-m", "1.9", "--formats", "usdc") == 0
    assert "Scale for person02: assumed body height 1.70 m" in capfd.readouterr().err
    assert max(heights(run, 1)) == pytest.approx(1.9, rel=0.04)
    assert max(heights(run, 2)) == pytest.approx(ASSUMED_HEIGHT_M, rel=0.04)
    people = json.loads((run / "scale.json").read_text())["people"]
    assert people["1"]["source"] == "--subject-height-m of person01"


def test_metres_of_the_predictor_hold_for_everybody(finished, clip, tmp_path):
    people = json.loads((finished.run / "scale.json").read_text())["people"]
    assert [(one["scale"], one["source"]) for one in people.values()] == [(1.0, "metric predictor")] * 2
    run = tmp_path / "stated"
    assert reconstruct(clip, run, "--person", "all", "--subject-height-m", "1.8", "--formats", "usdc") == 0
    locks = json.loads((run / "scale.json").read_text())["people"]
    assert locks["1"]["scale"] == locks["2"]["scale"] == pytest.approx(1.8 / locks["1"]["measured_height"])


def test_usd_holds_a_mesh_for_each_and_who_comes_later_shows_nothing_before(finished):
    stage = Usd.Stage.Open(str(finished.run / "export" / "crowd.usdc"))
    meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert [prim.GetName() for prim in meshes] == ["person01", "person02"]
    second = UsdGeom.Mesh(meshes[1])
    counts = [len(second.GetFaceVertexCountsAttr().Get(number + 1)) for number in range(NUM_FRAMES)]
    assert [count > 0 for count in counts] == [False] * GREEN_FROM + [True] * len(HERE)


@pytest.mark.parametrize("topology", ["varying", "constant"])
def test_every_format_holds_an_object_for_each(clip, tmp_path, topology):
    run = tmp_path / "run"
    formats = ["usdc", "abc", "glb", "obj", "ply", "npz", *(["pc2"] if topology == "constant" else [])]
    more = ["--topology", topology, "--bank", "--passes", "--formats", *formats]
    assert reconstruct(clip, run, "--person", "all", *more) == 0
    export = run / "export"
    names = {path.name for path in export.iterdir()}
    numbers = [f"{number:04d}" for number in range(1, NUM_FRAMES + 1)]
    for suffix in ("obj", "ply"):
        assert {f"crowd.person0{one}.{number}.{suffix}" for one in (1, 2) for number in numbers} <= names
    assert "o person02" in (export / "crowd.person02.0008.obj").read_text().splitlines()
    scene = read_npz(export / "crowd.npz")
    assert [sequence.name for sequence in scene.sequences] == ["person01", "person02"]
    if topology == "constant":
        assert {"crowd.glb", "crowd.person01.pc2", "crowd.person02.pc2"} <= names
        assert nodes_of(export / "crowd.glb") == ["person01", "person02"]
    else:
        assert {f"crowd.person0{one}.{number}.glb" for one in (1, 2) for number in numbers} <= names
        assert nodes_of(export / "crowd.person02.0008.glb") == ["person02"]
    assert abc_objects(export / "crowd.abc") == ["person01", "person02"]
    assert sorted(path.name for path in (run / "bank").iterdir()) == [f"person0{one}.safetensors" for one in (1, 2)]
    assert len(list((run / "passes").glob("person02.*.exr"))) == len(HERE)


def nodes_of(path):
    data = path.read_bytes()
    size = int.from_bytes(data[12:16], "little")
    return [node["name"] for node in json.loads(data[20 : 20 + size])["nodes"]]


def abc_objects(path):
    from alembic3d import Abc  # noqa: PLC0415 - one test needs it

    top = Abc.IArchive(str(path)).getTop()
    return [top.getChild(number).getName() for number in range(top.getNumChildren())]


def test_everybody_has_an_atlas_of_their_own(clip, tmp_path):
    run = tmp_path / "run"
    assert reconstruct(clip, run, "--person", "all", "--texture", "atlas", "--formats", "usdc") == 0
    for person, channel in ((1, crowd.RED), (2, crowd.GREEN)):
        atlas = np.asarray(Image.open(run / "textures" / f"atlas.person0{person}.png"))
        height, width = atlas.shape[:2]
        mesh = read_mesh(run / f"person0{person}/mesh/000006.safetensors")
        column = (mesh.uv[:, 0] * width).astype(int).clip(0, width - 1)
        row = ((1 - mesh.uv[:, 1]) * height).astype(int).clip(0, height - 1)
        seen = atlas[row, column]
        assert (seen[:, channel] > 150).mean() > 0.8
    assert "atlas.person02.png" in Usd.Stage.Open(str(run / "export/crowd.usdc")).ExportToString()


class Failing:
    """A predictor that can do nothing with some frames."""

    def __init__(self, inner, bad):
        self.inner, self.bad = inner, bad

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def predict(self, view):
        if (view.person_id, view.frame_index) in self.bad:
            raise InputError(f"Cannot see person {view.person_id} in {view.frame_index}.")
        return self.inner.predict(view)


@pytest.fixture
def failing(monkeypatch):
    load = line.load_predictor

    def fail(*bad):
        monkeypatch.setattr(line, "load_predictor", lambda *words: Failing(load(*words), bad))

    return fail


def test_a_failure_is_its_persons_and_not_that_of_the_others_in_the_frame(clip, tmp_path, capfd, failing):
    failing((2, 4))
    run = tmp_path / "run"
    assert reconstruct(clip, run, "--person", "all", "--formats", "usdc") == 4
    assert "1 frames failed, the first is 4 of person02: predict: Cannot see person 2 in 4." in capfd.readouterr().err
    first, second = (person["frames"] for person in manifest_of(run)["people"])
    assert (first[4]["status"], second[4]["status"]) == ("ok", "failed")
    assert manifest_of(run)["summary"]["failed"] == 1


@pytest.mark.parametrize("topology", ["varying", "constant"])
def test_one_who_fails_in_every_frame_does_not_keep_the_others_back(clip, tmp_path, failing, topology):
    failing(*((2, index) for index in HERE))
    run = tmp_path / "run"
    more = ["--topology", topology, "--texture", "atlas", "--bank", "--passes", "--formats", "usdc"]
    assert reconstruct(clip, run, "--person", "all", *more) == 4
    first, second = (person["frames"] for person in manifest_of(run)["people"])
    assert {frame["status"] for frame in first} == {"ok"}
    assert {frame["status"] for frame in second[GREEN_FROM:]} == {"failed"}
    stage = Usd.Stage.Open(str(run / "export" / "crowd.usdc"))
    assert [prim.GetName() for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)] == ["person01"]


def test_all_who_fail_in_every_frame_end_the_job_with_the_first_failure(clip, tmp_path, capfd, failing):
    failing(*((person, index) for person in (1, 2) for index in range(NUM_FRAMES)))
    assert reconstruct(clip, tmp_path / "run", "--person", "all") == 3
    assert "Cannot see person 1 in 0." in capfd.readouterr().err


def test_a_frame_that_came_later_is_in_the_file_written_after_it(clip, tmp_path, failing, monkeypatch):
    run = tmp_path / "run"
    with monkeypatch.context() as once:
        load = line.load_predictor
        once.setattr(line, "load_predictor", lambda *words: Failing(load(*words), [(1, 4)]))
        assert reconstruct(clip, run, "--formats", "npz") == 4
    assert len(read_npz(run / "export" / "crowd.npz").sequences[0][4].faces) == 0
    assert reconstruct(clip, run, "--formats", "npz") == 0
    assert len(read_npz(run / "export" / "crowd.npz").sequences[0][4].faces) > 0


def test_progress_counts_the_frames_of_everybody_together(clip, tmp_path):
    class Told:
        def __init__(self):
            self.steps = {}

        def step(self, stage, done, total):
            self.steps.setdefault(stage, []).append((done, total))

        def warn(self, message):
            pass

        def cancelled(self):
            return False

    told = Told()
    plan = line.Plan(
        person=PersonOptions(person="all", size=64),
        predict=PredictOptions(predictor="constant"),
        export=ExportOptions(formats=("usdc",)),
    )
    line.reconstruct(clip, tmp_path / "run", plan, progress=told)
    both = NUM_FRAMES + len(HERE)
    for stage in ("predict", "integrate", "mesh"):
        done = [one for one, _ in told.steps[stage]]
        assert done == sorted(done)
        assert told.steps[stage][-1] == (both, both)
        assert {total for _, total in told.steps[stage]} == {both}


def test_an_unfinished_run_says_how_far_it_is(clip, tmp_path, capfd):
    run = tmp_path / "run"
    assert reconstruct(clip, run, "--person", "all", "--formats", "usdc") == 0
    for name in ("mesh", "surfaces"):
        for path in run.glob(f"person0*/{name}/*"):
            path.unlink()
    (run / "scale.json").unlink()
    assert run_line("export", run) == 3
    said = capfd.readouterr().err
    assert "not finished: it holds no mesh (frames done: person 13, predict 13, integrate 0, mesh 0)" in said


def test_a_frame_that_a_later_stage_has_not_made_is_told_in_the_manifest(everybody):
    (everybody / "person02" / "mesh" / "000005.safetensors").unlink()
    assert run_line("export", everybody) == 0
    entry = manifest_of(everybody)["people"][1]["frames"][5]
    assert entry["status"] == "failed"
    assert entry["message"] == "mesh: no record in mesh/; that stage has not finished it"


def test_the_dry_run_says_who_and_what_each_further_person_takes(clip, tmp_path, capfd):
    assert reconstruct(clip, tmp_path / "run", "--person", "all", "--dry-run") == 0
    said = capfd.readouterr().out
    assert "everybody, each with a crop of 64 px" in said
    assert "MB more for each further person" in said
    assert not (tmp_path / "run").exists()


def test_a_job_file_names_the_person_as_the_command_line_does(clip, tmp_path):
    job = {"video": str(clip), "output": str(tmp_path / "run"), "person": "all", "predictor": "constant", "size": 64}
    (tmp_path / "job.json").write_text(json.dumps(job))
    assert run_line("reconstruct", "--job", tmp_path / "job.json", "--formats", "usdc") == 0
    assert len(manifest_of(tmp_path / "run")["people"]) == 2


def test_the_report_has_a_part_for_each(finished):
    page = (finished.run / "report.html").read_text()
    assert page.index("Frames of person01") < page.index("Frames of person02")
    assert "2 people, 13 frames reconstructed" in page
    assert "In source frames 3 to 7." in page
    with Image.open(finished.run / "contact_sheet.png") as sheet:
        assert sheet.height == 22 + 256 * (8 + 5)
