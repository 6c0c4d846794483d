"""The depth bank of a run: what its file holds is what the records hold, and it is made when it must be."""

import hashlib
import json
import shutil
from fractions import Fraction

import bank_reading
import numpy as np
import pytest
from PIL import Image
from pipeline_clips import FPS, digests, words, write_clip

from hd_core.cli.main import main
from hd_core.pipeline.bank_file import Rows, stream_record
from hd_core.records import is_whole, read_maps, read_mesh, read_record, read_view, write_record

SIZE = 96
EMPTY = 2
FOLDERS = ("views", "maps", "surfaces", "mesh")


def run_line(*arguments):
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--progress", "none"])
    return end.value.code


def bank_of(run, person=1):
    return bank_reading.read(run / "bank" / f"person{person:02d}.safetensors")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Six frames of an arm before a torso; nobody is in the third."""
    clip = write_clip(tmp_path_factory.mktemp("clip"), num_frames=6, size=SIZE)
    path = clip.parent / "maps" / f"{EMPTY:06d}.npz"
    arrays = dict(np.load(path))
    arrays["mask"][:] = 0
    np.savez(path, **arrays)
    return clip


@pytest.fixture(scope="module", params=["fixed", "follow"])
def run(request, clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "run"
    more = ("--bank", "--crop", request.param, "--subject-height-m", 1.23, "--start-frame", 101, "--formats", "npz")
    assert run_line(*words(clip, folder, size=SIZE), *more) == 0
    return folder


def test_every_frame_of_the_file_is_the_mesh_of_that_frame(run):
    bank, _ = bank_of(run)
    present = [position for position in range(6) if position != EMPTY]
    for position in present:
        mesh = read_mesh(run / f"person01/mesh/{position:06d}.safetensors")
        values, row = bank["depth"][position], bank["view"][position]
        kept = values > 0
        expected = mesh.vertices[: kept.sum()]
        assert np.array_equal(values[kept], expected[:, 2])
        rays = np.concatenate([bank["pixels"] * row[:2] + row[2:4], np.ones((len(kept), 1))], axis=1)
        error = np.linalg.norm((rays * values[:, None])[kept] - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert error.max() < 2e-7
        np.testing.assert_allclose((bank["pixels"] * row[4:6] + row[6:8])[kept], mesh.uv[: kept.sum()], atol=1e-7)
        assert values[bank_reading.drawn(bank, position)].all()
        found = bank_reading.decode(bank["pixels"], values)
        near, far = expected[:, 2].min(), expected[:, 2].max()
        assert ((found.depth[found.is_rim] > near - 0.2) & (found.depth[found.is_rim] < far + 0.2)).all()


def test_a_frame_without_the_person_is_empty_and_has_the_view_of_the_one_before(run):
    bank, _ = bank_of(run)
    assert not bank["depth"][EMPTY].any()
    assert not len(bank_reading.drawn(bank, EMPTY))
    assert np.array_equal(bank["view"][EMPTY], bank["view"][EMPTY - 1])
    assert bank["depth"].any(axis=0).all()
    assert (bank["kept"] != 0).any(axis=0).all()


def test_the_header_tells_the_clip_and_the_file_is_a_whole_record(run):
    bank, header = bank_of(run)
    state = json.loads((run / "run.json").read_text())["stages"]
    assert header == {
        "schema": 1,
        "person_id": 1,
        "fps": [24, 1],
        "camera": json.loads((run / "camera.json").read_text()),
        "crop_size": SIZE,
        "mesh_digest": state["mesh"]["digest"],
        "clip": "clip.mp4",
    }
    assert bank["frame_numbers"].tolist() == list(range(101, 107))
    np.testing.assert_allclose(bank["times_seconds"], [float(Fraction(i) / FPS) for i in range(6)], atol=1e-9)
    shapes = {name: (array.shape[1:], array.dtype) for name, array in bank.items()}
    vertices, quads = len(bank["pixels"]), len(bank["quads"])
    assert shapes == {
        "pixels": ((2,), np.int32),
        "quads": ((4,), np.int32),
        "depth": ((vertices,), np.float32),
        "kept": ((quads,), np.int32),
        "view": ((8,), np.float64),
        "frame_numbers": ((), np.int32),
        "times_seconds": ((), np.float64),
    }
    arrays, _ = read_record(run / "bank/person01.safetensors")
    assert all(np.array_equal(arrays[name], array) for name, array in bank.items())


def test_normal_maps_are_the_surfaces_in_the_viewers_axes_and_flat_blue_elsewhere(run):
    for position in range(6):
        picture = np.asarray(Image.open(run / f"textures/normals.person01.{101 + position:04d}.png"))
        assert picture.shape == (SIZE, SIZE, 3)
        bank, _ = bank_of(run)
        shown = np.zeros((SIZE, SIZE), bool)
        column, row = bank["pixels"].T
        shown[row, column] = bank["depth"][position] != 0
        assert (picture[~shown] == (128, 128, 255)).all()
        if position != EMPTY:
            surface = read_maps(run / f"person01/surfaces/{position:06d}.safetensors")
            kept = np.zeros((SIZE, SIZE), bool)
            kept[row, column] = bank["depth"][position] > 0
            assert kept.sum() > 500
            x, y, z = surface.normal[kept].T.astype(np.float64)
            expected = np.stack([x, -y, -z], axis=1) * 0.5 + 0.5
            assert np.abs(picture[kept] / 255 - expected).max() <= 0.5 / 255 + 1e-6


def test_the_manifest_lists_bank_and_normal_maps_with_their_digests(run):
    outputs = {entry["path"]: entry["sha256"] for entry in json.loads((run / "manifest.json").read_text())["outputs"]}
    names = ["bank/person01.safetensors", *(f"textures/normals.person01.{101 + i:04d}.png" for i in range(6))]
    for name in names:
        assert outputs[name] == sha256(run / name)


def test_a_whole_bank_stays_a_damaged_one_is_made_again_and_gives_the_same_bytes(run, tmp_path):
    run = shutil.copytree(run, tmp_path / "run")
    path, picture = run / "bank/person01.safetensors", run / "textures/normals.person01.0104.png"
    before, digest = path.stat().st_mtime_ns, sha256(path)
    export = ("export", run, "--formats", "npz", "--bank")
    assert run_line(*export) == 0
    assert path.stat().st_mtime_ns == before
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)
    assert run_line(*export) == 0
    assert sha256(path) == digest
    expected = sha256(picture)
    picture.unlink()
    before = path.stat().st_mtime_ns
    assert run_line(*export) == 0
    assert sha256(picture) == expected
    assert path.stat().st_mtime_ns == before


def test_new_options_of_a_stage_discard_the_bank_and_its_normal_maps_but_not_the_pictures(run, clip, tmp_path):
    run = shutil.copytree(run, tmp_path / "run")
    assert run_line("mesh", run, "--max-jump", 0.02, "--overwrite") == 0
    assert not (run / "bank").exists()
    assert not list(run.glob("textures/normals.*"))
    assert len(list(run.glob("textures/frame.*.jpg"))) == 6


def test_a_frame_that_comes_later_is_taken_into_the_bank(run, tmp_path):
    run = shutil.copytree(run, tmp_path / "run")
    digest = sha256(run / "bank/person01.safetensors")
    for stage in FOLDERS:
        (run / f"person01/{stage}/000005.safetensors").rename(tmp_path / stage)
    assert run_line("export", run, "--formats", "npz", "--bank") == 0
    assert not bank_of(run)[0]["depth"][5].any()
    for stage in FOLDERS:
        (tmp_path / stage).rename(run / f"person01/{stage}/000005.safetensors")
    assert run_line("export", run, "--formats", "npz", "--bank") == 0
    assert sha256(run / "bank/person01.safetensors") == digest


@pytest.mark.parametrize("more", [("--topology", "constant"), ("--thickness-m", "0.02", "--keep-ratio", "0.5")])
def test_the_bank_does_not_depend_on_what_else_is_done_with_the_mesh(clip, tmp_path, more):
    plain, other = tmp_path / "plain", tmp_path / "other"
    assert run_line(*words(clip, plain, "--bank", "--crop", "fixed", "--formats", "npz", size=SIZE)) == 0
    assert run_line(*words(clip, other, "--bank", "--crop", "fixed", "--formats", "npz", *more, size=SIZE)) == 0
    one, two = bank_of(plain)[0], bank_of(other)[0]
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_two_people_have_a_bank_each(run, tmp_path):
    run = shutil.copytree(run, tmp_path / "run")
    shutil.copytree(run / "person01", run / "person02")
    for stage in FOLDERS:
        (run / f"person02/{stage}/000000.safetensors").unlink()
    scales = json.loads((run / "scale.json").read_text())
    scales["people"]["2"] = scales["people"]["1"]
    (run / "scale.json").write_text(json.dumps(scales))
    assert run_line("export", run, "--formats", "npz", "--bank") == 0
    (one, _), (two, header) = bank_of(run, 1), bank_of(run, 2)
    assert header["person_id"] == 2
    assert one["depth"][0].any()
    assert not two["depth"][0].any()
    assert len(list(run.glob("textures/normals.person02.*.png"))) == 6


def test_equal_jobs_give_equal_banks(run, clip, tmp_path):
    again = tmp_path / "run"
    crop = read_record(run / "person01/views/000000.safetensors")[1]["crop"]["box"]
    kind = "follow" if crop != read_record(run / "person01/views/000005.safetensors")[1]["crop"]["box"] else "fixed"
    more = ("--bank", "--crop", kind, "--subject-height-m", 1.23, "--start-frame", 101, "--formats", "npz")
    assert run_line(*words(clip, again, size=SIZE), *more) == 0
    assert {name: digest for name, digest in digests(again).items() if "bank" in name or "normals" in name} == {
        name: digest for name, digest in digests(run).items() if "bank" in name or "normals" in name
    }


def test_the_silhouette_of_a_whole_frame_is_its_mattes(clip, run):
    bank, _ = bank_of(run)
    view = read_view(run / "person01/views/000000.safetensors")
    place = bank_reading.decode(bank["pixels"], bank["depth"][0]).place
    hit = bank_reading.filled(place, bank_reading.drawn(bank, 0), SIZE, 4)
    inside = bank_reading.inside_contour(view.alpha, 4)
    assert (hit & ~inside).sum() < 0.01 * inside.sum()  # the step before the torso is open, nothing is too much


def test_a_streamed_record_reads_as_one_written_at_once(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {
        "depth": rng.normal(size=(5, 7)).astype(np.float32),
        "bits": rng.integers(0, 9, (3,)).astype(np.int32),
        "times": rng.normal(size=4),
        "nothing": np.zeros((0, 4), np.int32),
    }
    tensors = {name: Rows.of(array) for name, array in arrays.items()}
    tensors["depth"] = Rows(np.dtype(np.float32), (5, 7), iter(arrays["depth"]))
    with (tmp_path / "streamed").open("wb") as stream:
        sizes = list(stream_record(stream, tensors, digest="abc", header={"a": [1, "é"]}))
    assert sizes[-1] == sum(array.nbytes for array in arrays.values())
    write_record(tmp_path / "whole", arrays, digest="abc", header={"a": [1, "é"]})
    found, header = read_record(tmp_path / "streamed")
    assert header == read_record(tmp_path / "whole")[1]
    assert all(
        np.array_equal(found[name], array) and found[name].shape == array.shape for name, array in arrays.items()
    )
    assert is_whole(tmp_path / "streamed", "abc")
    raw = bytearray((tmp_path / "streamed").read_bytes())
    raw[-3] ^= 4
    (tmp_path / "streamed").write_bytes(raw)
    assert not is_whole(tmp_path / "streamed", "abc")
