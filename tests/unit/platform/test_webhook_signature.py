import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from standardwebhooks import Webhook, WebhookVerificationError

from fundline.platform.webhook_signature import (
    SecretUnusable,
    SignatureRefused,
    check_signature,
    new_secret,
    signed_headers,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BODY = b'{"type":"payment.settled","data":{"amount":"12500.00"}}'
SECRET = new_secret()


def test_the_reference_verifier_accepts_our_signature():
    headers = signed_headers([SECRET], "msg_1", datetime.now(UTC), BODY)
    assert Webhook(SECRET).verify(BODY, headers)["type"] == "payment.settled"


def test_the_reference_verifier_accepts_either_secret_while_one_is_being_retired():
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], "msg_1", datetime.now(UTC), BODY)
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


def test_we_accept_what_the_reference_library_signs():
    at = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", at, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    assert check_signature([SECRET], headers, BODY, now=at) == "msg_1"


@given(body=some.binary(max_size=200), changed=some.binary(max_size=200))
def test_a_changed_body_is_refused(body, changed):
    headers = signed_headers([SECRET], "msg_1", NOW, body)
    if body == changed:
        check_signature([SECRET], headers, changed, now=NOW)
    else:
        with pytest.raises(SignatureRefused, match="No signature"):
            check_signature([SECRET], headers, changed, now=NOW)


@pytest.mark.parametrize(
    ("header", "value", "sentence"),
    [
        ("webhook-id", "msg_2", "No signature"),
        ("webhook-timestamp", str(int(NOW.timestamp()) + 1), "No signature"),
        ("webhook-timestamp", "now", "not a number of seconds"),
        ("webhook-signature", "", "No signature"),
        ("webhook-signature", "v1,%%%", "No signature"),
        ("webhook-signature", "v1a,AAAA", "No signature"),
    ],
)
def test_a_changed_header_is_refused(header, value, sentence):
    headers = signed_headers([SECRET], "msg_1", NOW, BODY) | {header: value}
    with pytest.raises(SignatureRefused, match=sentence):
        check_signature([SECRET], headers, BODY, now=NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused_by_its_name(missing):
    headers = signed_headers([SECRET], "msg_1", NOW, BODY)
    del headers[missing]
    with pytest.raises(SignatureRefused, match=missing):
        check_signature([SECRET], headers, BODY, now=NOW)


@pytest.mark.parametrize("late_s", [-301, 301])
def test_a_webhook_from_another_time_is_refused(late_s):
    headers = signed_headers([SECRET], "msg_1", NOW, BODY)
    on_the_bound = NOW.replace(microsecond=0) + timedelta(seconds=late_s - (1 if late_s > 0 else -1))
    assert check_signature([SECRET], headers, BODY, now=on_the_bound) == "msg_1"
    with pytest.raises(SignatureRefused, match="300 s"):
        check_signature([SECRET], headers, BODY, now=NOW + timedelta(seconds=late_s))


def test_a_signature_of_an_unknown_version_beside_a_good_one_does_no_harm():
    headers = signed_headers([SECRET], "msg_1", NOW, BODY)
    headers["webhook-signature"] = "v9,AAAA " + headers["webhook-signature"]
    assert check_signature([SECRET], headers, BODY, now=NOW) == "msg_1"


def test_an_id_with_a_dot_is_not_signed():
    with pytest.raises(ValueError, match="no dot"):
        signed_headers([SECRET], "msg.1", NOW, BODY)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("whsec_", "24 to 64 bytes"),
        ("whsec_%%%", "whsec_ and base64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64 bytes"),
        (base64.b64encode(bytes(32)).decode(), "24 to 64 bytes"),
    ],
)
def test_a_secret_of_another_form_is_not_used(secret, sentence):
    with pytest.raises(SecretUnusable, match=sentence):
        signed_headers([secret], "msg_1", NOW, BODY)
