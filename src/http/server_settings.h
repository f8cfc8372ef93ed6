/* What a configuration says about connections of clients, whatever their protocol. */
#ifndef KD_HTTP_SERVER_SETTINGS_H
#define KD_HTTP_SERVER_SETTINGS_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct kd_tls_server;

#define KD_HEAD_SLACK 4096u /* what net/http adds to max_header_bytes for the request line */

typedef struct kd_server_settings {
    size_t max_head;         /* bytes of a request head, request line included: max_header_bytes + KD_HEAD_SLACK */
    kd_ns read_timeout;      /* whole request; 0: none */
    kd_ns read_head_timeout; /* the head; 0: none */
    kd_ns idle_timeout;      /* between requests; 0: none */
    size_t socket_buffer;    /* of each direction of a socket; 0: the system decides */
    kd_ns write_timeout;     /* from the end of the head to the end of the answer; 0: none */
    bool h2c;                /* HTTP/2 without TLS, by prior knowledge and by upgrade */
    /* TLS: borrowed from the generation; NULL: none. The rest matters only with it (http/handshake.h). */
    struct kd_tls_server *tls;
    kd_ns handshake_timeout;          /* 0: none */
    uint32_t max_handshakes;          /* on this worker at a time; 0: no bound */
    uint32_t max_handshakes_per_peer; /* the same of one client address */
} kd_server_settings;

#endif
