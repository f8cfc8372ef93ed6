#!/usr/bin/env python3
"""CPU per request of auth/validator with a token that it has not seen, against OpenSSL's bare verification of the same signature.

    tests/bench/jwt.py [--bin build/krakend] [--tokens 4500] [--rounds 4]

One worker, one keep-alive client, 50 requests in one piece; the tokens lack a role, so that no backend is called: 403. The
gateway's time is the CPU time of its process; what a request with a remembered token costs is taken off, so that what is left
is what a new token costs; medians. The first round fills the table of remembered tokens and does not count. The bare
verification is a C loop over EVP_DigestVerify (HMAC for HS256) with a key that was read before; it takes turns with the gateway, the
same 50 tokens on the same core; the client has another. Needs the Python package
cryptography and a C compiler.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(TOP, "tests", "chaos"))
SECRET = b"a secret of thirty-two bytes!!!!"
CHUNK = 50  # requests in one piece: new tokens and a remembered one take turns
ALLOWANCE = 6  # microseconds beyond the signature

BARE = r"""
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* argv: algorithm, key, messages, signatures; both files hold a length of two bytes and the bytes, again and again. */
static unsigned char *next(FILE *f, size_t *n)
{
    unsigned char head[2], *p;
    if (fread(head, 1, 2, f) != 2)
        return NULL;
    *n = (size_t)head[0] << 8 | head[1];
    p = malloc(*n);
    return fread(p, 1, *n, f) == *n ? p : NULL;
}

int main(int argc, char **argv)
{
    static unsigned char *m[1 << 16], *s[1 << 16];
    static size_t mn[1 << 16], sn[1 << 16];
    FILE *mf = fopen(argv[3], "rb"), *sf = fopen(argv[4], "rb"), *kf = fopen(argv[2], "rb");
    size_t n = 0, bad = 0;
    int mac = !strcmp(argv[1], "HS256"), ed = !strcmp(argv[1], "EdDSA");
    unsigned char secret[32];
    EVP_PKEY *key = NULL;
    struct timespec a, b;
    if (argc != 5 || !mf || !sf || !kf)
        return 2;
    if (mac && fread(secret, 1, 32, kf) != 32)
        return 2;
    if (!mac && !(key = PEM_read_PUBKEY(kf, NULL, NULL, NULL)))
        return 2;
    while (n < 1 << 16 && (m[n] = next(mf, &mn[n])) && (s[n] = next(sf, &sn[n])))
        n++;
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    /* Each line of input asks for so many from there on. */
    for (size_t from, count; scanf("%zu %zu", &from, &count) == 2 && from + count <= n;) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        for (size_t i = from; i < from + count; i++) {
            if (mac) {
                unsigned char out[32];
                unsigned length = 0;
                HMAC(md, secret, 32, m[i], mn[i], out, &length);
                bad += CRYPTO_memcmp(out, s[i], 32) != 0;
                continue;
            }
            EVP_MD_CTX *c = EVP_MD_CTX_new();
            bad += EVP_DigestVerifyInit(c, NULL, ed ? NULL : md, NULL, key) != 1 ||
                   EVP_DigestVerify(c, s[i], sn[i], m[i], mn[i]) != 1;
            EVP_MD_CTX_free(c);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        printf("%.3f\n", ((b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3) / count);
        fflush(stdout);
    }
    return bad != 0;
}
"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n):
    return b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))


def signer(alg):
    """The JWK, the key as OpenSSL reads it, and a function: message to JOSE's signature and OpenSSL's."""
    if alg == "HS256":
        def mac(m):
            out = hmac.new(SECRET, m, hashlib.sha256).digest()
            return out, out
        return {"kty": "oct", "k": b64(SECRET)}, SECRET, mac
    if alg == "RS256":
        key = rsa.generate_private_key(65537, 2048)
        public = key.public_key().public_numbers()
        jwk = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}

        def sign(m):
            out = key.sign(m, padding.PKCS1v15(), hashes.SHA256())
            return out, out
    elif alg == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": b64(public.x.to_bytes(32, "big")), "y": b64(public.y.to_bytes(32, "big"))}

        def sign(m):
            der = key.sign(m, ec.ECDSA(hashes.SHA256()))
            r, s = utils.decode_dss_signature(der)
            return r.to_bytes(32, "big") + s.to_bytes(32, "big"), der
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}

        def sign(m):
            out = key.sign(m)
            return out, out
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwk, pem, sign


def tokens(alg, sign, begin, n):
    """(message, OpenSSL's signature, token) of each."""
    head = b64(json.dumps({"alg": alg, "kid": "k", "typ": "JWT"}).encode())
    for i in range(begin, begin + n):
        claims = {"sub": "user-%d" % i, "exp": 4102444800, "iss": "me", "aud": ["orders"], "jti": "%032x" % i}
        message = ("%s.%s" % (head, b64(json.dumps(claims).encode()))).encode()
        jose, bare = sign(message)
        yield message, bare, message.decode() + "." + b64(jose)


def cpu(pid):
    """Microseconds of CPU of all threads."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="utf-8") as f:
            total += int(f.read().split()[0])
    return total / 1000


def request(token):
    return ("GET /p HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n" % token).encode()


def drive(gateway, client, requests):
    """CPU microseconds per request; all are sent at once."""
    before, data = cpu(gateway.pid()), b""
    client.sendall(b"".join(requests))
    while data.count(b"\r\n\r\n") < len(requests):
        data += client.recv(1 << 16)
    if data.count(b"HTTP/1.1 403 ") != len(requests):
        sys.exit("not all were good tokens: %r" % data[:40])
    return (cpu(gateway.pid()) - before) / len(requests)


def measure(alg, folder, opts):
    """Median microseconds per request: a remembered token, new tokens, the bare verification."""
    from chaos import Watched, free_port
    jwk, key, sign = signer(alg)
    for name, text in (("keys", json.dumps({"keys": [dict(jwk, kid="k")]}).encode()), ("key", key)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(text)
    config = {"extra_config": {"telemetry/logging": {"level": "CRITICAL", "stdout": True}, "router": {"disable_access_log": True}},
              "endpoints": [{"endpoint": "/p", "output_encoding": "no-op",
                             "backend": [{"host": ["http://127.0.0.1:%d" % free_port()], "url_pattern": "/", "encoding": "no-op"}],
                             "extra_config": {"auth/validator": {"alg": alg, "jwk_local_path": os.path.join(folder, "keys"),
                                                                 "disable_jwk_security": True, "issuer": "me",
                                                                 "roles": ["clerk"]}}}]}
    old, new, bare = [], [], []
    with Watched(config, prefix=("taskset", "-c", "0"), env={"GOMAXPROCS": "1"}) as gateway, gateway.open() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(opts.rounds):
            made = list(tokens(alg, sign, i * opts.tokens, opts.tokens))
            for name, column in (("m", 0), ("s", 1)):
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(b"".join(len(row[column]).to_bytes(2, "big") + row[column] for row in made))
            alone = subprocess.Popen(["taskset", "-c", "0", os.path.join(folder, "bare"), alg] +
                                     [os.path.join(folder, f) for f in ("key", "m", "s")],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for at in range(0, opts.tokens, CHUNK):
                fresh = [request(row[2]) for row in made[at:at + CHUNK]]
                new.append(drive(gateway, client, fresh))
                print(at, CHUNK, file=alone.stdin, flush=True)
                bare.append(float(alone.stdout.readline()))
                old.append(drive(gateway, client, fresh[-1:] * CHUNK))
            alone.stdin.close()
            if alone.wait():
                sys.exit("OpenSSL refuses a token")
            if i == 0:  # the table of remembered tokens was filling
                old, new, bare = [], [], []
    return [sorted(v)[len(v) // 2] for v in (old, new, bare)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=os.path.join(TOP, "build", "krakend"))
    p.add_argument("--tokens", type=int, default=4500)
    p.add_argument("--rounds", type=int, default=4)
    opts = p.parse_args()
    os.environ["KD_BIN"] = opts.bin
    os.sched_setaffinity(0, {1})  # the client; what is measured has core 0
    print("| algorithm | a remembered token, us | a new token, us | more | OpenSSL alone, us | must (+%d) |\n|---|---|---|---|---|---|"
          % ALLOWANCE)
    with tempfile.TemporaryDirectory(prefix="krakend-jwt-") as folder:
        with open(os.path.join(folder, "bare.c"), "w", encoding="utf-8") as f:
            f.write(BARE)
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", os.path.join(folder, "bare"), os.path.join(folder, "bare.c"), "-lcrypto"],
                       check=True)
        for alg in ("HS256", "RS256", "ES256", "EdDSA"):
            old, new, bare = measure(alg, folder, opts)
            print("| %s | %.1f | %.1f | %.1f%s | %.1f | %.1f |" % (alg, old, new, new - old,
                                                               "" if new - old <= bare + ALLOWANCE else " (missed)", bare,
                                                               bare + ALLOWANCE), flush=True)


if __name__ == "__main__":
    main()
