"""The envelope around every event: CloudEvents 1.0 in Kafka binary mode (attributes are `ce_` headers).

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2; W3C Trace Context for `traceparent`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundline.contracts.moments import moment_in
from fundline.contracts.payloads import iso_utc

_VERSION = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class EnvelopeError(ValueError):
    """The headers of a message do not form an envelope we know; the message is poison."""


@dataclass(frozen=True, slots=True)
class Envelope:
    event_id: UUID
    event_type: str
    source: str
    time: str
    subject: str
    schema_version: int
    correlation_id: str
    traceparent: str

    def headers(self) -> dict[str, str]:
        return {
            "ce_specversion": "1.0",
            "ce_id": str(self.event_id),
            "ce_type": self.event_type,
            "ce_source": self.source,
            "ce_time": self.time,
            "ce_subject": self.subject,
            "ce_schemaversion": str(self.schema_version),
            "ce_correlationid": self.correlation_id,
            "traceparent": self.traceparent,
            "content-type": "application/json",
        }


def make_envelope(
    *,
    event_id: UUID,
    event_type: str,
    source: str,
    at: datetime,
    subject: str,
    schema_version: int,
    correlation_id: str,
    traceparent: str,
) -> Envelope:
    return Envelope(
        event_id, event_type, source, iso_utc(at), subject, schema_version, correlation_id, traceparent
    )


def parse_envelope(headers: Mapping[str, str]) -> Envelope:
    """Read an envelope back. Raises EnvelopeError when an attribute is missing or malformed."""
    try:
        _require(headers["ce_specversion"] == "1.0", "CloudEvents version", headers["ce_specversion"])
        _require(moment_in(headers["ce_time"]) is not None, "ce_time", headers["ce_time"])
        version = headers["ce_schemaversion"]
        # Python reads more as a number than a version is: signs, blanks, other scripts, thousands of digits
        _require(_VERSION.fullmatch(version) is not None, "ce_schemaversion", version)
        return Envelope(
            event_id=UUID(headers["ce_id"]),
            event_type=headers["ce_type"],
            source=headers["ce_source"],
            time=headers["ce_time"],
            subject=headers.get("ce_subject", ""),
            schema_version=int(version),
            correlation_id=headers.get("ce_correlationid", ""),
            traceparent=headers.get("traceparent", ""),
        )
    except EnvelopeError:
        raise
    except KeyError as missing:
        raise EnvelopeError(f"the header {missing.args[0]} is missing") from missing
    except ValueError as malformed:
        raise EnvelopeError(f"a header is malformed: {malformed}") from malformed


def _require(is_so: bool, name: str, value: str) -> None:
    if not is_so:
        raise EnvelopeError(f"{name} {value[:40]!r} is unknown")
