import pytest

from fundline.services.operations_api.dead_letters.answers import (
    DEEPEST_SHOWN_LEVELS,
    LONGEST_SHOWN_BYTES,
    payload_answer,
)


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("payload", "form"),
    [
        (b'{"a": [1, null]}', "json_"),
        (b"no JSON", "text"),
        (b"\xff", "base64"),
        (b'"' + b"x" * LONGEST_SHOWN_BYTES + b'"', "text"),
        (nested(DEEPEST_SHOWN_LEVELS - 1), "json_"),
        (nested(DEEPEST_SHOWN_LEVELS), "text"),
        (nested(1000), "text"),
    ],
)
def test_a_payload_is_shown_in_the_one_form_that_fits(payload, form):
    """A payload of 254 levels made the whole letter unreadable: the answer could not be written."""
    shown = payload_answer(payload)
    forms = {"json_": shown.json_, "text": shown.text, "base64": shown.base64}
    assert [name for name, value in forms.items() if value is not None] == [form]
    assert shown.bytes == len(payload)
    shown.model_dump_json(by_alias=True)
