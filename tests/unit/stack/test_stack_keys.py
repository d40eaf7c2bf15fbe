import base64
import json
import ssl

import pytest
from cryptography import x509
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from fundline.stack.keys import TOKEN_AUDIENCE, TOKEN_ISSUER, StackKeys, mint_token
from fundline.stack.layout import StackHome

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def keys(tmp_path):
    made = StackKeys(StackHome(tmp_path))
    made.create()
    return made


def public_keys(keys):
    return KeySet.import_key_set(json.loads(keys.jwks.read_text()))


def test_a_second_call_keeps_every_secret(keys):
    before = {file.name: file.read_bytes() for file in keys.home.keys.iterdir()}
    keys.create()
    assert {file.name: file.read_bytes() for file in keys.home.keys.iterdir()} == before


def test_every_secret_is_readable_by_its_owner_only(keys):
    assert {file.stat().st_mode & 0o777 for file in keys.home.keys.iterdir()} == {0o600}


def test_a_token_is_verified_with_the_public_keys(keys):
    token = jwt.decode(mint_token(keys.home, "anna", "underwriter"), public_keys(keys), algorithms=["EdDSA"])
    assert token.header["kid"] == json.loads(keys.jwks.read_text())["keys"][0]["kid"]
    assert token.claims["sub"] == "anna"
    assert token.claims["role"] == "underwriter"
    assert (token.claims["iss"], token.claims["aud"]) == (TOKEN_ISSUER, TOKEN_AUDIENCE)
    assert token.claims["exp"] - token.claims["iat"] == 3600


def test_the_token_of_another_stack_is_refused(keys, tmp_path):
    other = StackKeys(StackHome(tmp_path / "other"))
    other.create()
    with pytest.raises(InvalidKeyIdError):
        jwt.decode(mint_token(other.home, "eve", "operator"), public_keys(keys), algorithms=["EdDSA"])


def test_the_public_keys_hold_no_private_part(keys):
    assert all("d" not in key for key in json.loads(keys.jwks.read_text())["keys"])


def test_the_certificate_is_for_this_machine_and_signed_by_the_authority(keys):
    certificate = x509.load_pem_x509_certificate(keys.gateway_certificate.read_bytes())
    authority = x509.load_pem_x509_certificate(keys.authority_certificate.read_bytes())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    ssl.create_default_context(cafile=str(keys.authority_certificate))


def test_a_missing_certificate_is_made_again_without_touching_the_token_key(keys):
    token_key = keys.token_key.read_bytes()
    keys.gateway_certificate.unlink()
    keys.create()
    assert keys.gateway_certificate.exists()
    assert keys.token_key.read_bytes() == token_key


def test_the_account_key_has_32_bytes(keys):
    assert len(base64.b64decode(keys.account_key.read_bytes(), validate=True)) == 32


def test_the_bank_s_webhook_secret_has_the_form_of_standard_webhooks(keys):
    prefix, _, key = keys.bank_webhook_secret.read_bytes().partition(b"_")
    assert prefix == b"whsec"
    assert len(base64.b64decode(key, validate=True)) == 32


def test_each_database_role_has_a_password_of_its_own(keys):
    passwords = keys.database_passwords()
    assert len({passwords.superuser, passwords.owner, passwords.app, passwords.replication}) == 4
