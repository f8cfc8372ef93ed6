/* Handshakes with clients: what the hello decides (version, certificate, protocol), and the words of failures. */
#include "net/tls_server_own.h"

#include <stdio.h>
#include <time.h>

#define HELLO_KEPT 512 /* bytes of offered suites that a failure can name */

/* ---- the hello -----------------------------------------------------------------------------------------------------
 */

/* 16-bit numbers as Go prints a list of them with %x. */
static void list_numbers(const uint8_t *p, size_t n, char *to, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i + 1 < n && at + 8 < size; i += 2)
        at += (size_t)snprintf(to + at, size - at, "%s%x", i ? " " : "", (unsigned)p[i] << 8 | p[i + 1]);
    to[at] = 0;
}

/* The versions that the client speaks: the extension's, or all up to that of the hello (RFC 8446 section 4.2.1). */
static size_t versions_of(SSL *ssl, uint8_t to[512])
{
    const unsigned char *p;
    size_t n, at = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &n) && n > 1 && p[0] <= n - 1) {
        memcpy(to, p + 1, p[0]);
        return p[0] & ~(size_t)1;
    }
    unsigned highest = SSL_client_hello_get0_legacy_version(ssl);
    for (unsigned v = TLS1_3_VERSION; v >= TLS1_VERSION; v--)
        if (v <= highest) {
            to[at++] = (uint8_t)(v >> 8);
            to[at++] = (uint8_t)v;
        }
    return at;
}

int kd_tls_on_hello(SSL *ssl, int *alert, void *credentials)
{
    const kd_tls_credentials *c = credentials;
    kd_tls_stream *tls = SSL_get_app_data(ssl);
    uint8_t versions[512];
    size_t n = versions_of(ssl, versions);
    const unsigned char *offered;
    size_t n_offered = SSL_client_hello_get0_ciphers(ssl, &offered);
    if (!tls->hello && n_offered) {
        tls->n_hello = (uint16_t)(n_offered < HELLO_KEPT ? n_offered : HELLO_KEPT);
        tls->hello = OPENSSL_memdup(offered, tls->n_hello);
    }
    for (size_t i = 0; i + 1 < n; i += 2) {
        int version = versions[i] << 8 | versions[i + 1];
        if (version >= c->min && version <= c->max)
            return SSL_CLIENT_HELLO_SUCCESS;
    }
    char list[1024];
    list_numbers(versions, n, list, sizeof list);
    kd_tls_set_error(tls, "tls: client offered only unsupported versions: [%s]", list);
    *alert = SSL_AD_PROTOCOL_VERSION;
    return SSL_CLIENT_HELLO_ERROR;
}

/* ---- which certificate ---------------------------------------------------------------------------------------------
 */

/* A name without "*", or one with it as the whole first label, which stands for exactly one (RFC 6125 section 6.4.3).
 */
static bool matches(const char *pattern, kd_str name)
{
    if (pattern[0] != '*' || pattern[1] != '.')
        return kd_str_eq_ci(kd_str_from_c(pattern), name);
    ptrdiff_t dot = kd_str_find(name, '.');
    return dot > 0 && kd_str_eq_ci(kd_str_from_c(pattern + 1), kd_str_from(name, (size_t)dot));
}

static bool is_named(const kd_tls_pair_loaded *pair, kd_str name)
{
    for (uint32_t i = 0; i < pair->n_names; i++)
        if (matches(pair->names[i], name))
            return true;
    return false;
}

/* Can a key sign what the client asks for? `scheme`: RFC 8446 section 4.2.3. */
static bool can_sign(EVP_PKEY *key, unsigned scheme, bool tls13)
{
    static const struct {
        int bits;
        unsigned scheme;
    } ecdsa[] = {{256, 0x0403}, {384, 0x0503}, {521, 0x0603}};
    unsigned kind = scheme & 0xff;
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return (scheme >= 0x0804 && scheme <= 0x0806) || (!tls13 && kind == 1 && scheme >= 0x0201 && scheme <= 0x0601);
    case EVP_PKEY_EC:
        for (size_t i = 0; tls13 && i < KD_COUNT(ecdsa); i++)
            if (ecdsa[i].bits == EVP_PKEY_get_bits(key))
                return scheme == ecdsa[i].scheme;
        return !tls13 && kind == 3 && scheme >= 0x0203 && scheme <= 0x0603;
    case EVP_PKEY_ED25519:
        return scheme == 0x0807;
    default:
        return false;
    }
}

static bool signature_fits(SSL *ssl, EVP_PKEY *key)
{
    bool tls13 = SSL_version(ssl) == TLS1_3_VERSION;
    unsigned char signature, hash;
    int n = SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);
    for (int i = 0; i < n; i++) {
        SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &signature, &hash);
        if (can_sign(key, (unsigned)hash << 8 | signature, tls13))
            return true;
    }
    return n == 0; /* an old client that does not say */
}

/* Up to TLS 1.2 a suite fixes the kind of key. */
static bool suite_fits(SSL *ssl, EVP_PKEY *key)
{
    const STACK_OF(SSL_CIPHER) *theirs = SSL_get_client_ciphers(ssl), *ours = SSL_get_ciphers(ssl);
    int wanted = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? NID_auth_rsa : NID_auth_ecdsa;
    if (SSL_version(ssl) == TLS1_3_VERSION)
        return true;
    for (int i = 0; i < sk_SSL_CIPHER_num(ours); i++) {
        const SSL_CIPHER *one = sk_SSL_CIPHER_value(ours, i);
        if (SSL_CIPHER_get_auth_nid(one) != wanted)
            continue;
        for (int k = 0; k < sk_SSL_CIPHER_num(theirs); k++)
            if (SSL_CIPHER_get_id(sk_SSL_CIPHER_value(theirs, k)) == SSL_CIPHER_get_id(one))
                return true;
    }
    return false;
}

int kd_tls_on_choose(SSL *ssl, void *credentials)
{
    const kd_tls_credentials *c = credentials;
    kd_tls_stream *tls = SSL_get_app_data(ssl);
    kd_str name = kd_str_from_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        EVP_PKEY *key = c->v[i].identity.key;
        if ((name.n && !is_named(&c->v[i], name)) || !signature_fits(ssl, key) || !suite_fits(ssl, key))
            continue;
        chosen = i;
        break;
    }
    const kd_tls_identity *id = &c->v[chosen].identity;
    tls->pair = (uint16_t)chosen;
    return SSL_use_cert_and_key(ssl, id->leaf, id->key, id->chain, 1) == 1;
}

int kd_tls_on_status(SSL *ssl, void *credentials)
{
    const kd_tls_credentials *c = credentials;
    const kd_tls_stream *tls = SSL_get_app_data(ssl);
    const kd_tls_pair_loaded *pair = &c->v[tls->pair];
    uint8_t *copy =
        pair->staple && pair->staple_ends > time(NULL) ? OPENSSL_memdup(pair->staple, pair->staple_n) : NULL;
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)pair->staple_n);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- which protocol ------------------------------------------------------------------------------------------------
 */

/* RFC 9113 section 9.2 and appendix A: TLS 1.2 at least, ephemeral keys and an AEAD. */
static bool allows_http2(SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
    if (SSL_version(ssl) == TLS1_3_VERSION)
        return true;
    if (SSL_version(ssl) != TLS1_2_VERSION || !cipher || !SSL_CIPHER_is_aead(cipher))
        return false;
    int exchange = SSL_CIPHER_get_kx_nid(cipher);
    return exchange == NID_kx_ecdhe || exchange == NID_kx_dhe;
}

static const unsigned char *find_protocol(const unsigned char *offered, unsigned n, kd_str wanted)
{
    for (unsigned at = 0; at < n && at + 1 + offered[at] <= n; at += 1 + offered[at])
        if (kd_str_eq(kd_str_of((const char *)offered + at + 1, offered[at]), wanted))
            return offered + at;
    return NULL;
}

static void word_protocols(kd_tls_stream *tls, const unsigned char *offered, unsigned n)
{
    char list[512];
    size_t to = 0;
    for (unsigned at = 0; at < n && at + 1 + offered[at] <= n && to + 260 < sizeof list; at += 1 + offered[at]) {
        to += (size_t)snprintf(list + to, sizeof list - to, "%s\"", at ? " " : "");
        for (unsigned i = 1; i <= offered[at]; i++) {
            unsigned char c = offered[at + i];
            list[to++] = c >= 0x20 && c < 0x7f && c != '"' ? (char)c : '?';
        }
        list[to++] = '"';
    }
    kd_tls_set_error(tls, "tls: client requested unsupported application protocols ([%.*s])", (int)to, list);
}

int kd_tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *offered,
                   unsigned int offered_n, void *credentials)
{
    const kd_tls_credentials *c = credentials;
    const unsigned char *two = find_protocol(offered, offered_n, KD_STR("h2"));
    const unsigned char *one = find_protocol(offered, offered_n, KD_STR("http/1.1"));
    const unsigned char *chosen = two && c->http2 && allows_http2(ssl) ? two : one;
    if (!chosen) {
        word_protocols(SSL_get_app_data(ssl), offered, offered_n);
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen + 1;
    *n = chosen[0];
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the handshake -------------------------------------------------------------------------------------------------
 */

bool kd_tls_server_start(kd_stream *stream, kd_tls_server *server)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_TLS, KD_TLS_HANDSHAKE_BYTES))
        return false;
    kd_tls_credentials *credentials = kd_tls_server_hold(server);
    kd_tls_stream *tls = credentials ? OPENSSL_zalloc(sizeof *tls) : NULL;
    if (tls) {
        tls->stream = stream;
        tls->credentials = credentials;
    }
    if (!tls || !kd_tls_attach(tls, credentials->ctx)) {
        OPENSSL_free(tls);
        kd_tls_credentials_release(credentials);
        kd_ledger_release(KD_ACCOUNT_TLS, KD_TLS_HANDSHAKE_BYTES);
        ERR_clear_error();
        return false;
    }
    SSL_set_accept_state(tls->ssl);
    tls->reserved = KD_TLS_HANDSHAKE_BYTES;
    stream->filter_state = tls;
    stream->filter = &kd_tls_filter;
    return true;
}

/* OpenSSL keeps both ephemeral keys of TLS 1.3 as long as the connection, some 3 KB with P-256, although nothing uses
 * them again: what is derived from them has replaced them, and there is no renegotiation. Giving the object another
 * type frees (and clears) the key in it. */
static void empty_key(EVP_PKEY *key)
{
    if (key)
        EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key); /* our use of it */
}

static void forget_ephemeral_keys(SSL *ssl)
{
    EVP_PKEY *ours = NULL, *theirs = NULL;
    if (SSL_version(ssl) != TLS1_3_VERSION)
        return;
    if (SSL_get_tmp_key(ssl, &ours))
        empty_key(ours);
    if (SSL_get_peer_tmp_key(ssl, &theirs))
        empty_key(theirs);
    ERR_clear_error();
}

/* What only the handshake needed. */
static void forget_handshake(kd_tls_stream *tls)
{
    OPENSSL_free(tls->hello);
    tls->hello = NULL;
    forget_ephemeral_keys(tls->ssl);
    if (tls->credentials->v[tls->pair].staple)
        SSL_set_tlsext_status_ocsp_resp(tls->ssl, NULL, 0);
}

kd_tls_progress kd_tls_server_handshake(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    ERR_clear_error();
    kd_tls_progress progress = kd_tls_progress_of(tls, SSL_do_handshake(tls->ssl));
    if (progress == KD_TLS_READY)
        forget_handshake(tls);
    return progress;
}

bool kd_tls_server_resumed(const kd_stream *stream)
{
    const kd_tls_stream *tls = stream->filter_state;
    return SSL_session_reused(tls->ssl);
}

bool kd_tls_server_chose_http2(const kd_stream *stream)
{
    const kd_tls_stream *tls = stream->filter_state;
    const unsigned char *name;
    unsigned n;
    SSL_get0_alpn_selected(tls->ssl, &name, &n);
    return kd_str_eq(kd_str_of((const char *)name, n), KD_STR("h2"));
}

/* ---- failures ------------------------------------------------------------------------------------------------------
 */

bool kd_tls_word_client(kd_tls_stream *tls, unsigned long error)
{
    static const struct {
        int reason;
        const char *words;
    } known[] = {
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "tls: client didn't provide a certificate"},
        {SSL_R_NO_SUITABLE_KEY_SHARE, "tls: no key exchanges supported by both client and server"},
        {SSL_R_NO_SUITABLE_GROUPS, "tls: no key exchanges supported by both client and server"},
        {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
         "tls: peer doesn't support any of the certificate's signature algorithms"},
        {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
         "tls: peer doesn't support any of the certificate's signature algorithms"},
        {SSL_R_INAPPROPRIATE_FALLBACK, "tls: client using inappropriate protocol fallback"},
        {SSL_R_NO_COMPRESSION_SPECIFIED, "tls: client does not support uncompressed connections"},
        {SSL_R_BINDER_DOES_NOT_VERIFY, "tls: invalid PSK binder"},
        {SSL_R_DIGEST_CHECK_FAILED, "tls: invalid client finished hash"},
        {SSL_R_BAD_SIGNATURE, "tls: invalid signature by the client certificate"},
    };
    int reason = ERR_GET_REASON(error);
    if (tls->eof) {
        kd_tls_set_error(tls, "%s", kd_tls_between_records(tls) ? "EOF" : "unexpected EOF");
        return true;
    }
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return false;
    if (reason == SSL_R_NO_SHARED_CIPHER) {
        char list[1024];
        list_numbers(tls->hello, tls->hello ? tls->n_hello : 0, list, sizeof list);
        kd_tls_set_error(tls, "tls: no cipher suite supported by both client and server; client offered: [%s]", list);
        return true;
    }
    for (size_t i = 0; i < KD_COUNT(known); i++)
        if (known[i].reason == reason) {
            kd_tls_set_error(tls, "%s", known[i].words);
            return true;
        }
    return false;
}
