"""Development secrets of one stack: TLS certificate, token keys, account key, webhook secret, database passwords.

Each file is made once and kept; a second call reads it. Production brings its own.
"""

import base64
import datetime as dt
import ipaddress
import json
import os
import secrets
import time
import uuid
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from fundline.stack.layout import StackHome

TOKEN_ISSUER = "https://auth.fundline.local"  # noqa: S105 a name, not a secret
TOKEN_AUDIENCE = "fundline"  # noqa: S105 a name, not a secret
CERTIFICATE_DAYS = 365
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class DatabasePasswords:
    """One password per PostgreSQL role."""

    superuser: str
    owner: str
    app: str
    replication: str


@dataclass(frozen=True)
class StackKeys:
    """Where the secrets of a stack are; `create` makes the missing ones."""

    home: StackHome

    @property
    def authority_certificate(self) -> Path:
        """What clients trust: `curl --cacert`."""
        return self.home.keys / "authority.crt"

    @property
    def gateway_certificate(self) -> Path:
        """PEM chain of the gateway, for localhost and 127.0.0.1."""
        return self.home.keys / "gateway.crt"

    @property
    def gateway_key(self) -> Path:
        """PEM private key of the gateway."""
        return self.home.keys / "gateway.key"

    @property
    def token_key(self) -> Path:
        """Private JWK (Ed25519) that signs development tokens."""
        return self.home.keys / "token-signing.json"

    @property
    def jwks(self) -> Path:
        """Public keys for the gateway and the services (FUNDLINE_JWKS_FILE)."""
        return self.home.keys / "jwks.json"

    @property
    def account_key(self) -> Path:
        """32 bytes in base64: encrypts payout accounts (FUNDLINE_ACCOUNT_KEY_FILE)."""
        return self.home.keys / "account.key"

    @property
    def audit_key(self) -> Path:
        """Private JWK (Ed25519) that signs the anchors of the audit trail (FUNDLINE_AUDIT_KEY_FILE)."""
        return self.home.keys / "audit-signing.json"

    @property
    def bank_webhook_secret(self) -> Path:
        """Signs the sandbox bank's webhooks, in Standard Webhooks' form (FUNDLINE_BANK_WEBHOOK_SECRET_FILE)."""
        return self.home.keys / "bank-webhook.secret"

    @property
    def webhook_key(self) -> Path:
        """32 bytes in base64: encrypts the secrets of webhook endpoints (FUNDLINE_WEBHOOK_KEY_FILE)."""
        return self.home.keys / "webhook.key"

    @property
    def database(self) -> Path:
        """Passwords of the PostgreSQL roles, JSON."""
        return self.home.keys / "database.json"

    def create(self) -> None:
        """Makes what is missing and renews a certificate that ends within 30 days. Safe to repeat."""
        self.home.create()
        if not self._is_certificate_good():
            self._create_certificate()
        if not (self.token_key.exists() and self.jwks.exists()):
            self._create_token_key()
        for key in (self.account_key, self.webhook_key):
            if not key.exists():
                write_private(key, base64.b64encode(secrets.token_bytes(32)))
        if not self.audit_key.exists():
            write_private(self.audit_key, json.dumps(_new_signing_key().as_dict(private=True)).encode())
        if not self.bank_webhook_secret.exists():
            write_private(self.bank_webhook_secret, b"whsec_" + base64.b64encode(secrets.token_bytes(32)))
        self.database_passwords()

    def database_passwords(self) -> DatabasePasswords:
        """Reads the passwords, made on the first call."""
        if not self.database.exists():
            made = DatabasePasswords(*(secrets.token_hex(24) for _ in range(4)))
            write_private(self.database, json.dumps(asdict(made)).encode())
        return DatabasePasswords(**json.loads(self.database.read_bytes()))

    def _is_certificate_good(self) -> bool:
        files = (self.authority_certificate, self.gateway_certificate, self.gateway_key)
        if not all(file.exists() for file in files):
            return False
        certificate = x509.load_pem_x509_certificate(self.gateway_certificate.read_bytes())
        return certificate.not_valid_after_utc - RENEW_BEFORE > dt.datetime.now(dt.UTC)

    def _create_certificate(self) -> None:
        # The authority's private key is never written: with it, any site could be signed for its trusters.
        authority_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _sign("Fundline development authority", authority_key, None, authority_key)
        gateway = _sign("localhost", key, authority, authority_key)
        private_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        authority_pem = authority.public_bytes(serialization.Encoding.PEM)
        write_private(self.gateway_key, private_pem)
        write_private(
            self.gateway_certificate, gateway.public_bytes(serialization.Encoding.PEM) + authority_pem
        )
        write_private(self.authority_certificate, authority_pem)

    def _create_token_key(self) -> None:
        key = _new_signing_key()
        write_private(self.token_key, json.dumps(key.as_dict(private=True)).encode())
        write_private(self.jwks, json.dumps({"keys": [key.as_dict(private=False)]}).encode())


def _new_signing_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)


def mint_token(home: StackHome, subject: str, role: str, ttl_s: int = 3600) -> str:
    """A signed development token.

    Claims: iss, aud, sub, role, iat, exp, jti. Roles: applicant, partner, underwriter, operator, compliance.
    """
    key = OKPKey.import_key(json.loads(StackKeys(home).token_key.read_bytes()))
    issued_at = int(time.time())
    claims: dict[str, str | int] = {
        "iss": TOKEN_ISSUER,
        "aud": TOKEN_AUDIENCE,
        "sub": subject,
        "role": role,
        "iat": issued_at,
        "exp": issued_at + ttl_s,
        "jti": str(uuid.uuid4()),
    }
    header = {"alg": "EdDSA", "kid": str(key.kid), "typ": "JWT"}
    with warnings.catch_warnings():
        # RFC 9864 renames EdDSA to Ed25519; Envoy 1.40 knows the old name only.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(header, claims, key, algorithms=["EdDSA"])


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file at once, readable by its owner only: nobody sees it half written or open."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    is_authority = authority is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if authority is None else authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), True)
        .add_extension(_key_usage(is_authority), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False)
    )
    if not is_authority:
        addresses = [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1")]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(authority_key, hashes.SHA256())


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
