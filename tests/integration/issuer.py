# SPDX-License-Identifier: Apache-2.0
"""Issuers of tokens, by other people's implementations: PyJWT and python3-cryptography."""
import base64
import json
import os
import time

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def make_key(alg):
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else rsa.generate_private_key(public_exponent=65537, key_size=2048)


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def jwk(alg, key, kid):
    public = key.public_key()
    common = {"kid": kid, "alg": alg, "use": "sig"}
    if alg == "EdDSA":
        x = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(x), **common}
    numbers = public.public_numbers()
    if alg == "ES256":
        return {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32), **common}
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **common}


class Issuer:
    def __init__(self, folder, name="https://login.example.org", algs=("EdDSA",)):
        self.name, self.file = name, folder / f"{abs(hash(name))}.jwks"
        self.keys = {}  # kid: (alg, key)
        for alg in algs:
            self.keys[f"{alg}-1"] = (alg, make_key(alg))
        self.publish()

    def publish(self, text=None):
        """Writes the set of public keys, whole or not at all, as whoever fetches keys should."""
        keys = [jwk(alg, key, kid) for kid, (alg, key) in self.keys.items()]
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"keys": keys}) if text is None else text)
        os.rename(new, self.file)

    def config(self, **more):
        return {"issuer": self.name, "audience": "tilewire", "jwks": str(self.file), **more}

    def claims(self, **changes):
        """Those of a good token; None takes one away."""
        claims = {"iss": self.name, "aud": "tilewire", "sub": "ada", "exp": int(time.time()) + 600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kid=None, headers=None, **changes):
        kid = kid or next(iter(self.keys))
        alg, key = self.keys[kid]
        return jwt.encode(self.claims(**changes), key, algorithm=alg, headers={"kid": kid, **(headers or {})})

    def signed(self, header, payload, kid=None):
        """A text that this issuer has signed, whatever it says; header and payload are bytes, or become JSON."""
        alg, key = self.keys[kid or next(iter(self.keys))]
        text = f"{b64(header)}.{b64(payload)}"
        if alg == "EdDSA":
            signature = key.sign(text.encode())
        elif alg == "RS256":
            signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            raise NotImplementedError(alg)
        return f"{text}.{b64(signature)}"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def cookie(token):
    return {"Cookie": f"a=b; __Host-tilewire={token}; c=d"}
