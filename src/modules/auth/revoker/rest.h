/* The plain HTTP interface of the revoker, for those that do not speak gob: what a client has sent becomes what it is
 * answered. No I/O. `POST /tokens/<claim>/<value>` revokes, `GET` of the same asks: 200 or 404 (spec/02 sections 6.4
 * and 21). */
#ifndef KD_MODULES_AUTH_REVOKER_REST_H
#define KD_MODULES_AUTH_REVOKER_REST_H

#include "base/buf.h"
#include "modules/auth/revoker/bloom.h"

#define KD_REST_HEAD_MAX (8u * 1024)
#define KD_REST_BODY_MAX (64u * 1024) /* bodies are read and not looked at */
#define KD_REST_KEY_MAX  256u

/* One connection. */
typedef struct kd_rest {
    kd_bloom *bloom;
    char key[KD_REST_KEY_MAX]; /* what clients must bring as a bearer token; n_key 0: nothing */
    size_t n_key;
} kd_rest;

/* Takes whole requests from the front of `in`, whose bytes may be changed; answers go to `out`. Returns how many bytes
 * were used; *bad: the connection is to be closed behind the answers. */
size_t kd_rest_take(kd_rest *rest, kd_str in, kd_ns now, kd_buf *out, bool *bad);

#endif
