import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.tracking import ALPHABET, TrackingIdMistyped, check_symbol, tracking_id, tracking_id_in

BITS = st.integers(0, 2**60 - 1)


def symbols(text: str) -> list[str]:
    return list(text.removeprefix("FL-").replace("-", ""))


@given(BITS)
def test_a_tracking_id_can_be_read_out_and_checked(bits):
    text = tracking_id(bits)
    assert re.fullmatch(rf"FL-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{5}}", text)
    *body, check = symbols(text)
    assert check_symbol(body) == check


@given(BITS, BITS)
def test_different_bits_give_different_ids(one, other):
    assert (tracking_id(one) == tracking_id(other)) == (one == other)


@given(BITS, st.integers(0, 10))
def test_two_neighbours_swapped_are_noticed(bits, place):
    *body, check = symbols(tracking_id(bits))
    swapped = body[:]
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    alike = (ALPHABET.index(body[place]) - ALPHABET.index(body[place + 1])) % 31 == 0
    assert (check_symbol(swapped) == check) == alike


@given(
    BITS,
    st.sampled_from([str.lower, str.title, lambda text: text.replace("-", ""), lambda text: f" {text} "]),
)
def test_a_tracking_id_is_understood_as_people_write_it(bits, written):
    text = tracking_id(bits)
    assert tracking_id_in(written(text)) == text
    assert tracking_id_in("FL" + text[2:].replace("0", "O").replace("1", "l")) == text


@given(BITS, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_told(bits, place, other):
    text = tracking_id(bits)
    body = symbols(text)
    alike = (ALPHABET.index(body[place]) - ALPHABET.index(other)) % 31 == 0
    body[place] = other
    if alike:
        return
    with pytest.raises(TrackingIdMistyped):
        tracking_id_in("FL" + "".join(body))


@pytest.mark.parametrize(
    "text",
    ["", "FL", "FL-0000-0000-0000", "XX-0000-0000-00000", "FL-0000-0000-0000U", "%00", "fl" + "0" * 5000],
)
def test_what_is_no_tracking_id(text):
    assert tracking_id_in(text) is None
