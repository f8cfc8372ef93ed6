/* The head of an HTTP/2 request, field by field, into the same form as an HTTP/1 head (http/scan.h). What makes a
 * request malformed is RFC 9113 section 8; where it leaves a choice, golang.org/x/net/http2 decides. Sans-I/O. */
#ifndef KD_HTTP_SERVER2_HEAD_H
#define KD_HTTP_SERVER2_HEAD_H

#include "http/scan.h"

typedef enum kd_head2_result {
    KD_HEAD2_GOOD,
    KD_HEAD2_MALFORMED, /* a stream error of type PROTOCOL_ERROR */
    KD_HEAD2_REFUSED,   /* to be answered with 400 and the text */
    KD_HEAD2_TOO_LARGE, /* to be answered with 431 */
    KD_HEAD2_NO_MEMORY
} kd_head2_result;

typedef struct kd_head2 {
    kd_request_head *head;
    kd_arena *arena;
    size_t left; /* of the field list's limit; each field counts 32 bytes more than it has (RFC 9113 section 6.5.2) */
    kd_str scheme, authority, path, field_host, length, expect;
    uint32_t n_lengths, n_hosts, n_te, n_cookies;
    uint8_t pseudo;     /* bits of those that have come */
    uint8_t connection; /* bits of the connection-specific fields that have come */
    bool regular;       /* a field that is no pseudo field has come */
    bool te_bad, lengths_differ;
    bool malformed, too_large, no_memory;
} kd_head2;

/* `limit`: bytes of the field list. Names and values are copied into the arena; *head is filled by and by. */
void kd_head2_init(kd_head2 *h, kd_request_head *head, kd_arena *arena, size_t limit);
/* The next field in the order of the block; name and value are borrowed for the call. */
void kd_head2_field(kd_head2 *h, kd_str name, kd_str value);
/* After the last field. `body_follows`: the stream was not ended with the head. *text is the body of a 400. */
kd_head2_result kd_head2_finish(kd_head2 *h, bool body_follows, kd_str *text);
/* May this field stand in a request's trailer section? No pseudo fields, no forbidden bytes, nothing of
 * the connection. */
bool kd_head2_trailer_good(kd_str name, kd_str value);

#endif
