import re

from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.tracking import ALPHABET, check_symbol, tracking_id

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
