"""Operations of the OpenAPI document, from the endpoints that the services declare."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from fundline.manual.openapi_parts import (
    IDEMPOTENCY_KEY,
    PLAYED_BACK,
    STREAM_SECURITY,
    operation,
    path_parameter,
    query_of,
    refused,
    responds,
)
from fundline.platform.http.endpoints import WEBSOCKET, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.platform.http.problems import STATUS_OF

Declared = Iterable[Endpoint[Any, Any]]
_UUID = {"type": "string", "format": "uuid"}
_ALWAYS = {401, 429, 503}
_OF_A_WRITE = {400, 409, 422}
_OF_A_BODY = {413, 415}
_LOCATION = {"Location": {"description": "Where to read it.", "schema": {"type": "string"}}}


def paths_of(endpoints: Declared) -> dict[str, Any]:
    """{path: {method: operation}}, in the order of their declaration."""
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        method = "get" if endpoint.method == WEBSOCKET else endpoint.method.lower()
        paths.setdefault(endpoint.path, {})[method] = operation_of(endpoint)
    return paths


def models_of(endpoints: Declared) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    """Bodies and answers, each with the way that it goes."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for endpoint in endpoints:
        if endpoint.is_write and endpoint.takes is not None:
            models[endpoint.takes, "validation"] = None
        if endpoint.gives is not None:
            models[endpoint.gives, "serialization"] = None
    return list(models)


def queries_of(endpoints: Declared) -> list[type[BaseModel]]:
    return [one.takes for one in endpoints if not one.is_write and one.takes is not None]


def operation_of(endpoint: Endpoint[Any, Any]) -> dict[str, Any]:
    body = None
    if endpoint.is_write and endpoint.takes is not None:
        body = endpoint.takes.__name__, dict(endpoint.example or {})
    described = operation(
        endpoint.name,
        f"{endpoint.summary}{_roles(endpoint)}",
        tag=endpoint.tag,
        parameters=_parameters(endpoint),
        body=body,
        responses=_responses(endpoint),
        security=STREAM_SECURITY if endpoint.is_stream else None,
    )
    if endpoint.roles:
        described["x-roles"] = sorted(endpoint.roles)
    return described


def refusals_of(endpoint: Endpoint[Any, Any]) -> list[int]:
    """What follows from the declaration, and what the use case says that it refuses."""
    statuses = {STATUS_OF[refusal.kind] for refusal in endpoint.refuses} | _ALWAYS
    if endpoint.roles:
        statuses.add(403)
    if any(value.missing is not None for value in endpoint.path_values):
        statuses.add(404)
    if endpoint.is_write:
        statuses |= _OF_A_WRITE
        if endpoint.takes is not None:
            statuses |= _OF_A_BODY
    elif endpoint.takes is not None:
        statuses.add(422)
    return sorted(statuses)


def _roles(endpoint: Endpoint[Any, Any]) -> str:
    if not endpoint.roles:
        return ""
    return f" Role{'s' if len(endpoint.roles) > 1 else ''}: {', '.join(endpoint.roles)}."


def _parameters(endpoint: Endpoint[Any, Any]) -> list[dict[str, Any]]:
    parameters = [
        path_parameter(value.name, value.meaning, _schema_of(value)) for value in endpoint.path_values
    ]
    if endpoint.is_write:
        return [*parameters, IDEMPOTENCY_KEY]
    if endpoint.takes is not None:
        parameters += query_of(endpoint.takes)
    return [*parameters, *endpoint.documented.get("parameters", ())]


def _schema_of(value: PathValue) -> dict[str, Any]:
    if value.schema is not None:
        return dict(value.schema)
    return dict(_UUID) if value.missing is not None and not value.has_names else {"type": "string"}


def _responses(endpoint: Endpoint[Any, Any]) -> dict[str, Any]:
    answers = dict(endpoint.documented.get("responses", {}))
    if endpoint.gives is not None:
        headers: dict[str, Any] = {}
        if endpoint.location is not None:
            headers |= _LOCATION
        if endpoint.is_write:
            headers |= PLAYED_BACK
        answers[str(endpoint.status)] = responds(endpoint.says, endpoint.gives.__name__, headers=headers)
    return answers | refused(*refusals_of(endpoint))
