"""Who is calling: the bearer token is verified here too, whatever a gateway in front has done."""

import unicodedata
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import ClassVar

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import HTTPConnection

from fundline.contracts.roles import Role
from fundline.platform.clock import Clock, utc_now
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.settings import TokenSettings

_ALGORITHMS = ["EdDSA", "Ed25519"]
_LEEWAY_S = 30
_TYPES = {None, "JWT", "jwt", "at+jwt", "application/at+jwt"}
"""RFC 7519 and RFC 9068. A token of another kind, such as a logout token, is no key to anything here."""
LONGEST_SUBJECT = 128
_REMEMBERED = 10_000


class Unauthenticated(Refusal):
    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    title = "The request has no valid token"
    challenge: ClassVar[str | None] = "invalid_token"


class TokenMissing(Unauthenticated):
    challenge = None


class TokenVerifier:
    """Verifies EdDSA tokens against a key set; remembers good ones until they expire."""

    def __init__(self, settings: TokenSettings, *, now: Clock = utc_now) -> None:
        self._now = now
        # Envoy's JWT filter knows the name EdDSA, not yet Ed25519 (RFC 9864) that joserfc would rather have
        warnings.filterwarnings("ignore", message="EdDSA is deprecated")
        self._keys = KeySet.import_key_set(orjson.loads(Path(settings.jwks_file).read_bytes()))
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now().timestamp()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": settings.token_issuer},
            aud={"essential": True, "value": settings.token_audience},
            sub={"essential": True},
            exp={"essential": True},
            role={"essential": True, "values": [role.value for role in Role]},
        )
        self._longest_s = settings.token_max_life_s
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    def caller(self, connection: HTTPConnection, *, allow_query: bool = False) -> Caller:
        """Raises Unauthenticated. Only streams may carry `access_token`: browsers cannot set headers there."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            token = connection.query_params.get("access_token", "") if allow_query else ""
        if not token:
            raise TokenMissing("Send a bearer token in the Authorization header.")
        return self.verify(token.strip())

    def verify(self, token: str) -> Caller:
        known = self._known.get(token)
        if known is not None and known[0] > self._now().timestamp():
            return known[1]
        try:
            read = jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
            claims = read.claims
            self._claims.validate(claims)
            self._check_kind_and_life(read.header.get("typ"), claims["exp"])
            caller = Caller(_subject(claims["sub"]), Role(claims["role"]))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthenticated("The token is not valid or has expired.") from error
        self._known[token] = (float(claims["exp"]), caller)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return caller

    def _check_kind_and_life(self, kind: object, expires_at: float) -> None:
        """As the gateway's `max_lifetime` counts: from now to the end. Raises ValueError."""
        if kind not in _TYPES:
            raise ValueError("the token is of another type")
        if expires_at > self._now().timestamp() + self._longest_s + _LEEWAY_S:
            raise ValueError("the token lives too long")


def _subject(text: object) -> str:
    """Raises ValueError for what is not text, or could look like somebody else: white space, unusual characters."""
    if not isinstance(text, str):
        raise ValueError("the subject is not text")  # noqa: TRY004 - one kind of error for all that is wrong
    is_plain = text.isprintable() and " " not in text and unicodedata.is_normalized("NFKC", text)
    if not text or len(text) > LONGEST_SUBJECT or not is_plain:
        raise ValueError("the subject is not plain text")
    return text
