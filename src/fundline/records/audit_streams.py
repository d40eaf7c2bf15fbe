"""The names of the audit trail's streams."""


def application_stream(application_id: object) -> str:
    return f"application:{application_id}"
