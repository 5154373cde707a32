"""Signs requests for a relay with http-message-signatures, an implementation of RFC 9421 by another hand."""

import base64
import datetime
import hashlib
import json
import os

import http_message_signatures as rfc9421
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key(rfc9421.HTTPSignatureKeyResolver):
    """An Ed25519 key that is its own resolver; named by its RFC 7638 thumbprint."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = b64u(raw)
        jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": self.public}, separators=(",", ":"))
        self.kid = b64u(hashlib.sha256(jwk.encode()).digest())

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self.private

    def resolve_public_key(self, key_id: str):
        return self.private.public_key()


class InOrder(rfc9421.HTTPMessageSigner):
    """The relay's profile fixes the order of the parameters; RFC 9421 leaves it to the signer."""

    ORDER = ("created", "expires", "keyid", "nonce", "tag")

    def _build_signature_base(self, message, *, covered_component_ids, signature_params):
        ordered = {name: signature_params[name] for name in self.ORDER if name in signature_params}
        return super()._build_signature_base(
            message, covered_component_ids=covered_component_ids, signature_params=ordered
        )


class Signer(requests.auth.AuthBase):
    """Signs whatever goes out, as the relay's profile wants it."""

    COVERED = ("@method", "@authority", "@path", "@query")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.signer = InOrder(
            signature_algorithm=rfc9421.algorithms.ED25519, key_resolver=key
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name in ("Signature", "Signature-Input", "Content-Digest"):
            request.headers.pop(name, None)
        raw = request.body.encode() if isinstance(request.body, str) else request.body
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.signer.sign(
            request,
            key_id=self.key.kid,
            created=now,
            expires=now + datetime.timedelta(seconds=60),
            nonce=b64u(os.urandom(16)),
            tag="teleward-1",
            label="tw",
            include_alg=False,
            covered_component_ids=self.COVERED,
            body=raw or None,
        )
        return request
