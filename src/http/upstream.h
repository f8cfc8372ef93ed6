/* Connections to targets and their pools: private to the client side of http. */
#ifndef KD_HTTP_UPSTREAM_H
#define KD_HTTP_UPSTREAM_H

#include "http/call.h"
#include "http/outq.h"
#include "net/tls_client.h"

typedef struct kd_pool {
    const kd_target *target;
    struct kd_upstream *idle; /* last in first out */
    uint32_t n_idle;
    kd_tls_resume resume;         /* the last TLS session */
    struct kd_session2 *sessions; /* of HTTP/2 */
    kd_ns http1_until;            /* until then the target is taken to speak HTTP/1.1 only */
} kd_pool;

/* What is left to do on a new connection, after TCP. */
enum { KD_CONNECT_DONE, KD_CONNECT_PROXY, KD_CONNECT_TLS };

typedef struct kd_upstream {
    kd_stream stream;
    kd_timer timer; /* idle, or waiting for the head */
    kd_outq out;
    kd_client *client;
    kd_pool *pool;
    kd_call *call;                    /* NULL while idle */
    struct kd_upstream *next, **link; /* of the pool, while idle */
    struct kd_upstream *all_next, **all_link;
    uint32_t served;  /* answers read whole */
    uint32_t carried; /* calls that were put on it */
    uint32_t profile; /* of TLS; 0: plain. Calls of another profile do not get this connection */
    uint8_t stage;    /* KD_CONNECT_* */
    bool begun;       /* the stage */
    bool connecting, driving, dead;
} kd_upstream;

/* The target's pool, made when it is new. NULL without memory. */
kd_pool *kd_client_pool(kd_client *client, const kd_target *target);
/* The TLS profile of new connections: the settings' one, else the default. NULL without memory. */
kd_tls_profile *kd_client_profile(kd_client *client);
/* The freshest idle connection, taken out of the pool, or NULL. Connections made with another TLS profile than the
 * client's are closed on the way. */
kd_upstream *kd_pool_take(kd_pool *pool);
/* Puts a connection back, or closes it where the bounds say so. */
void kd_pool_give(kd_upstream *up);
/* A new connection to `address` under way; NULL: *error is the errno. */
kd_upstream *kd_upstream_open(kd_client *client, kd_pool *pool, const kd_address *address, int *error);
/* Closes; freed at once, or when its driving function returns. */
void kd_upstream_close(kd_upstream *up);

/* Makes a connection for call->on_connected, whatever the pool holds. Outcomes as of kd_call_start. */
void kd_call_dial(kd_client *client, kd_call *call);
/* Implemented by call.c: what happens on a connection that carries a call. */
void kd_upstream_drive(kd_upstream *up);

#endif
