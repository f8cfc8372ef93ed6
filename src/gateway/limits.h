/* The limits that an operator can set (gateway/limits in the service's extra_config), and what happens at them: an
 * answer 503 with Retry-After and no body, a count, and at most one line in the log a second. Part of a generation:
 * they follow a reload. */
#ifndef KD_GATEWAY_LIMITS_H
#define KD_GATEWAY_LIMITS_H

#include "base/error.h"
#include "config/model.h"

typedef enum kd_limit { KD_LIMIT_MEMORY, KD_LIMIT_CONNECTIONS, KD_LIMIT_REQUESTS } kd_limit;

typedef struct kd_limits {
    size_t max_memory;        /* of the whole process, its kernel memory for sockets included; never 0 */
    bool memory_given;        /* by the configuration: else it follows from the machine */
    uint32_t max_connections; /* of clients; 0: none */
    uint32_t max_requests;    /* in flight; 0: none */
    size_t max_header_bytes;  /* 0: as the root key says */
    uint64_t max_body_size;   /* of a request; 0: none */
    size_t exchange_cost;     /* what the kernel may hold for a request in flight before anybody reads it */
    size_t socket_buffer;     /* what one socket may hold in each direction; 0: the system decides */
} kd_limits;

/* Reads the block; absent keys give the defaults. False: something in it is wrong, located errors say what. */
bool kd_limits_load(const kd_service *service, kd_limits *out, kd_errors *errors);
/* "64MB", "1GB", "512KB", "100" and so on: units are powers of 1024. False when it is no size above 0. */
bool kd_limits_parse_size(kd_str text, uint64_t *out);

/* Notes that something was refused at a limit; writes a WARNING that names it, at most one a second in the whole
 * process, with how many were refused since the last one. Any thread. */
void kd_limits_refused(kd_limit limit, const kd_limits *limits);

#endif
