import uuid

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from fundline.platform.http.requests import query_parameters
from fundline.platform.refusals import FieldError, InvalidRequest


class Page(BaseModel):
    before: uuid.UUID | None = None


def test_what_is_no_id_is_refused_with_a_sentence_that_shows_one():
    request = Request({"type": "http", "query_string": b"before=garbage", "headers": []})
    with pytest.raises(InvalidRequest) as refused:
        query_parameters(request, Page)
    sentence = "This is not an id; ids look like 01a20853-435d-72b7-8843-870609cb1f2b."
    assert refused.value.errors == (FieldError("before", sentence),)
