import pytest

from support.applications import an_application


@pytest.mark.parametrize(
    ("said", "kept"),
    [("-0.0000", "0.0000"), ("-0", "0"), ("0.0000", "0.0000"), ("-0.0001", "-0.0001"), ("-1", "-1")],
)
def test_a_margin_of_nothing_has_no_sign(said, kept):
    assert an_application(**{"figures.operatingMargin": said}).figures.operating_margin == kept
