"""The models and cards in the repository are those that training writes from the loans in the repository."""

from fundline.risk.training import main
from support.loans import packaged_rows, written


def test_training_writes_exactly_the_models_and_cards_that_are_in_the_repository(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_check_names_what_differs_and_writes_nothing(tmp_path, capsys):
    data = written(tmp_path / "loans.csv", packaged_rows("2004-06-01")[::8])
    places = ["--artefacts", str(tmp_path / "models"), "--cards", str(tmp_path / "cards")]
    assert main(["--check", "--data", str(data), *places]) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 10
    assert all(line.startswith("differs: ") for line in told)
    assert list(tmp_path.iterdir()) == [data]
