import orjson
import pytest

from fundline.domain.scoring import BadScore
from fundline.risk.features import FEATURE_NAMES
from fundline.services.model_service.protocol import (
    BadTensor,
    BatchTooLarge,
    answer_inference,
    describe_model,
    read_inference,
)
from support.model_service import ROW, infer_body, ready_model

TWO = [ROW, {**ROW, "employees": 30.0, "franchise": 1.0, "state": "unknown"}]


def read(body, most_rows=4096):
    return read_inference(orjson.dumps(body), most_rows=most_rows)


def answer(body, model=None):
    return orjson.loads(answer_inference(model or ready_model(), read(body)))


def refusal_of(body, kind=BadTensor):
    with pytest.raises(kind) as refused:
        read(body)
    return refused.value.sentence


def test_columns_become_rows():
    assert read(infer_body(TWO)).rows == [dict(row) for row in TWO]


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 1]},
        {"shape": [2, 1], "data": [[4.0], [30.0]]},
        {"datatype": "INT64", "data": [4, 30]},
        {"datatype": "INT32", "data": [4, 30]},
        {"datatype": "FP32", "data": [4, 30.0]},
    ],
)
def test_numbers_come_in_several_forms_and_are_the_same_rows(change):
    assert read(infer_body(TWO, employees=change)).rows == [dict(row) for row in TWO]


@pytest.mark.parametrize(("datatype", "data"), [("FP64", [0.0, 1.0]), ("INT64", [0, 1])])
def test_flags_may_be_numbers(datatype, data):
    rows = read(infer_body(TWO, franchise={"datatype": datatype, "data": data})).rows
    assert [row["franchise"] for row in rows] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"employees": None}, "employees: the feature is missing."),
        ({"employees": {"name": "cake"}}, "cake: no model knows this feature."),
        ({"employees": {"name": "amount"}}, "An input is given twice."),
        ({"employees": {"shape": [2]}}, "employees: the shape must be [1] or [1, 1], as of the others."),
        ({"employees": {"shape": [1, 2]}}, "employees: the shape must be [1] or [1, 1], as of the others."),
        ({"employees": {"data": [1, 2]}}, "employees: 2 values do not fill the shape [1]."),
        ({"employees": {"data": [[4.0]]}}, "employees: [4.0] is no FP64 (row 0)."),
        ({"employees": {"data": [None]}}, "employees: None is no FP64 (row 0)."),
        ({"employees": {"data": [True]}}, "employees: True is no FP64 (row 0)."),
        ({"employees": {"datatype": "INT64", "data": [4.5]}}, "employees: 4.5 is no INT64 (row 0)."),
        ({"employees": {"datatype": "BYTES", "data": ["4"]}}, "one of FP64, FP32, INT32, INT64."),
        ({"employees": {"data": [-1.0]}}, "employees: -1.0 is not between 0 and 1e+06. (row 0)"),
        ({"franchise": {"data": ["yes"]}}, "franchise: 'yes' is no BOOL (row 0)."),
        ({"franchise": {"datatype": "FP64", "data": [0.5]}}, "franchise: 0.5 is not between 0 and 1."),
        ({"subsector": {"data": ["xyz"]}}, "subsector: “xyz” is not a value of this feature. (row 0)"),
        ({"state": {"data": [7]}}, "state: 7 is no BYTES (row 0)."),
        ({"employees": {"shape": []}}, "inputs.2.shape: "),
        ({"employees": {"shape": [-1]}}, "employees: the shape must be [1]"),
        ({"employees": {"data": "4"}}, "inputs.2.data: "),
        ({"amount": {"shape": [0], "data": []}}, "A batch has at least one row."),
    ],
)
def test_a_bad_tensor_is_refused_with_a_sentence_that_names_it(changes, sentence):
    assert sentence in refusal_of(infer_body(**changes))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "not JSON"),
        (b"[]", "valid dictionary"),
        (b"{}", "^inputs: Field required"),
        (b'{"inputs": 3}', "^inputs: Input should be a valid"),
        (b"\xff", "not JSON"),
        (b'{"inputs": [NaN]}', "not finite"),
    ],
)
def test_what_is_no_request_is_refused(text, sentence):
    with pytest.raises(BadTensor, match=sentence):
        read_inference(text, most_rows=10)


def test_not_a_number_has_no_place_in_json():
    body = orjson.dumps(infer_body()).replace(b"4.0", b"NaN")
    with pytest.raises(BadTensor, match="not finite"):
        read_inference(body, most_rows=10)


def test_a_batch_has_a_limit():
    assert len(read(infer_body([ROW] * 3), most_rows=3).rows) == 3
    with pytest.raises(BatchTooLarge, match="at most 3 rows; this one has 4"):
        read(infer_body([ROW] * 4), most_rows=3)


def test_a_long_value_is_not_repeated_in_full():
    assert len(refusal_of(infer_body(state={"data": ["x" * 10_000]}))) < 400


def test_the_answer_has_one_row_for_each_and_names_its_columns():
    body = answer(infer_body(TWO))
    assert body["model_name"] == "probability-of-default"
    assert body["model_version"] == "made-up-1"
    assert body["parameters"] == {"base_rate": 0.2, "digest": "0" * 64}
    probability, base, contributions = body["outputs"]
    assert (probability["datatype"], probability["shape"]) == ("FP64", [2])
    assert base == {"name": "base", "datatype": "FP64", "shape": [2], "data": [-2.0, -2.0]}
    assert contributions["shape"] == [2, len(FEATURE_NAMES)]
    assert contributions["parameters"]["features"].split(",") == list(FEATURE_NAMES)
    position = FEATURE_NAMES.index("employees")
    assert contributions["data"][position :: len(FEATURE_NAMES)] == [0.04, 0.3]


def test_the_id_and_the_parameters_come_back():
    body = answer({**infer_body(), "id": "42", "parameters": {"lane": "express", "digest": "mine"}})
    assert body["id"] == "42"
    assert body["parameters"] == {"lane": "express", "digest": "0" * 64, "base_rate": 0.2}
    assert "id" not in answer(infer_body())


def test_a_caller_may_choose_outputs():
    body = answer({**infer_body(), "outputs": [{"name": "base"}, {"name": "probability"}]})
    assert [output["name"] for output in body["outputs"]] == ["base", "probability"]
    assert "there is no such output" in refusal_of({**infer_body(), "outputs": [{"name": "shap"}]})


@pytest.mark.parametrize("nonsense", [1.2, -0.1, float("nan"), float("inf")])
def test_a_model_that_answers_no_probability_is_not_repeated_to_anybody(nonsense):
    with pytest.raises(BadScore, match=r"not a probability|not finite"):
        answer(infer_body(), ready_model(probability=nonsense))


def test_the_metadata_say_what_to_send():
    described = describe_model(ready_model("scorecard-2"), ["scorecard-1", "scorecard-2"])
    assert described["name"] == "probability-of-default"
    assert described["versions"] == ["scorecard-1", "scorecard-2"]
    assert described["platform"] == "fundline_scorecard"
    sent = {tensor["name"]: tensor["datatype"] for tensor in infer_body()["inputs"]}
    assert {tensor["name"]: tensor["datatype"] for tensor in described["inputs"]} == sent
    assert described["outputs"][2]["shape"] == [-1, len(FEATURE_NAMES)]
