#include "lang/jose/envelope.h"

#include "lang/jose/base64.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* ---- Salsa20 (Bernstein, "The Salsa20 family of stream ciphers" and "Extending the Salsa20 nonce") --------------- */

static uint32_t rotate(uint32_t v, int by)
{
    return v << by | v >> (32 - by);
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *b ^= rotate(*a + *d, 7);
    *c ^= rotate(*b + *a, 9);
    *d ^= rotate(*c + *b, 13);
    *a ^= rotate(*d + *c, 18);
}

static void rounds(uint32_t x[16])
{
    for (int i = 0; i < 10; i++) {
        quarter(&x[0], &x[4], &x[8], &x[12]);
        quarter(&x[5], &x[9], &x[13], &x[1]);
        quarter(&x[10], &x[14], &x[2], &x[6]);
        quarter(&x[15], &x[3], &x[7], &x[11]);
        quarter(&x[0], &x[1], &x[2], &x[3]);
        quarter(&x[5], &x[6], &x[7], &x[4]);
        quarter(&x[10], &x[11], &x[8], &x[9]);
        quarter(&x[15], &x[12], &x[13], &x[14]);
    }
}

static void fill(uint32_t x[16], const uint8_t key[32], const uint8_t in[16])
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int i = 0; i < 4; i++) {
        x[5 * i] = constants[i];
        x[1 + i] = load(key + 4 * i);
        x[6 + i] = load(in + 4 * i);
        x[11 + i] = load(key + 16 + 4 * i);
    }
}

static void salsa20_block(uint8_t out[64], const uint8_t key[32], const uint8_t in[16])
{
    uint32_t x[16], start[16];
    fill(start, key, in);
    memcpy(x, start, sizeof x);
    rounds(x);
    for (int i = 0; i < 16; i++)
        store(out + 4 * i, x[i] + start[i]);
    OPENSSL_cleanse(x, sizeof x);
    OPENSSL_cleanse(start, sizeof start);
}

static void hsalsa20(uint8_t out[32], const uint8_t key[32], const uint8_t in[16])
{
    static const int places[8] = {0, 5, 10, 15, 6, 7, 8, 9};
    uint32_t x[16];
    fill(x, key, in);
    rounds(x);
    for (int i = 0; i < 8; i++)
        store(out + 4 * i, x[places[i]]);
    OPENSSL_cleanse(x, sizeof x);
}

/* ---- the box ---------------------------------------------------------------------------------------------------- */

#define NONCE 24u
#define TAG   16u

static bool tag_fits(const uint8_t key[32], kd_str text, const uint8_t tag[TAG])
{
    uint8_t wanted[TAG];
    size_t n = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool good = context && EVP_MAC_init(context, key, 32, NULL) &&
                EVP_MAC_update(context, (const uint8_t *)text.p, text.n) &&
                EVP_MAC_final(context, wanted, &n, sizeof wanted) && n == TAG && CRYPTO_memcmp(wanted, tag, TAG) == 0;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return good;
}

kd_str kd_secretbox_open(kd_arena *arena, const uint8_t key[32], kd_str box)
{
    uint8_t sub[32], in[16] = {0}, stream[64];
    const uint8_t *p = (const uint8_t *)box.p;
    kd_str content = {NULL, 0};
    if (box.n < NONCE + TAG)
        return content;
    size_t n = box.n - NONCE - TAG;
    const uint8_t *from = p + NONCE + TAG;
    hsalsa20(sub, key, p);
    memcpy(in, p + 16, 8);
    salsa20_block(stream, sub, in);
    /* the first 32 bytes of the stream are the one-time key, the content goes with those behind */
    if (tag_fits(stream, kd_str_of((const char *)from, n), p + NONCE)) {
        char *to = kd_arena_alloc(arena, n + 1);
        content = to ? kd_str_of(to, n) : content;
        for (size_t i = 0; to && i < n; i++) {
            size_t at = i + 32;
            if (at % 64 == 0) {
                uint64_t block = at / 64;
                for (int b = 0; b < 8; b++)
                    in[8 + b] = (uint8_t)(block >> (8 * b));
                salsa20_block(stream, sub, in);
            }
            to[i] = (char)(from[i] ^ stream[at % 64]);
        }
    }
    OPENSSL_cleanse(sub, sizeof sub);
    OPENSSL_cleanse(stream, sizeof stream);
    return content;
}

kd_str kd_envelope_local_key(kd_arena *arena, kd_str keeper, kd_str encrypted, kd_str *error)
{
    static const size_t scheme = sizeof("base64key://") - 1;
    kd_str text = kd_str_from(keeper, scheme), key, plain = {NULL, 0};
    kd_jose_base64 info;
    ptrdiff_t query = kd_str_find(text, '?');
    *error = (kd_str){NULL, 0};
    if (query >= 0 && (size_t)query + 1 < text.n) {
        *error = KD_STR("open keeper: base64key takes no query parameters");
        return plain;
    }
    text = kd_str_head(text, query >= 0 ? (size_t)query : text.n);
    ptrdiff_t path = kd_str_find(text, '/');
    text = kd_str_head(text, path >= 0 ? (size_t)path : text.n);
    if (!kd_jose_base64url_padded(arena, text, &key, &info)) {
        kd_str why = kd_jose_base64_error(arena, &info);
        *error = kd_arena_printf(arena, "open keeper: failed to get key: %.*s", KD_FMT(why));
        return plain;
    }
    if (!key.p)
        return plain;
    if (key.n == 32)
        plain = kd_secretbox_open(arena, (const uint8_t *)key.p, encrypted);
    if (!plain.p)
        *error = key.n == 32
                     ? KD_STR("secrets (code=InvalidArgument): localsecrets: Decrypt failed")
                     : kd_arena_printf(arena, "open keeper: failed to get key: must be 32 bytes, it has %zu", key.n);
    OPENSSL_cleanse((char *)key.p, key.n);
    return plain;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

/* The AES key is the hexadecimal text of the envelope key's MD5. */
static bool make_key(uint8_t out[32], kd_str key)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(key.p ? key.p : "", key.n, sum, &n, EVP_md5(), NULL) || n != 16)
        return false;
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = (uint8_t)digits[sum[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[sum[i] & 15];
    }
    OPENSSL_cleanse(sum, sizeof sum);
    return true;
}

kd_str kd_envelope_open(kd_arena *arena, kd_str file, kd_str key, kd_str *error)
{
    enum { FILE_NONCE = 12 };
    uint8_t secret[32];
    int n = 0, last = 0;
    kd_str none = {NULL, 0};
    *error = KD_STR("cipher: message authentication failed");
    if (file.n < FILE_NONCE + TAG || file.n > INT32_MAX)
        return none;
    size_t size = file.n - FILE_NONCE - TAG;
    char *to = kd_arena_alloc(arena, size + 1);
    if (!to || !make_key(secret, key)) {
        *error = to ? KD_STR("MD5, which the file's key is made with, is not available") : none;
        return none;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, secret, (const uint8_t *)file.p) &&
                EVP_DecryptUpdate(context, (uint8_t *)to, &n, (const uint8_t *)file.p + FILE_NONCE, (int)size) &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, (char *)file.p + FILE_NONCE + size) &&
                EVP_DecryptFinal_ex(context, (uint8_t *)to + n, &last) > 0;
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(secret, sizeof secret);
    if (good)
        return kd_str_of(to, size);
    OPENSSL_cleanse(to, size);
    return none;
}
