/* The keys that seal session tickets. */
#include "net/tls_server_own.h"

#include "base/random.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>

#define DAY (24 * 3600 * KD_SECOND)

typedef struct ticket_key {
    uint8_t name[16], cipher[32], mac[32];
    kd_ns made;
    bool set;
} ticket_key;

/* Never copied out but for the length of one call; guarded by `lock`. */
static struct {
    pthread_mutex_t lock;
    kd_ns period;
    ticket_key present, former;
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER, .period = DAY};

void kd_tls_tickets_rotate_every(kd_ns period)
{
    pthread_mutex_lock(&keys.lock);
    keys.period = period > 0 ? period : DAY;
    pthread_mutex_unlock(&keys.lock);
}

long kd_tls_tickets_lifetime(void)
{
    pthread_mutex_lock(&keys.lock);
    kd_ns period = keys.period;
    pthread_mutex_unlock(&keys.lock);
    return (long)(period / KD_SECOND > 0 ? period / KD_SECOND : 1);
}

/* Puts the keys into the state that they have at `now`. The lock is held. */
static bool turn(kd_ns now)
{
    if (keys.former.set && kd_elapsed(keys.former.made, now) >= 2 * keys.period)
        OPENSSL_cleanse(&keys.former, sizeof keys.former);
    if (keys.present.set && kd_elapsed(keys.present.made, now) < keys.period)
        return true;
    if (keys.present.set && kd_elapsed(keys.present.made, now) < 2 * keys.period)
        keys.former = keys.present;
    ticket_key *k = &keys.present;
    k->made = now;
    k->set = kd_random_secret(k->name, sizeof k->name) && kd_random_secret(k->cipher, sizeof k->cipher) &&
             kd_random_secret(k->mac, sizeof k->mac);
    return k->set;
}

static bool set_mac(EVP_MAC_CTX *mac, ticket_key *k)
{
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, k->mac, sizeof k->mac),
                           OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_END};
    return EVP_MAC_CTX_set_params(mac, params);
}

static int seal(uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    ticket_key *k = &keys.present;
    const EVP_CIPHER *type = EVP_aes_256_cbc();
    if (!kd_random_secret(iv, (size_t)EVP_CIPHER_get_iv_length(type)))
        return -1;
    memcpy(name, k->name, sizeof k->name);
    return EVP_EncryptInit_ex(cipher, type, NULL, k->cipher, iv) && set_mac(mac, k) ? 1 : -1;
}

/* 2: it opens, and the client should have a new one. */
static int unseal(const uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    bool old = keys.former.set && memcmp(name, keys.former.name, sizeof keys.former.name) == 0;
    ticket_key *k = old ? &keys.former : &keys.present;
    if (memcmp(name, k->name, sizeof k->name) != 0)
        return 0;
    if (!EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv) || !set_mac(mac, k))
        return -1;
    return old ? 2 : 1;
}

int kd_tls_tickets_use(kd_ns now, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool sealing)
{
    pthread_mutex_lock(&keys.lock);
    int result = !turn(now) ? (sealing ? -1 : 0)
                 : sealing  ? seal(name, iv, cipher, mac)
                            : unseal(name, iv, cipher, mac);
    pthread_mutex_unlock(&keys.lock);
    return result;
}

static int on_ticket(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
    (void)ssl;
    return kd_tls_tickets_use(kd_clock_monotonic(), name, iv, cipher, mac, sealing);
}

/* A session whose client certificate has expired since is not resumed. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t n,
                                   SSL_TICKET_STATUS status, void *unused)
{
    (void)name, (void)n, (void)unused;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    const X509 *peer = SSL_SESSION_get0_peer(session);
    if (peer && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    /* A ticket of TLS 1.3 should be used once only (RFC 8446 appendix C.4): each handshake gives the next one. */
    bool next = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION;
    return next ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

bool kd_tls_tickets_install(SSL_CTX *ctx)
{
    SSL_CTX_set_timeout(ctx, kd_tls_tickets_lifetime());
    SSL_CTX_set_num_tickets(ctx, 1); /* as Go */
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) &&
           SSL_CTX_set_session_ticket_cb(ctx, NULL, on_opened, NULL);
}
