"""`hd-core evaluate` as it is typed."""

import json

import pytest
from evaluate_scenes import archive

from hd_core.cli.main import main


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "test").mkdir(parents=True)
    for number in range(2):
        archive(tmp_path / "data" / "test" / f"{number:06d}.npz", clip=number)
    return tmp_path / "data"


def typed(*words):
    with pytest.raises(SystemExit) as stopped:
        main([*map(str, words), "--progress", "none"])
    return stopped.value.code


def test_one_command_prints_the_table_the_groups_and_the_goals(data, tmp_path, capsys):
    code = typed("evaluate", "inflate", "--data", data, "--goals", "-o", tmp_path / "out", "--surface-every", 1)
    printed = capsys.readouterr().out.splitlines()
    assert code == 0
    assert printed[0].split() == ["inflate", "flat"]
    mean = next(line for line in printed if line.startswith("normals, mean deg"))
    inflated, flat = map(float, mean.split()[-2:])
    assert 0 < inflated < flat / 2  # a sphere is what inflation is best at
    assert any(line.startswith("view front") for line in printed)
    assert any(line.startswith("adapt on an unseen clip") and line.endswith("not measured") for line in printed)
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert f"{report['predictors']['inflate']['scores']['normal_mean_deg']:.2f}" == f"{inflated:.2f}"
    assert (tmp_path / "out" / "frames.png").is_file()


def test_an_unknown_predictor_is_one_line_and_exit_code_2(data, capsys):
    assert typed("evaluate", "nonsense", "--data", data) == 2
    assert capsys.readouterr().err.startswith("error: No predictor 'nonsense'.")


def test_data_that_is_not_there_is_one_line_and_exit_code_3(tmp_path, capsys):
    assert typed("evaluate", "flat", "--data", tmp_path / "none") == 3
    assert "no clips with ground truth" in capsys.readouterr().err
