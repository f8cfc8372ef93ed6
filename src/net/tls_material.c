#include "net/tls_material.h"

#include "net/tls_server.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* ---- versions and curves -------------------------------------------------------------------------------------------
 */

int kd_tls_version(kd_str name)
{
    static const struct {
        kd_str name;
        int version;
    } names[] = {{KD_STR_INIT("SSL3.0"), SSL3_VERSION},
                 {KD_STR_INIT("TLS10"), TLS1_VERSION},
                 {KD_STR_INIT("TLS11"), TLS1_1_VERSION},
                 {KD_STR_INIT("TLS12"), TLS1_2_VERSION}};
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (kd_str_eq(name, names[i].name))
            return names[i].version;
    return TLS1_3_VERSION;
}

/* Go prefers curves in an order of its own, whatever the order of the configuration. */
static const struct {
    uint16_t number;
    const char *name;
} curves[] = {{29, "X25519"}, {23, "P-256"}, {24, "P-384"}, {25, "P-521"}};

bool kd_tls_curve_is_known(uint16_t number)
{
    for (size_t i = 0; i < KD_COUNT(curves); i++)
        if (curves[i].number == number)
            return true;
    return false;
}

void kd_tls_curves(const uint16_t *numbers, uint32_t n, char list[64], kd_buf *problems)
{
    static const uint16_t configured[] = {25, 24, 23};
    const uint16_t *wanted = n ? numbers : configured;
    uint32_t n_wanted = n ? n : KD_COUNT(configured);
    list[0] = 0;
    for (size_t i = 0; i < KD_COUNT(curves); i++)
        for (uint32_t k = 0; k < n_wanted; k++)
            if (wanted[k] == curves[i].number) {
                strcat(strcat(list, *list ? ":" : ""), curves[i].name);
                break;
            }
    for (uint32_t k = 0; k < n_wanted; k++)
        if (!kd_tls_curve_is_known(wanted[k]))
            kd_buf_printf(problems, "Curve %u is not available\n", wanted[k]);
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

int kd_tls_read_path(kd_str path, kd_str *out)
{
    char text[4096];
    if (path.n >= sizeof text)
        return ENAMETOOLONG;
    if (path.n)
        memcpy(text, path.p, path.n);
    text[path.n] = 0;
    return kd_tls_read_file(text, out);
}

void kd_tls_wipe(kd_str *v, uint32_t n)
{
    for (uint32_t i = 0; v && i < n; i++)
        if (v[i].p) {
            OPENSSL_cleanse((char *)v[i].p, v[i].n);
            free((char *)v[i].p);
        }
    free(v);
}

kd_str kd_tls_open_error(int error, char to[128])
{
    const char *words = error == ENOENT   ? "no such file or directory"
                        : error == EACCES ? "permission denied"
                        : error == EISDIR ? "is a directory"
                                          : strerror_r(error, to, 128);
    return kd_str_from_c(words);
}

/* ---- certificates with their keys ----------------------------------------------------------------------------------
 */

/* A PEM text, block by block. */
typedef struct blocks {
    BIO *bio;
    char *name, *header;
    unsigned char *data;
    long n;
} blocks;

static bool next_block(blocks *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    if (b->data)
        OPENSSL_clear_free(b->data, (size_t)b->n);
    b->name = b->header = NULL;
    b->data = NULL;
    return b->bio && PEM_read_bio(b->bio, &b->name, &b->header, &b->data, &b->n);
}

static void blocks_init(blocks *b, kd_str text)
{
    *b = (blocks){.bio = BIO_new_mem_buf(text.p, (int)text.n)};
}

/* Also when the last block has not been read. */
static void blocks_fini(blocks *b)
{
    BIO_free(b->bio);
    b->bio = NULL;
    next_block(b);
}

/* The names of the blocks that were of no use, to word what is wrong. */
typedef struct skipped {
    char names[256];
    uint32_t n;
    bool last_is_key, last_is_certificate;
} skipped;

static bool is_key_block(const char *name)
{
    return strcmp(name, "PRIVATE KEY") == 0 || kd_str_ends(kd_str_from_c(name), KD_STR(" PRIVATE KEY"));
}

static void skip(skipped *s, const char *name)
{
    size_t used = strlen(s->names);
    snprintf(s->names + used, sizeof s->names - used, "%s%s", s->n++ ? " " : "", name);
    s->last_is_key = kd_str_ends(kd_str_from_c(name), KD_STR("PRIVATE KEY"));
    s->last_is_certificate = strcmp(name, PEM_STRING_X509) == 0;
}

static bool load_certificates(kd_tls_identity *id, kd_str text, kd_buf *why)
{
    blocks b;
    skipped others = {0};
    bool ok = true;
    id->chain = sk_X509_new_null();
    for (blocks_init(&b, text); ok && id->chain && next_block(&b);) {
        if (strcmp(b.name, PEM_STRING_X509) != 0) {
            skip(&others, b.name);
            continue;
        }
        const unsigned char *at = b.data;
        X509 *one = d2i_X509(NULL, &at, b.n);
        if (!one) {
            kd_buf_add(why, KD_STR("x509: malformed certificate"));
            ok = false;
        } else if (!id->leaf) {
            id->leaf = one;
        } else if (!sk_X509_push(id->chain, one)) {
            X509_free(one);
        }
    }
    blocks_fini(&b);
    if (!ok || (id->leaf && id->chain))
        return ok;
    if (others.n == 0)
        kd_buf_add(why, KD_STR("tls: failed to find any PEM data in certificate input"));
    else if (others.n == 1 && others.last_is_key)
        kd_buf_add(why, KD_STR("tls: failed to find certificate PEM data in certificate input, but did find a private "
                               "key; PEM inputs may have been switched"));
    else
        kd_buf_printf(why,
                      "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of "
                      "the following types: [%s]",
                      others.names);
    return false;
}

static bool load_key(kd_tls_identity *id, kd_str text, kd_buf *why)
{
    blocks b;
    skipped others = {0};
    bool found = false;
    for (blocks_init(&b, text); !found && next_block(&b);) {
        found = is_key_block(b.name);
        if (!found) {
            skip(&others, b.name);
            continue;
        }
        /* A key with a pass phrase is refused: there is nobody to ask. */
        const unsigned char *at = b.data;
        id->key = *b.header ? NULL : d2i_AutoPrivateKey(NULL, &at, b.n);
    }
    blocks_fini(&b);
    if (id->key)
        return true;
    if (found)
        kd_buf_add(why, KD_STR("tls: failed to parse private key"));
    else if (others.n == 0)
        kd_buf_add(why, KD_STR("tls: failed to find any PEM data in key input"));
    else if (others.n == 1 && others.last_is_certificate)
        kd_buf_add(why, KD_STR("tls: found a certificate rather than a key in the PEM for the private key"));
    else
        kd_buf_printf(why,
                      "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping "
                      "PEM blocks of the following types: [%s]",
                      others.names);
    return false;
}

static bool belong_together(const kd_tls_identity *id, kd_buf *why)
{
    const EVP_PKEY *public_key = X509_get0_pubkey(id->leaf);
    if (!public_key)
        kd_buf_add(why, KD_STR("tls: unknown public key algorithm"));
    else if (EVP_PKEY_get_base_id(public_key) != EVP_PKEY_get_base_id(id->key))
        kd_buf_add(why, KD_STR("tls: private key type does not match public key type"));
    else if (!X509_check_private_key(id->leaf, id->key))
        kd_buf_add(why, KD_STR("tls: private key does not match public key"));
    else
        return true;
    return false;
}

bool kd_tls_identity_load(kd_tls_identity *id, kd_str certificates, kd_str key, kd_buf *why)
{
    *id = (kd_tls_identity){0};
    bool ok = load_certificates(id, certificates, why) && load_key(id, key, why) && belong_together(id, why);
    ERR_clear_error();
    if (!ok)
        kd_tls_identity_fini(id);
    return ok;
}

void kd_tls_identity_fini(kd_tls_identity *id)
{
    X509_free(id->leaf);
    sk_X509_pop_free(id->chain, X509_free);
    EVP_PKEY_free(id->key);
    *id = (kd_tls_identity){0};
}
