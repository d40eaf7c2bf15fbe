import json

import pytest

from fundline.commands.webhook.command import listen
from fundline.commands.webhook.receiver import Receiver
from fundline.commands.webhook.view import line_of
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.webhook_signature import new_secret, signed_headers

SECRET = new_secret()
BODY = json.dumps(
    {
        "type": "application.status_updated",
        "data": {"trackingId": "FL-1", "status": "approved", "sequence": 3},
    }
).encode()


def test_a_genuine_webhook_is_told_in_one_line():
    headers = signed_headers([SECRET], "msg_1", utc_now(), BODY)
    told = Receiver(204, as_json=False, secret=SECRET).judge(headers, BODY)
    assert line_of(told) == (
        "genuine  msg_1  application.status_updated  trackingId=FL-1  status=approved  sequence=3"
    )


def test_a_webhook_with_another_signature_is_told_as_refused():
    headers = signed_headers([new_secret()], "msg_1", utc_now(), BODY)
    told = Receiver(204, as_json=False, secret=SECRET).judge(headers, BODY)
    assert line_of(told).startswith("REFUSED  msg_1  No signature")


@pytest.mark.parametrize(
    "secret",
    ["garbage", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", pytest.param(SECRET[6:], id="without its prefix")],
)
def test_a_secret_that_is_none_is_refused_before_anything_is_listened_to(secret):
    with pytest.raises(CommandFailed, match="A webhook secret is whsec_ and"):
        listen(secret=secret)
