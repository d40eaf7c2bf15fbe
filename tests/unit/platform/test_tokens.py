import base64
import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey, RSAKey

from fundline.contracts.roles import Role
from fundline.platform.http.tokens import TokenVerifier, Unauthenticated
from fundline.platform.settings import TokenSettings

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig"}, auto_kid=False)


@pytest.fixture
def verifier(tmp_path) -> TokenVerifier:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    return TokenVerifier(TokenSettings(jwks_file=jwks))


def claims(**changes):
    good = {
        "sub": "alice",
        "role": "applicant",
        "iss": "https://auth.fundline.local",
        "aud": "fundline",
        "exp": int(time.time()) + 600,
    }
    return {k: v for k, v in (good | changes).items() if v is not None}


def token(header=None, key=KEY, **changes) -> str:
    return jwt.encode(
        {"alg": "EdDSA", "kid": "k1", **(header or {})},
        claims(**changes),
        key,
        algorithms=["EdDSA", "HS256", "RS256"],
    )


def test_a_good_token_names_its_caller(verifier):
    caller = verifier.verify(token())
    assert (caller.subject, caller.role) == ("alice", Role.APPLICANT)
    assert verifier.verify(token()) == caller


@pytest.mark.parametrize(
    "changes",
    [{"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}, {"exp": None}, {"sub": None}, {"role": "root"},
     {"role": None}, {"nbf": 9999999999}, {"nbf": "now"}, {"iat": 9999999999}, {"aud": None}, {"aud": []},
     {"exp": int(time.time()) + 90_000}],
)  # fmt: skip
def test_a_token_with_wrong_claims_is_refused(verifier, changes):
    with pytest.raises(Unauthenticated):
        verifier.verify(token(**changes))


def test_a_token_of_another_key_or_algorithm_is_refused(verifier):
    other = OKPKey.generate_key("Ed25519", {"kid": "k1"}, auto_kid=False)
    public_as_secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    header, payload, _ = token().split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    forged = [
        token(key=other),
        token({"alg": "HS256"}, key=public_as_secret),
        token({"alg": "RS256"}, key=RSAKey.generate_key(2048)),
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.",
        token({"jku": "https://evil.example/keys"}, key=other),
        "not.a.token",
        "",
        "a" * 10_000,
    ]
    for text in forged:
        with pytest.raises(Unauthenticated):
            verifier.verify(text)


def test_a_remembered_token_still_expires(verifier):
    text = token(exp=int(time.time()) + 600)
    verifier.verify(text)
    verifier._known[text] = (time.time() - 1, verifier._known[text][1])
    assert verifier.verify(text).subject == "alice"  # verified afresh, not taken from memory
    assert verifier._known[text][0] > time.time()


def test_a_token_that_lives_as_long_as_allowed_is_accepted(verifier):
    assert verifier.verify(token(exp=int(time.time()) + 86_400)).subject == "alice"


@pytest.mark.parametrize("kind", ["logout+jwt", "secevent+jwt", "dpop+jwt", "", "JWE"])
def test_a_token_of_another_type_is_refused(verifier, kind):
    with pytest.raises(Unauthenticated):
        verifier.verify(token({"typ": kind}))


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt"])
def test_the_types_of_access_tokens_are_accepted(verifier, kind):
    assert verifier.verify(token({"typ": kind})).subject == "alice"


@pytest.mark.parametrize(
    "subject",
    ["", " ", "alice ", " alice", "al ice", "alice\n", "alice\u200b", "a\u202elice", "alice\0",
     "\uff41lice", "\ufb01ona", "a" * 129, 7, ["alice"], "\u2028"],
)  # fmt: skip
def test_a_subject_that_could_look_like_somebody_else_is_refused(verifier, subject):
    with pytest.raises(Unauthenticated):
        verifier.verify(token(sub=subject))


@pytest.mark.parametrize(
    "subject", ["a" * 128, "auth0|5f7c8ec7c33c6c004bbafe82", "olga@lender.example", "ünal", "李雷"]
)
def test_subjects_as_issuers_give_them_are_accepted(verifier, subject):
    assert verifier.verify(token(sub=subject)).subject == subject
