/* From the settings and files of a listener to a context for handshakes: everything that reads or parses. */
#include "net/tls_server_own.h"

#include <errno.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#define LIST_MAX (16u * 1024)

/* ---- versions -----------------------------------------------------------------------------------------------------
 */

static bool set_versions(kd_tls_credentials *c, const kd_tls_server_options *o)
{
    c->min = kd_tls_version(o->min_version);
    c->max = kd_tls_version(o->max_version);
    if (c->min < TLS1_VERSION)
        c->min = TLS1_VERSION;
    /* Go accepts RSA keys of 1024 bits; the versions before 1.2 sign with SHA-1, which OpenSSL has at level 0 only. */
    SSL_CTX_set_security_level(c->ctx, c->min < TLS1_2_VERSION ? 0 : 1);
    /* Where nothing lies between the bounds every hello is refused before OpenSSL chooses (kd_tls_on_hello). */
    return c->min > c->max ||
           (SSL_CTX_set_min_proto_version(c->ctx, c->min) && SSL_CTX_set_max_proto_version(c->ctx, c->max));
}

/* ---- suites --------------------------------------------------------------------------------------------------------
 */

/* The suites up to TLS 1.2 that Go has, in the order in which it prefers them; the order of a configuration is of no
 * account. The first six are the default (spec/01 section 3.2). */
static const uint16_t suites[] = {0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013,
                                  0xc00a, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0xc012, 0x000a,
                                  0xc023, 0xc027, 0x003c, 0xc007, 0xc011, 0x0005};
#define DEFAULT_SUITES 6

static bool is_wanted(const kd_tls_server_options *o, size_t at)
{
    if (!o->n_suites)
        return at < DEFAULT_SUITES;
    for (uint32_t i = 0; i < o->n_suites; i++)
        if (o->suites[i] == suites[at])
            return true;
    return false;
}

static const SSL_CIPHER *find_suite(SSL *ssl, uint16_t number)
{
    const unsigned char bytes[2] = {(unsigned char)(number >> 8), (unsigned char)number};
    return SSL_CIPHER_find(ssl, bytes);
}

bool kd_tls_suite_is_known(uint16_t number)
{
    for (size_t i = 0; i < KD_COUNT(suites); i++)
        if (suites[i] == number)
            return true;
    return number >= 0x1301 && number <= 0x1303;
}

/* Numbers that Go does not know, or that OpenSSL was built without. */
static void note_unknown(SSL *ssl, const kd_tls_server_options *o, kd_buf *problems)
{
    for (uint32_t i = 0; i < o->n_suites; i++)
        if (!kd_tls_suite_is_known(o->suites[i]) || !find_suite(ssl, o->suites[i]))
            kd_buf_printf(problems, "Cipher suite %u is not available\n", o->suites[i]);
}

static bool set_suites(kd_tls_credentials *c, const kd_tls_server_options *o, kd_buf *problems)
{
    kd_buf list;
    kd_buf_init(&list, LIST_MAX);
    SSL *ssl = SSL_new(c->ctx);
    for (size_t i = 0; ssl && i < KD_COUNT(suites); i++) {
        const SSL_CIPHER *cipher = is_wanted(o, i) ? find_suite(ssl, suites[i]) : NULL;
        if (cipher)
            kd_buf_printf(&list, "%s%s", list.n ? ":" : "", SSL_CIPHER_get_name(cipher));
    }
    if (ssl)
        note_unknown(ssl, o, problems);
    SSL_free(ssl);
    kd_buf_byte(&list, 0);
    bool ok =
        ssl && !list.failed &&
        SSL_CTX_set_ciphersuites(c->ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    if (ok && list.n > 1)
        ok = SSL_CTX_set_cipher_list(c->ctx, list.p);
    else if (ok && c->min < TLS1_3_VERSION) {
        c->min = TLS1_3_VERSION; /* nothing is left for the older ones */
        ok = c->min > c->max || SSL_CTX_set_min_proto_version(c->ctx, c->min);
    }
    kd_buf_fini(&list);
    return ok;
}

/* ---- curves -------------------------------------------------------------------------------------------------------
 */

static bool set_curves(kd_tls_credentials *c, const kd_tls_server_options *o, kd_buf *problems, kd_buf *error)
{
    char list[64];
    kd_tls_curves(o->curves, o->n_curves, list, problems);
    if (!*list) {
        kd_buf_add(error, KD_STR("tls: none of the curves in curve_preferences is available"));
        return false;
    }
    return SSL_CTX_set1_groups_list(c->ctx, list);
}

/* ---- certificates --------------------------------------------------------------------------------------------------
 */

static void pair_fini(kd_tls_pair_loaded *pair)
{
    kd_tls_identity_fini(&pair->identity);
    for (uint32_t i = 0; i < pair->n_names; i++)
        free(pair->names[i]);
    free(pair->names);
    free(pair->staple);
}

static bool add_name(kd_tls_pair_loaded *pair, const ASN1_STRING *name)
{
    size_t n = (size_t)ASN1_STRING_length(name);
    const unsigned char *data = ASN1_STRING_get0_data(name);
    if (n > 0 && data[n - 1] == '.')
        n--;
    if (n == 0 || memchr(data, 0, n))
        return true; /* nobody can ask for it */
    char *copy = malloc(n + 1);
    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++)
        copy[i] = (char)kd_lower(data[i]);
    copy[n] = 0;
    pair->names[pair->n_names++] = copy;
    return true;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return time && ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : INT64_MAX;
}

/* What the certificate says of itself. */
static bool describe(kd_tls_pair_loaded *pair)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(pair->identity.leaf, NID_subject_alt_name, NULL, NULL);
    int n = all ? sk_GENERAL_NAME_num(all) : 0;
    pair->names = calloc((size_t)n + 1, sizeof *pair->names);
    bool ok = pair->names != NULL;
    for (int i = 0; ok && i < n; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        ok = name->type != GEN_DNS || add_name(pair, name->d.dNSName);
    }
    GENERAL_NAMES_free(all);
    pair->expires = seconds_of(X509_get0_notAfter(pair->identity.leaf));
    return ok;
}

static bool read_pair_file(kd_str path, kd_str *text, kd_buf *error)
{
    char room[128];
    int failure = kd_tls_read_path(path, text);
    if (failure)
        kd_buf_printf(error, "%s %.*s: %.*s", failure == EISDIR ? "read" : "open", KD_FMT(path),
                      KD_FMT(kd_tls_open_error(failure, room)));
    return !failure;
}

static bool load_pair(kd_tls_pair_loaded *pair, const kd_tls_files *files, kd_buf *error)
{
    kd_str *texts = calloc(2, sizeof *texts);
    bool ok = texts && read_pair_file(files->certificate, &texts[0], error) &&
              read_pair_file(files->private_key, &texts[1], error) &&
              kd_tls_identity_load(&pair->identity, texts[0], texts[1], error) && describe(pair);
    kd_tls_wipe(texts, 2);
    return ok;
}

static bool load_pairs(kd_tls_credentials *c, const kd_tls_server_options *o, kd_buf *error)
{
    c->v = calloc(o->n_pairs + 1, sizeof *c->v);
    if (!c->v)
        return false;
    if (o->n_pairs == 0)
        kd_buf_add(error, KD_STR("public key not defined"));
    for (uint32_t i = 0; i < o->n_pairs && error->n == 0; i++) {
        if (o->pairs[i].certificate.n == 0)
            kd_buf_add(error, KD_STR("public key not defined"));
        else if (o->pairs[i].private_key.n == 0)
            kd_buf_add(error, KD_STR("private key not defined"));
        else if (!load_pair(&c->v[c->n++], &o->pairs[i], error))
            return false;
    }
    return error->n == 0;
}

/* ---- OCSP ----------------------------------------------------------------------------------------------------------
 */

/* Does this single answer speak of the certificate? By its number and its issuer's name; the hash of the issuer's key
 * would need the issuer's certificate. */
static bool is_about(const OCSP_SINGLERESP *single, X509 *leaf)
{
    ASN1_OCTET_STRING *name;
    ASN1_OBJECT *algorithm;
    ASN1_INTEGER *serial;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
    if (!id || !OCSP_id_get0_info(&name, &algorithm, NULL, &serial, id) ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0)
        return false;
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    return md && X509_NAME_digest(X509_get_issuer_name(leaf), md, digest, &n) &&
           n == (unsigned)ASN1_STRING_length(name) && memcmp(digest, ASN1_STRING_get0_data(name), n) == 0;
}

static bool give_staple(kd_tls_credentials *c, OCSP_BASICRESP *basic, kd_str text)
{
    for (uint32_t i = 0; i < c->n; i++)
        for (int k = 0; k < OCSP_resp_count(basic); k++) {
            OCSP_SINGLERESP *single = OCSP_resp_get0(basic, k);
            kd_tls_pair_loaded *pair = &c->v[i];
            if (pair->staple || !is_about(single, pair->identity.leaf))
                continue;
            ASN1_GENERALIZEDTIME *until = NULL;
            OCSP_single_get0_status(single, NULL, NULL, NULL, &until);
            pair->staple = malloc(text.n);
            if (!pair->staple)
                return false;
            memcpy(pair->staple, text.p, text.n);
            pair->staple_n = text.n;
            pair->staple_ends = seconds_of(until);
            return true;
        }
    return false;
}

static void load_staple(kd_tls_credentials *c, kd_str path, kd_buf *problems)
{
    kd_str text = {NULL, 0};
    char room[128];
    int error = kd_tls_read_path(path, &text);
    if (error) {
        kd_buf_printf(problems, "Cannot load OCSP answer %.*s: open %.*s: %.*s\n", KD_FMT(path), KD_FMT(path),
                      KD_FMT(kd_tls_open_error(error, room)));
        return;
    }
    const unsigned char *at = (const unsigned char *)text.p;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &at, (long)text.n);
    bool good = answer && OCSP_response_status(answer) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *basic = good ? OCSP_response_get1_basic(answer) : NULL;
    if (!basic)
        kd_buf_printf(problems, "Cannot load OCSP answer %.*s: no successful answer in DER\n", KD_FMT(path));
    else if (!give_staple(c, basic, text))
        kd_buf_printf(problems, "Cannot load OCSP answer %.*s: it is about none of the certificates\n", KD_FMT(path));
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    ERR_clear_error();
    free((char *)text.p);
}

/* ---- clients' certificates -----------------------------------------------------------------------------------------
 */

static void add_file(X509_STORE *store, kd_str path, const char *what, kd_buf *problems)
{
    kd_str text = {NULL, 0};
    char room[128];
    int error = kd_tls_read_path(path, &text);
    if (error)
        kd_buf_printf(problems, "Cannot load %s %.*s: open %.*s: %.*s\n", what, KD_FMT(path), KD_FMT(path),
                      KD_FMT(kd_tls_open_error(error, room)));
    else if (!kd_tls_add_roots(store, text))
        kd_buf_printf(problems, "Cannot load %s %.*s: no certificate found\n", what, KD_FMT(path));
    free((char *)text.p);
}

/* Tells clients whose certificates are welcome, and makes the session's context of it: a ticket from before the
 * authorities changed is worth nothing. */
static bool announce(SSL_CTX *ctx, X509_STORE *store)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    STACK_OF(X509) *all = X509_STORE_get1_all_certs(store);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = names && all && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (int i = 0; ok && i < sk_X509_num(all); i++) {
        const X509 *one = sk_X509_value(all, i);
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(one));
        ok = name && sk_X509_NAME_push(names, name) && X509_digest(one, EVP_sha256(), digest, &n) &&
             EVP_DigestUpdate(md, digest, n);
        if (!ok)
            X509_NAME_free(name);
    }
    ok =
        ok && EVP_DigestFinal_ex(md, digest, &n) && SSL_CTX_set_session_id_context(ctx, digest, SSL_MAX_SID_CTX_LENGTH);
    EVP_MD_CTX_free(md);
    sk_X509_pop_free(all, X509_free);
    if (ok)
        SSL_CTX_set_client_CA_list(ctx, names);
    else
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    return ok;
}

static bool set_verification(kd_tls_credentials *c, const kd_tls_server_options *o, kd_buf *problems)
{
    if (!o->mutual)
        return SSL_CTX_set_session_id_context(c->ctx, (const unsigned char *)"any", 3);
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return false;
    if (!o->no_system_roots && !kd_tls_add_system_roots(store))
        kd_buf_printf(problems, "Cannot load system CA pool: no certificate found\n");
    for (uint32_t i = 0; i < o->n_roots; i++)
        add_file(store, o->roots[i], "certificate CA", problems);
    for (uint32_t i = 0; i < o->n_trusted; i++)
        add_file(store, o->pairs[i].certificate, "public key", problems);
    /* As in Go every certificate in the pool is trusted by itself, not only one that signed itself. */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    SSL_CTX_set_cert_store(c->ctx, store);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(c->ctx, kd_tls_verify_client, NULL);
    return announce(c->ctx, store);
}

/* ---- the whole -----------------------------------------------------------------------------------------------------
 */

static void set_callbacks(kd_tls_credentials *c)
{
    SSL_CTX_set_client_hello_cb(c->ctx, kd_tls_on_hello, c);
    SSL_CTX_set_alpn_select_cb(c->ctx, kd_tls_on_alpn, c);
    if (c->n > 1)
        SSL_CTX_set_cert_cb(c->ctx, kd_tls_on_choose, c);
    bool staples = false;
    for (uint32_t i = 0; i < c->n; i++)
        staples |= c->v[i].staple != NULL;
    if (staples) {
        SSL_CTX_set_tlsext_status_cb(c->ctx, kd_tls_on_status);
        SSL_CTX_set_tlsext_status_arg(c->ctx, c);
    }
}

static bool build(kd_tls_credentials *c, const kd_tls_server_options *o, kd_buf *problems, kd_buf *error)
{
    c->ctx = SSL_CTX_new(TLS_server_method());
    c->http2 = o->http2;
    if (!c->ctx || !set_versions(c, o) || !set_suites(c, o, problems) || !set_verification(c, o, problems) ||
        !load_pairs(c, o, error) || !set_curves(c, o, problems, error))
        return false;
    for (uint32_t i = 0; i < o->n_staples; i++)
        load_staple(c, o->staples[i], problems);
    const kd_tls_identity *first = &c->v[0].identity;
    if (c->n == 1 && !SSL_CTX_use_cert_and_key(c->ctx, first->leaf, first->key, first->chain, 1)) {
        kd_buf_add(error, KD_STR("tls: the certificate cannot be used"));
        return false;
    }
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                    SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(c->ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(c->ctx, 1); /* a record in one read */
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    set_callbacks(c);
    return kd_tls_tickets_install(c->ctx);
}

kd_tls_credentials *kd_tls_credentials_load(const kd_tls_server_options *options, kd_buf *problems, kd_buf *error)
{
    kd_tls_credentials *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->uses, 1);
    bool ok = build(c, options, problems, error);
    ERR_clear_error();
    if (ok)
        return c;
    kd_tls_credentials_release(c);
    return NULL;
}

void kd_tls_credentials_release(kd_tls_credentials *credentials)
{
    if (!credentials || atomic_fetch_sub(&credentials->uses, 1) != 1)
        return;
    for (uint32_t i = 0; i < credentials->n; i++)
        pair_fini(&credentials->v[i]);
    free(credentials->v);
    SSL_CTX_free(credentials->ctx);
    free(credentials);
}
