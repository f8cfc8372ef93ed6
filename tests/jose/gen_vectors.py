#!/usr/bin/env python3
"""Writes vectors.tsv: tokens of every algorithm, made by PyJWT, jwcrypto and the openssl command.

Needs Debian's python3-jwt, python3-jwcrypto and openssl. Each row: maker, algorithm, public key (JWK), private key (JWK), token.
The keys are made anew, so that the file differs after each run; src/lang/jose/test_interop.c reads it.
"""
import base64
import json
import os
import subprocess
import tempfile

import jwt
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

PAYLOAD = {"iss": "https://id.example.com", "sub": "1234", "aud": ["a", "b"], "exp": 4102444800, "roles": ["x", "y"],
           "name": "Jörg \"the\" <Tester>", "n": 1.5, "deep": {"a": {"b": [1, None, True]}}}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_key(alg):
    kind = {"H": "oct", "R": "RSA", "P": "RSA", "E": "EC"}[alg[0]] if alg != "EdDSA" else "OKP"
    options = {"oct": {"size": int(alg[2:]) if kind == "oct" else 0}, "RSA": {"size": 2048},
               "EC": {"crv": {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(alg)}, "OKP": {"crv": "Ed25519"}}[kind]
    return jwcrypto_jwk.JWK.generate(kty=kind, kid="key of " + alg, **options)


def by_pyjwt(alg, key):
    private = json.loads(key.export())
    kind = jwt.algorithms.get_default_algorithms()[alg]
    return jwt.encode(PAYLOAD, kind.from_jwk(json.dumps(private)), algorithm=alg, headers={"kid": key.get("kid")})


def by_jwcrypto(alg, key):
    token = jwcrypto_jwt.JWT(header={"alg": alg, "kid": key.get("kid"), "typ": "JWT"}, claims=PAYLOAD)
    token.make_signed_token(key)
    return token.serialize()


def by_openssl(alg, key):
    signed = b64(json.dumps({"alg": alg, "kid": key.get("kid")}).encode()) + "." + b64(json.dumps(PAYLOAD).encode())
    digest = "-sha" + alg[2:]
    with tempfile.TemporaryDirectory() as folder:
        file, text = os.path.join(folder, "key.pem"), os.path.join(folder, "text")
        with open(text, "w") as f:
            f.write(signed)
        if alg[0] == "H":
            secret = base64.urlsafe_b64decode(key.get("k") + "==").hex()
            command = ["openssl", "dgst", digest, "-mac", "HMAC", "-macopt", "hexkey:" + secret, "-binary", text]
            return signed + "." + b64(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        with open(file, "wb") as f:
            f.write(key.export_to_pem(private_key=True, password=None))
        if alg == "EdDSA":
            command = ["openssl", "pkeyutl", "-sign", "-inkey", file, "-rawin", "-in", text]
        else:
            command = ["openssl", "dgst", digest, "-sign", file, "-binary"]
            if alg[0] == "P":
                command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
            command.append(text)
        signature = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    if alg[0] == "E" and alg != "EdDSA":
        signature = to_fixed(signature, {"ES256": 32, "ES384": 48, "ES512": 66}[alg])
    return signed + "." + b64(signature)


def to_fixed(der, half):
    """r and s of a DER sequence, side by side."""
    at = 3 if der[1] == 0x81 else 2
    out = b""
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(half, "big")
        at += 2 + length
    return out


def main():
    algorithms = ["EdDSA"] + [family + bits for family in ("HS", "RS", "PS", "ES") for bits in ("256", "384", "512")]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.tsv"), "w") as out:
        for alg in algorithms:
            key = make_key(alg)
            public = key.export() if alg[0] == "H" else key.export_public()
            for name, maker in (("PyJWT", by_pyjwt), ("jwcrypto", by_jwcrypto), ("openssl", by_openssl)):
                out.write("\t".join([name, alg, public, key.export(), maker(alg, key)]) + "\n")


main()
