#include "net/tls_profile.h"

#include "base/hash.h"
#include "base/log.h"
#include "net/tls_material.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MAX_PROBLEMS (64u * 1024)

struct kd_tls_profile {
    kd_tls_profile *next;
    kd_fingerprint content;
    uint32_t id;
    _Atomic uint32_t
        uses; /* generations and connections; it reaches zero and leaves it only under the registry's lock */
    uint32_t n_identities;
    kd_tls_identity *identities;
    SSL_CTX *ctx;
    const char *broken;
    const char *pin_error; /* NULL: no pins */
    uint8_t (*pins)[32];
    uint32_t n_pins;
    kd_buf problems; /* lines */
};

/* The files that a profile is made from, read once: what is hashed is what is loaded. */
typedef struct source {
    const kd_tls_options *options;
    kd_str *roots; /* p NULL: could not be read */
    kd_str *certificates, *keys;
    int *root_errors, *pair_errors;
} source;

static struct {
    pthread_mutex_t lock;
    kd_tls_profile *all;
    uint32_t last_id;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Before main, because OpenSSL takes functions for its memory only before its first allocation, whoever makes it. */
__attribute__((constructor)) static void before_main(void)
{
    kd_tls_memory_install();
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static void source_fini(source *s)
{
    kd_tls_wipe(s->roots, s->options->n_roots);
    kd_tls_wipe(s->certificates, s->options->n_certificates);
    kd_tls_wipe(s->keys, s->options->n_certificates);
    free(s->root_errors);
    free(s->pair_errors);
}

static bool source_init(source *s, const kd_tls_options *o)
{
    *s = (source){.options = o};
    s->roots = calloc(o->n_roots + 1, sizeof *s->roots);
    s->root_errors = calloc(o->n_roots + 1, sizeof *s->root_errors);
    s->certificates = calloc(o->n_certificates + 1, sizeof *s->certificates);
    s->keys = calloc(o->n_certificates + 1, sizeof *s->keys);
    s->pair_errors = calloc(2 * (size_t)o->n_certificates + 1, sizeof *s->pair_errors);
    if (!s->roots || !s->root_errors || !s->certificates || !s->keys || !s->pair_errors)
        return false;
    for (uint32_t i = 0; i < o->n_roots; i++)
        s->root_errors[i] = kd_tls_read_path(o->roots[i], &s->roots[i]);
    for (uint32_t i = 0; i < o->n_certificates; i++) {
        s->pair_errors[2 * i] = kd_tls_read_path(o->certificates[i].certificate, &s->certificates[i]);
        s->pair_errors[2 * i + 1] = kd_tls_read_path(o->certificates[i].private_key, &s->keys[i]);
    }
    return true;
}

static void add_part(kd_buf *buf, kd_str part)
{
    kd_buf_printf(buf, "%zu:", part.n);
    kd_buf_add(buf, part);
}

/* Everything that matters, as one fingerprint. */
static bool content_of(const source *s, kd_fingerprint *out)
{
    const kd_tls_options *o = s->options;
    kd_buf buf;
    char mark[1024];
    kd_buf_init(&buf, 256u * 1024 * 1024);
    kd_buf_printf(&buf, "%d%d%d", o->configured, o->insecure, o->no_system_roots);
    add_part(&buf, o->min_version);
    add_part(&buf, o->max_version);
    for (uint32_t i = 0; i < o->n_curves; i++)
        kd_buf_printf(&buf, "c%u", o->curves[i]);
    for (uint32_t i = 0; i < o->n_suites; i++)
        kd_buf_printf(&buf, "s%u", o->suites[i]);
    if (o->pin_error)
        kd_buf_printf(&buf, "p%u", o->n_pins);
    for (uint32_t i = 0; i < o->n_pins; i++)
        add_part(&buf, kd_str_of((const char *)o->pins[i], sizeof o->pins[i]));
    for (uint32_t i = 0; i < o->n_roots; i++) {
        add_part(&buf, o->roots[i]);
        add_part(&buf, s->roots[i]);
    }
    for (uint32_t i = 0; i < o->n_certificates; i++) {
        add_part(&buf, o->certificates[i].certificate);
        add_part(&buf, s->certificates[i]);
        add_part(&buf, o->certificates[i].private_key);
        add_part(&buf, s->keys[i]);
    }
    if (!o->no_system_roots)
        add_part(&buf, kd_str_of(mark, kd_tls_system_roots_mark(mark, sizeof mark)));
    bool ok = !buf.failed;
    if (ok)
        *out = kd_hash_fingerprint(kd_buf_str(&buf));
    if (buf.p)
        OPENSSL_cleanse(buf.p, buf.n);
    kd_buf_fini(&buf);
    return ok;
}

/* ---- versions, suites, curves --------------------------------------------------------------------------------------
 */

/* Go's list for TLS 1.2 and below without a configuration; a configured one has the first six by default. */
static const char aead_suites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char cbc_suites[] =
    ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";
static const char new_suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* The names of the numbered suites up to TLS 1.2 that OpenSSL has. */
static void name_suites(kd_tls_profile *p, const kd_tls_options *o, kd_buf *out)
{
    SSL *ssl = SSL_new(p->ctx);
    for (uint32_t i = 0; ssl && i < o->n_suites; i++) {
        const unsigned char number[2] = {(unsigned char)(o->suites[i] >> 8), (unsigned char)o->suites[i]};
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, number);
        if (!cipher)
            kd_buf_printf(&p->problems, "Cipher suite %u is not available\n", o->suites[i]);
        else if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") != 0)
            kd_buf_printf(out, "%s%s", out->n ? ":" : "", SSL_CIPHER_get_name(cipher));
    }
    SSL_free(ssl);
}

static bool set_suites(kd_tls_profile *p, const kd_tls_options *o, int min)
{
    kd_buf list;
    kd_buf_init(&list, 16 * 1024);
    if (o->n_suites)
        name_suites(p, o, &list);
    else
        kd_buf_printf(&list, "%s%s", aead_suites, o->configured ? "" : cbc_suites);
    kd_buf_byte(&list, 0);
    bool ok = !list.failed && SSL_CTX_set_ciphersuites(p->ctx, new_suites);
    /* No suite of TLS 1.2 is left: only 1.3 can be spoken. */
    if (ok && list.n > 1)
        ok = SSL_CTX_set_cipher_list(p->ctx, list.p);
    else if (ok && min < TLS1_3_VERSION)
        ok = SSL_CTX_set_min_proto_version(p->ctx, TLS1_3_VERSION);
    kd_buf_fini(&list);
    return ok;
}

static bool set_curves(kd_tls_profile *p, const kd_tls_options *o)
{
    char list[64] = "X25519:P-256:P-384:P-521";
    if (o->configured)
        kd_tls_curves(o->curves, o->n_curves, list, &p->problems);
    if (!*list) {
        p->broken = "tls: no supported elliptic curves for ECDHE";
        return true;
    }
    return SSL_CTX_set1_groups_list(p->ctx, list);
}

static bool set_versions(kd_tls_profile *p, const kd_tls_options *o, int *min)
{
    *min = o->configured ? kd_tls_version(o->min_version) : TLS1_2_VERSION;
    int max = o->configured ? kd_tls_version(o->max_version) : TLS1_3_VERSION;
    if (*min < TLS1_VERSION)
        *min = TLS1_VERSION;
    if (*min > max)
        p->broken = "tls: no supported versions satisfy MinVersion and MaxVersion";
    /* Go accepts RSA keys of 1024 bits; the versions before 1.2 sign with SHA-1, which OpenSSL has at level 0 only. */
    SSL_CTX_set_security_level(p->ctx, *min < TLS1_2_VERSION ? 0 : 1);
    return p->broken || (SSL_CTX_set_min_proto_version(p->ctx, *min) && SSL_CTX_set_max_proto_version(p->ctx, max));
}

/* ---- certificates --------------------------------------------------------------------------------------------------
 */

static bool load_identities(kd_tls_profile *p, const source *s)
{
    const kd_tls_options *o = s->options;
    char room[128];
    p->identities = calloc(o->n_certificates + 1, sizeof *p->identities);
    if (!p->identities)
        return false;
    for (uint32_t i = 0; i < o->n_certificates; i++) {
        const kd_tls_files *files = &o->certificates[i];
        int which = s->pair_errors[2 * i] ? 0 : 1, error = s->pair_errors[2 * i + (uint32_t)which];
        if (error) {
            kd_str path = which ? files->private_key : files->certificate;
            kd_buf_printf(&p->problems, "Cannot load client certificate %.*s, %.*s: open %.*s: %.*s\n",
                          KD_FMT(files->certificate), KD_FMT(files->private_key), KD_FMT(path),
                          KD_FMT(kd_tls_open_error(error, room)));
            continue;
        }
        kd_buf why;
        kd_buf_init(&why, MAX_PROBLEMS);
        if (kd_tls_identity_load(&p->identities[p->n_identities], s->certificates[i], s->keys[i], &why))
            p->n_identities++;
        else
            kd_buf_printf(&p->problems, "Cannot load client certificate %.*s, %.*s: %.*s\n", KD_FMT(files->certificate),
                          KD_FMT(files->private_key), KD_FMT(kd_buf_str(&why)));
        kd_buf_fini(&why);
    }
    return true;
}

static bool has_issuer(const kd_tls_identity *id, const STACK_OF(X509_NAME) * names)
{
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        const X509_NAME *name = sk_X509_NAME_value(names, i);
        if (X509_NAME_cmp(X509_get_issuer_name(id->leaf), name) == 0)
            return true;
        for (int k = 0; k < sk_X509_num(id->chain); k++)
            if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(id->chain, k)), name) == 0)
                return true;
    }
    return false;
}

/* The peer wants a certificate: the first that comes from an authority it names, or the first when it names none. */
static int choose_identity(SSL *ssl, void *of)
{
    const kd_tls_profile *p = of;
    const STACK_OF(X509_NAME) *names = SSL_get_client_CA_list(ssl);
    for (uint32_t i = 0; i < p->n_identities; i++) {
        const kd_tls_identity *id = &p->identities[i];
        if (sk_X509_NAME_num(names) > 0 && !has_issuer(id, names))
            continue;
        return SSL_use_cert_and_key(ssl, id->leaf, id->key, id->chain, 1) == 1;
    }
    return 1; /* none is sent; the peer decides */
}

static bool load_roots(kd_tls_profile *p, const source *s)
{
    const kd_tls_options *o = s->options;
    char room[128];
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return false;
    if (!o->no_system_roots && !o->insecure && !kd_tls_add_system_roots(store))
        kd_buf_printf(&p->problems, "Cannot load system CA pool: no certificate found\n");
    for (uint32_t i = 0; i < o->n_roots; i++) {
        if (s->root_errors[i])
            kd_buf_printf(&p->problems, "Cannot load certificate CA %.*s: open %.*s: %.*s\n", KD_FMT(o->roots[i]),
                          KD_FMT(o->roots[i]), KD_FMT(kd_tls_open_error(s->root_errors[i], room)));
        else if (!kd_tls_add_roots(store, s->roots[i]))
            kd_buf_printf(&p->problems, "Cannot load certificate CA %.*s: no certificate found\n", KD_FMT(o->roots[i]));
    }
    /* As in Go every certificate in the pool is trusted by itself, not only one that signed itself. */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    SSL_CTX_set_cert_store(p->ctx, store);
    return true;
}

/* ---- the profile ---------------------------------------------------------------------------------------------------
 */

static void destroy(kd_tls_profile *p)
{
    for (uint32_t i = 0; i < p->n_identities; i++)
        kd_tls_identity_fini(&p->identities[i]);
    free(p->identities);
    free(p->pins);
    SSL_CTX_free(p->ctx);
    kd_buf_fini(&p->problems);
    free(p);
}

static bool build(kd_tls_profile *p, const source *s)
{
    const kd_tls_options *o = s->options;
    int min;
    p->pin_error = o->pin_error;
    p->n_pins = o->n_pins;
    p->pins = calloc(o->n_pins + (size_t)1, sizeof *p->pins);
    if (!p->pins)
        return false;
    if (o->n_pins)
        memcpy(p->pins, o->pins, o->n_pins * sizeof *p->pins);
    p->ctx = SSL_CTX_new(TLS_client_method());
    if (!p->ctx || !set_versions(p, o, &min) || !set_suites(p, o, min) || !set_curves(p, o) || !load_roots(p, s) ||
        !load_identities(p, s))
        return false;
    SSL_CTX_set_options(p->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(p->ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(p->ctx, 1); /* a record in one read */
    SSL_CTX_set_session_cache_mode(p->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(p->ctx, kd_tls_keep_session);
    SSL_CTX_set_verify(p->ctx, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!o->insecure)
        SSL_CTX_set_cert_verify_callback(p->ctx, kd_tls_verify, NULL);
    if (p->n_identities)
        SSL_CTX_set_cert_cb(p->ctx, choose_identity, p);
    return true;
}

static kd_tls_profile *find_or_make(const source *s, kd_fingerprint content)
{
    for (kd_tls_profile *p = registry.all; p; p = p->next)
        if (kd_fingerprint_eq(p->content, content)) {
            atomic_fetch_add(&p->uses, 1);
            return p;
        }
    kd_tls_profile *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->content = content;
    kd_buf_init(&p->problems, MAX_PROBLEMS);
    bool ok = build(p, s);
    ERR_clear_error();
    if (!ok) {
        destroy(p);
        return NULL;
    }
    atomic_init(&p->uses, 1);
    p->id = ++registry.last_id;
    p->next = registry.all;
    registry.all = p;
    return p;
}

kd_tls_profile *kd_tls_profile_acquire(const kd_tls_options *options)
{
    source s;
    kd_fingerprint content;
    kd_tls_profile *p = NULL;
    if (source_init(&s, options) && content_of(&s, &content)) {
        pthread_mutex_lock(&registry.lock);
        p = find_or_make(&s, content);
        pthread_mutex_unlock(&registry.lock);
    }
    source_fini(&s);
    return p;
}

void kd_tls_profile_release(kd_tls_profile *profile)
{
    if (!profile)
        return;
    uint32_t uses = atomic_load(&profile->uses);
    while (uses > 1)
        if (atomic_compare_exchange_weak(&profile->uses, &uses, uses - 1))
            return;
    pthread_mutex_lock(&registry.lock);
    bool last = atomic_fetch_sub(&profile->uses, 1) == 1;
    if (last) {
        kd_tls_profile **link = &registry.all;
        while (*link != profile)
            link = &(*link)->next;
        *link = profile->next;
    }
    pthread_mutex_unlock(&registry.lock);
    if (last)
        destroy(profile);
}

kd_tls_profile *kd_tls_profile_default(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static kd_tls_profile *profile;
    pthread_mutex_lock(&lock);
    if (!profile)
        profile = kd_tls_profile_acquire(&(kd_tls_options){0});
    kd_tls_profile *p = profile;
    pthread_mutex_unlock(&lock);
    return p;
}

void kd_tls_profile_hold(kd_tls_profile *profile)
{
    atomic_fetch_add(&profile->uses, 1);
}

uint32_t kd_tls_profile_id(const kd_tls_profile *profile)
{
    return profile->id;
}

SSL_CTX *kd_tls_profile_ctx(const kd_tls_profile *profile)
{
    return profile->ctx;
}

const char *kd_tls_profile_broken(const kd_tls_profile *profile)
{
    return profile->broken;
}

void kd_tls_profile_log(const kd_tls_profile *profile)
{
    kd_str rest = kd_buf_str(&profile->problems), line;
    while (rest.p && kd_str_split(&rest, '\n', &line))
        if (line.n)
            kd_log(KD_LOG_ERROR, "[SERVICE: HTTP Server] %.*s", KD_FMT(line));
}

const char *kd_tls_profile_pin_error(const kd_tls_profile *profile)
{
    return profile->pin_error;
}

bool kd_tls_profile_pins(const kd_tls_profile *profile, const uint8_t digest[32])
{
    for (uint32_t i = 0; i < profile->n_pins; i++)
        if (CRYPTO_memcmp(profile->pins[i], digest, sizeof profile->pins[i]) == 0)
            return true;
    return false;
}
