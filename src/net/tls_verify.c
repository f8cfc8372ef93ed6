/* Verification of the other side's certificate. OpenSSL decides; a refusal is then worded as Go words it, in the order
 * in which Go looks: the leaf's dates, its names, the chain. */
#include "base/buf.h"
#include "net/dns.h"
#include "net/tls_common.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#define MAX_NAMES 100 /* as many Go lists */

static void write_time(char to[32], const struct tm *tm)
{
    char text[32];
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", tm);
    if (n == 24 && strcmp(text + 19, "+0000") == 0)
        strcpy(text + 19, "Z");
    else if (n == 24)
        memcpy(text + 22, (char[4]){':', text[22], text[23], 0}, 4);
    strcpy(to, text);
}

static bool is_dated(kd_tls_stream *tls, const X509 *leaf)
{
    const ASN1_TIME *from = X509_get0_notBefore(leaf), *to = X509_get0_notAfter(leaf);
    time_t now = time(NULL);
    bool early = X509_cmp_time(from, &now) > 0, late = X509_cmp_time(to, &now) < 0;
    if (!early && !late)
        return false;
    struct tm local, bound = {0};
    char now_text[32], bound_text[32];
    ASN1_TIME_to_tm(early ? from : to, &bound);
    localtime_r(&now, &local);
    write_time(now_text, &local);
    write_time(bound_text, &bound);
    kd_tls_set_error(
        tls,
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time "
        "%s is %s %s",
        now_text, early ? "before" : "after", bound_text);
    return true;
}

/* Lists the names of one kind; returns how many there are. */
static unsigned list_names(const GENERAL_NAMES *names, int kind, kd_buf *out)
{
    unsigned n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != kind)
            continue;
        const unsigned char *data = ASN1_STRING_get0_data(name->d.ia5);
        int size = ASN1_STRING_length(name->d.ia5);
        char text[INET6_ADDRSTRLEN] = "?";
        if (n++)
            kd_buf_add(out, KD_STR(", "));
        if (kind == GEN_DNS) {
            kd_buf_add(out, kd_str_of((const char *)data, (size_t)size));
        } else {
            inet_ntop(size == 16 ? AF_INET6 : AF_INET, data, text, sizeof text);
            kd_buf_add(out, kd_str_from_c(size == 4 || size == 16 ? text : "?"));
        }
    }
    return n;
}

static bool common_name_matches(X509 *leaf, const kd_tls_stream *tls)
{
    char text[256];
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text, sizeof text);
    return n > 0 && kd_str_eq_ci(kd_str_of(text, (size_t)n), tls->name);
}

static void word_names(kd_tls_stream *tls, X509 *leaf)
{
    static const char head[] = "tls: failed to verify certificate: x509:";
    kd_address address;
    bool literal = kd_address_parse(tls->name, &address);
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    kd_buf list;
    kd_buf_init(&list, 64 * 1024);
    unsigned n = list_names(names, literal ? GEN_IPADD : GEN_DNS, &list);
    if (!names && common_name_matches(leaf, tls))
        kd_tls_set_error(tls, "%s certificate relies on legacy Common Name field, use SANs instead", head);
    else if (literal && n == 0)
        kd_tls_set_error(tls, "%s cannot validate certificate for %.*s because it doesn't contain any IP SANs", head,
                         KD_FMT(tls->name));
    else if (n >= MAX_NAMES)
        kd_tls_set_error(tls, "%s certificate is valid for %u %s, but none matched %.*s", head, n,
                         literal ? "IP SANs" : "names", KD_FMT(tls->name));
    else if (n == 0)
        kd_tls_set_error(tls, "%s certificate is not valid for any names, but wanted to match %.*s", head,
                         KD_FMT(tls->name));
    else
        kd_tls_set_error(tls, "%s certificate is valid for %.*s, not %.*s", head, KD_FMT(kd_buf_str(&list)),
                         KD_FMT(tls->name));
    kd_buf_fini(&list);
    GENERAL_NAMES_free(names);
}

static bool is_named(const kd_tls_stream *tls, X509 *leaf)
{
    char text[256];
    kd_address address;
    kd_str name = tls->name;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    if (kd_address_parse(name, &address))
        return X509_check_ip_asc(leaf, text, 0) == 1;
    return X509_check_host(leaf, text, name.n,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

static void word_chain(kd_tls_stream *tls, int error)
{
    const char *text;
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_HAS_EXPIRED: /* of an authority: Go leaves such a one out */
    case X509_V_ERR_CERT_NOT_YET_VALID:
        text = "certificate signed by unknown authority";
        break;
    case X509_V_ERR_INVALID_CA:
        text = "certificate is not authorized to sign other certificates";
        break;
    case X509_V_ERR_INVALID_PURPOSE:
        text = "certificate specifies an incompatible key usage";
        break;
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        text = "too many intermediates for path length constraint";
        break;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
        text = "a root or intermediate certificate is not authorized to sign for this name";
        break;
    default:
        text = X509_verify_cert_error_string(error);
    }
    kd_tls_set_error(tls, "tls: failed to verify certificate: x509: %s", text);
}

int kd_tls_verify(X509_STORE_CTX *ctx, void *unused)
{
    (void)unused;
    if (X509_verify_cert(ctx) > 0)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    kd_tls_stream *tls = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    if (!leaf || !is_dated(tls, leaf)) {
        if (leaf && !is_named(tls, leaf))
            word_names(tls, leaf);
        else
            word_chain(tls, X509_STORE_CTX_get_error(ctx));
    }
    return 0;
}

/* Go wants every certificate of the chain that names its uses to name this one, or any; nothing else of OpenSSL's
 * notion of a purpose. */
static bool is_for_clients(const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(sk_X509_value(chain, i), NID_ext_key_usage, NULL, NULL);
        bool found = !uses;
        for (int k = 0; !found && k < sk_ASN1_OBJECT_num(uses); k++) {
            int use = OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, k));
            found = use == NID_client_auth || use == NID_anyExtendedKeyUsage;
        }
        EXTENDED_KEY_USAGE_free(uses);
        if (!found)
            return false;
    }
    return true;
}

int kd_tls_verify_client(X509_STORE_CTX *ctx, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    kd_tls_stream *tls = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(ctx), X509_PURPOSE_ANY);
    if (X509_verify_cert(ctx) > 0) {
        if (is_for_clients(X509_STORE_CTX_get0_chain(ctx)))
            return 1;
        word_chain(tls, X509_V_ERR_INVALID_PURPOSE);
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED); /* the alert is bad_certificate */
        return 0;
    }
    if (leaf && is_dated(tls, leaf))
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_HAS_EXPIRED);
    else
        word_chain(tls, X509_STORE_CTX_get_error(ctx));
    return 0;
}

bool kd_tls_verify_pins(kd_tls_stream *tls)
{
    const char *refusal = kd_tls_profile_pin_error(tls->profile);
    if (!refusal || SSL_session_reused(tls->ssl)) /* a session is only resumed under the profile that made it */
        return true;
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(tls->ssl);
    for (int i = 0; chain && i < sk_X509_num(chain); i++) {
        uint8_t digest[32], *key = NULL;
        int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(sk_X509_value(chain, i)), &key);
        bool pinned = n > 0 && SHA256(key, (size_t)n, digest) && kd_tls_profile_pins(tls->profile, digest);
        OPENSSL_free(key);
        if (pinned)
            return true;
    }
    kd_tls_set_error(tls, "%s", refusal);
    return false;
}
