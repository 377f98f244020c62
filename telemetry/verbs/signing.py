"""Signed bundles: whether the papers of a zip fit its content and come from a key that is known here."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils import timezone

from telemetry.models import Ping, SigningKey
from telemetry.reading.bundles import Bundle
from telemetry.reading.identity import Identity

FORMAT = "stageboard-bundle-1"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a bundle's signature is worth. ``state``: unsigned, valid, unknown (a key nobody knows here), invalid."""

    state: str = "unsigned"
    signer: str = ""
    sentence: str = "The bundle is not signed."
    digests: frozenset[bytes] = frozenset()
    uuid: str = ""
    hostname: str = ""

    def state_of(self, sha256: bytes, identity: Identity) -> str:
        """The same for one ping: a valid signature covers only what the manifest lists, for the key's installation."""
        if self.state != "valid":
            return self.state
        if sha256 not in self.digests:
            return "invalid"
        if self.uuid and (self.uuid, self.hostname) != (identity.uuid, identity.hostname):
            return "unknown"
        return "valid"

    def proof_of(self, sha256: bytes, identity: Identity) -> str:
        """What is noted on the ping."""
        state = self.state_of(sha256, identity)
        if state == "valid":
            return Ping.Proof.SIGNATURE.value
        return Ping.Proof.BAD_SIGNATURE.value if state == "invalid" else Ping.Proof.NONE.value


def check_bundle(bundle: Bundle) -> Signed:
    """Judge the papers of a zip."""
    if not bundle.signature:
        return Signed()
    try:
        papers = json.loads(bundle.signature)
        public, signature = bytes.fromhex(papers["public_key"]), bytes.fromhex(papers["signature"])
        manifest = json.loads(bundle.manifest)
        digests = frozenset(bytes.fromhex(entry["sha256"]) for entry in manifest["files"])
        if papers.get("format") != FORMAT or manifest.get("format") != FORMAT:
            raise ValueError(FORMAT)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, bundle.manifest)
    except InvalidSignature:
        return Signed("invalid", sentence="The signature does not fit the list of contents: the bundle was changed.")
    except (ValueError, KeyError, TypeError, RecursionError):
        return Signed("invalid", sentence="The signature or the list of contents is not readable.")
    key = SigningKey.objects.filter(public_key=public.hex(), revoked_at=None).first()
    if key is None:
        return Signed("unknown", public.hex()[:16], "The signature fits, but its key is not known here.")
    return Signed("valid", key.label, f"Signed by {key.label}.", digests, key.uuid, key.hostname)


def revoke_signing_key(*, key: SigningKey) -> None:
    """Bundles signed with it are taken as signed by nobody known from now on."""
    SigningKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
