#include "net/tls_client.h"

#include "net/dns.h"
#include "net/tls_common.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

static _Atomic uint32_t n_sessions; /* kept in the whole process */

/* ---- sessions ------------------------------------------------------------------------------------------------------
 */

void kd_tls_resume_clear(kd_tls_resume *resume)
{
    if (resume->session) {
        SSL_SESSION_free(resume->session);
        atomic_fetch_sub_explicit(&n_sessions, 1, memory_order_relaxed);
    }
    *resume = (kd_tls_resume){0};
}

int kd_tls_keep_session(SSL *ssl, SSL_SESSION *session)
{
    kd_tls_stream *tls = SSL_get_app_data(ssl);
    kd_tls_resume *resume = tls->resume;
    tls->has_ticket = true;
    if (!resume)
        return 0;
    if (!resume->session) {
        if (atomic_fetch_add_explicit(&n_sessions, 1, memory_order_relaxed) >= KD_TLS_MAX_SESSIONS) {
            atomic_fetch_sub_explicit(&n_sessions, 1, memory_order_relaxed);
            return 0;
        }
    } else {
        SSL_SESSION_free(resume->session);
    }
    resume->session = session;
    resume->profile = kd_tls_profile_id(tls->profile);
    /* Tickets that follow from one another do not make a certificate younger. */
    resume->verified = SSL_session_reused(ssl) ? tls->verified : tls->stream->loop->now;
    return 1;
}

static void offer_session(kd_tls_stream *tls)
{
    kd_tls_resume *resume = tls->resume;
    if (!resume || !resume->session)
        return;
    if (resume->profile != kd_tls_profile_id(tls->profile) || !SSL_SESSION_is_resumable(resume->session) ||
        kd_elapsed(resume->verified, tls->stream->loop->now) > KD_TLS_SESSION_AGE) {
        kd_tls_resume_clear(resume);
        return;
    }
    tls->verified = resume->verified;
    SSL_set_session(tls->ssl, resume->session);
}

/* ---- the beginning -------------------------------------------------------------------------------------------------
 */

/* SNI and the name to verify. Address literals are not sent (RFC 6066 section 3), nor is a final dot. */
static bool set_name(kd_tls_stream *tls)
{
    char text[256];
    kd_str name = tls->name;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    kd_address address;
    if (kd_address_parse(name, &address))
        return X509_VERIFY_PARAM_set1_ip_asc(param, text);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(param, text, name.n) && SSL_set_tlsext_host_name(tls->ssl, text);
}

bool kd_tls_client_start(kd_stream *stream, kd_tls_profile *profile, kd_str name, kd_tls_resume *resume)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_TLS, KD_TLS_HANDSHAKE_BYTES))
        return false;
    kd_tls_stream *tls = OPENSSL_zalloc(sizeof *tls);
    if (tls) {
        tls->stream = stream;
        tls->resume = resume;
        tls->name = name;
        if (kd_tls_attach(tls, kd_tls_profile_ctx(profile))) {
            SSL_set_connect_state(tls->ssl);
        } else {
            OPENSSL_free(tls);
            tls = NULL;
        }
    }
    if (!tls) {
        kd_ledger_release(KD_ACCOUNT_TLS, KD_TLS_HANDSHAKE_BYTES);
        ERR_clear_error();
        return false;
    }
    kd_tls_profile_hold(profile);
    tls->profile = profile;
    tls->reserved = KD_TLS_HANDSHAKE_BYTES;
    stream->filter_state = tls;
    stream->filter = &kd_tls_filter;
    if (kd_tls_profile_broken(profile))
        kd_tls_set_error(tls, "%s", kd_tls_profile_broken(profile));
    else if (!set_name(tls))
        kd_tls_set_error(tls, "tls: invalid server name \"%.*s\"", (int)(name.n < 256 ? name.n : 256), name.p);
    else
        offer_session(tls);
    ERR_clear_error();
    return true;
}

void kd_tls_client_offer_http2(kd_stream *stream)
{
    static const uint8_t offer[] = "\x02h2\x08http/1.1";
    kd_tls_stream *tls = stream->filter_state;
    SSL_set_alpn_protos(tls->ssl, offer, sizeof offer - 1);
}

bool kd_tls_client_http2(const kd_stream *stream)
{
    const uint8_t *name;
    unsigned n = 0;
    const kd_tls_stream *tls = stream->filter_state;
    if (stream->filter)
        SSL_get0_alpn_selected(tls->ssl, &name, &n);
    return n == 2 && memcmp(name, "h2", 2) == 0;
}

kd_tls_progress kd_tls_client_handshake(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    if (tls->error || tls->failed) {
        tls->failed = true;
        stream->error = tls->io_error ? tls->io_error : EPROTO;
        return KD_TLS_FAILED;
    }
    ERR_clear_error();
    int r = SSL_do_handshake(tls->ssl);
    if (r == 1 && !kd_tls_verify_pins(tls)) {
        tls->failed = true;
        stream->error = EPROTO;
        return KD_TLS_FAILED;
    }
    return kd_tls_progress_of(tls, r);
}

bool kd_tls_client_resumed(const kd_stream *stream)
{
    const kd_tls_stream *tls = stream->filter_state;
    return SSL_session_reused(tls->ssl);
}

kd_str kd_tls_error(const kd_stream *stream)
{
    if (stream->filter != &kd_tls_filter)
        return (kd_str){"", 0};
    const kd_tls_stream *tls = stream->filter_state;
    return tls->error ? kd_str_from_c(tls->error) : (kd_str){"", 0};
}
