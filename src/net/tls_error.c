/* Failures of TLS in the words of Go's crypto/tls, crypto/x509 and net/http (spec/01 section 8.6). */
#include "net/tls_common.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

/* By number; RFC 8446 section 6 and its predecessors. */
static const struct {
    uint8_t number;
    const char *text;
} alerts[] = {
    {SSL_AD_CLOSE_NOTIFY, "close notify"},
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected message"},
    {SSL_AD_BAD_RECORD_MAC, "bad record MAC"},
    {SSL_AD_DECRYPTION_FAILED, "decryption failed"},
    {SSL_AD_RECORD_OVERFLOW, "record overflow"},
    {SSL_AD_DECOMPRESSION_FAILURE, "decompression failure"},
    {SSL_AD_HANDSHAKE_FAILURE, "handshake failure"},
    {SSL_AD_BAD_CERTIFICATE, "bad certificate"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported certificate"},
    {SSL_AD_CERTIFICATE_REVOKED, "revoked certificate"},
    {SSL_AD_CERTIFICATE_EXPIRED, "expired certificate"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "unknown certificate"},
    {SSL_AD_ILLEGAL_PARAMETER, "illegal parameter"},
    {SSL_AD_UNKNOWN_CA, "unknown certificate authority"},
    {SSL_AD_ACCESS_DENIED, "access denied"},
    {SSL_AD_DECODE_ERROR, "error decoding message"},
    {SSL_AD_DECRYPT_ERROR, "error decrypting message"},
    {SSL_AD_EXPORT_RESTRICTION, "export restriction"},
    {SSL_AD_PROTOCOL_VERSION, "protocol version not supported"},
    {SSL_AD_INSUFFICIENT_SECURITY, "insufficient security level"},
    {SSL_AD_INTERNAL_ERROR, "internal error"},
    {SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate fallback"},
    {SSL_AD_USER_CANCELLED, "user canceled"},
    {SSL_AD_NO_RENEGOTIATION, "no renegotiation"},
    {SSL_AD_MISSING_EXTENSION, "missing extension"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "unsupported extension"},
    {SSL_AD_CERTIFICATE_UNOBTAINABLE, "certificate unobtainable"},
    {SSL_AD_UNRECOGNIZED_NAME, "unrecognized name"},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "bad certificate status response"},
    {SSL_AD_BAD_CERTIFICATE_HASH_VALUE, "bad certificate hash value"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "unknown PSK identity"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate required"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no application protocol"},
};

/* OpenSSL numbers the reasons of received alerts from here on. */
#define ALERT_REASONS 1000

void kd_tls_set_error(kd_tls_stream *tls, const char *format, ...)
{
    va_list args;
    char text[1024];
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    OPENSSL_free(tls->error);
    tls->error = n < 0 ? NULL : OPENSSL_strdup(text);
}

static void word_alert(kd_tls_stream *tls, int number)
{
    for (size_t i = 0; i < KD_COUNT(alerts); i++)
        if (alerts[i].number == number) {
            kd_tls_set_error(tls, "remote error: tls: %s", alerts[i].text);
            return;
        }
    kd_tls_set_error(tls, "remote error: tls: alert(%d)", number);
}

/* The first error of the TLS library itself; the cryptography below it may have reported before. Empties the queue. */
static unsigned long first_error(void)
{
    unsigned long found = 0, error;
    while ((error = ERR_get_error()))
        if (!found || (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_LIB(found) != ERR_LIB_SSL))
            found = error;
    return found;
}

void kd_tls_word_failure(kd_tls_stream *tls)
{
    unsigned long error = first_error();
    int reason = ERR_GET_REASON(error);
    bool of_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    const char *words = ERR_reason_error_string(error);
    if (tls->credentials && !tls->ready && kd_tls_word_client(tls, error))
        return;
    if (tls->eof)
        kd_tls_set_error(tls, "%s", tls->ready ? "unexpected EOF" : "EOF");
    else if (of_ssl && reason >= ALERT_REASONS && reason < ALERT_REASONS + 256)
        word_alert(tls, reason - ALERT_REASONS);
    else if (!tls->ready && tls->n_first == 5 && memcmp(tls->first, "HTTP/", 5) == 0)
        kd_tls_set_error(tls, "http: server gave HTTP response to HTTPS client");
    else if (!tls->ready && of_ssl && (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG))
        kd_tls_set_error(tls, "tls: first record does not look like a TLS handshake");
    else if (of_ssl && reason == SSL_R_NO_PROTOCOLS_AVAILABLE)
        kd_tls_set_error(tls, "tls: no supported versions satisfy MinVersion and MaxVersion");
    else if (of_ssl && reason == SSL_R_UNSUPPORTED_PROTOCOL)
        kd_tls_set_error(tls, "tls: server selected unsupported protocol version %x", SSL_version(tls->ssl));
    else if (of_ssl && (reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC || reason == SSL_R_BAD_RECORD_TYPE))
        kd_tls_set_error(tls, "local error: tls: %s",
                         reason == SSL_R_BAD_RECORD_TYPE ? "unexpected message" : "bad record MAC");
    else
        kd_tls_set_error(tls, "tls: %s", words ? words : "internal error");
}
