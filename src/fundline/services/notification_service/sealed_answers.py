"""Answers that show a secret once: stored sealed, so that a repeat gets the same answer and a dump gets nothing."""

import base64
from uuid import UUID

import orjson

from fundline.platform.http.endpoints import Sealing
from fundline.platform.secrets import SecretBox
from fundline.services.notification_service.answers import WebhookEndpointWithSecret


def sealing(box: SecretBox) -> Sealing[WebhookEndpointWithSecret]:
    """Opening raises SealBroken."""

    def seal(shown: WebhookEndpointWithSecret) -> WebhookEndpointWithSecret:
        sealed = base64.b64encode(box.seal(shown.secret.encode(), shown.id)).decode()
        return shown.model_copy(update={"secret": sealed})

    def opened(kept: bytes) -> bytes:
        """Without the model: an older version of this process may have kept it."""
        shown = orjson.loads(kept)
        secret = box.open(base64.b64decode(shown["secret"]), UUID(shown["id"])).decode()
        return orjson.dumps({**shown, "secret": secret})

    return Sealing(seal=seal, open=opened)
