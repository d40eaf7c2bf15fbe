"""Parts that several operations of the OpenAPI document share."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from fundline.platform.http.problems import MEDIA_TYPE
from fundline.platform.shapes import Answer

REFERENCE = "#/components/schemas/{model}"
REFUSALS: dict[int, str] = {
    400: "The body is no JSON, or the Idempotency-Key is missing.",
    401: "No valid token.",
    403: "The token's role may not do this.",
    404: "There is nothing like this that the caller may see.",
    409: "The first request with this key has not finished, or the state of the record forbids it.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "Values that are not acceptable, or a key that was used for another request.",
    429: "Too many requests of this client.",
    503: "A part that Fundline depends on does not answer; try again.",
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 255 visible ASCII characters, one per write and caller; kept for 48 hours.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
}
PLAYED_BACK: dict[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true` when this is the stored answer of the first request with this key.",
        "schema": {"type": "string", "const": "true"},
    }
}
RETRY_AFTER: dict[str, Any] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
}
STREAM_SECURITY: list[dict[str, Any]] = [{"bearer": []}, {"access_token": []}]


class RefusedValue(Answer):
    path: Annotated[str, Field(examples=["business.employees"])]
    message: str


class Problem(BaseModel):
    """RFC 9457. `type` is stable, see docs/problems.md; `instance` is added by the gateway's own answers."""

    type: Annotated[str, Field(pattern="^urn:fundline:problem:[a-z0-9-]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str | None = None
    errors: list[RefusedValue] | None = None


def responds(description: str, schema: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description}
    if headers:
        answer["headers"] = headers
    answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return answer


def refused(*statuses: int) -> dict[str, dict[str, Any]]:
    return {
        str(status): {
            "description": REFUSALS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def path_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": schema}
    return {**parameter, "description": description} if description else parameter


def query_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """One parameter per field; all are optional."""
    schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE)
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(field)}
        for name, field in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is absent, never null."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    kept = options[0] if len(options) == 1 else dict(schema)
    return {name: value for name, value in kept.items() if name != "title" and value is not None}


def operation(
    operation_id: str,
    summary: str,
    *,
    parameters: list[dict[str, Any]],
    responses: dict[str, Any],
    tag: str = "applications",
    body: tuple[str, dict[str, Any]] | None = None,
    security: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`body`: the name of its schema, and an example."""
    described: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        "parameters": parameters,
    }
    if body is not None:
        schema, example = body
        described["requestBody"] = {
            "required": True,
            "description": "At most 64 KiB. Unknown fields are refused.",
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{schema}"},
                    "example": example,
                }
            },
        }
    described["responses"] = responses
    if security is not None:
        described["security"] = security
    for status in ("429", "503"):
        described["responses"][status]["headers"] = RETRY_AFTER
    return described
