/* An exchange: one client request and its answer, from the parsed head to the last byte and the end hooks. */
#ifndef KD_GATEWAY_EXCHANGE_H
#define KD_GATEWAY_EXCHANGE_H

#include "gateway/branch.h"
#include "gateway/hold.h"
#include "gateway/plan.h"
#include "gateway/router.h"
#include "http/front.h"

struct kd_gateway_worker;
struct kd_generation;

/* A line of the access log's error list. */
typedef struct kd_note {
    struct kd_note *next;
    kd_str text;
} kd_note;

typedef struct kd_exchange {
    kd_front *front;
    struct kd_gateway_worker *worker;
    struct kd_generation *generation;
    kd_scope scope;
    const kd_plan *plan;
    kd_branch root;

    kd_str path; /* decoded */
    kd_route_param *params;
    uint32_t n_params;
    kd_str client_ip;                   /* p is NULL until asked for: kd_exchange_client_ip */
    const struct kd_identity *identity; /* the verified client, or NULL (gateway/identity.h) */
    kd_request request;

    /* The answer as far as it is known; steps and renderers set it. */
    kd_reply reply;
    kd_str body;               /* its bytes, valid until it is sent */
    kd_stream_body *streaming; /* or what still streams */
    bool no_sniff;             /* the body's type is not to be guessed */

    kd_note *notes, **notes_tail; /* errors for the access log */
    uint32_t n_notes;
    kd_failure failure;

    /* The request's body: who takes it. */
    void (*on_body)(struct kd_exchange *x, kd_str piece, bool end, bool failed);
    void *body_owner;
    bool body_taken;      /* somebody has begun to read it */
    struct kd_body *kept; /* the whole of it, once a step has asked for that */
    uint64_t body_seen;   /* bytes of it, where its size is limited */

    kd_block *blocks; /* long bodies (gateway/hold.h) */

    uint16_t depth;
    bool sent, gone, done, finished, over_deadline;
    bool costly;    /* counted by kd_hold_began */
    bool starved;   /* memory was short: what fails is shed */
    bool too_large; /* the request's body is longer than the limit */
    bool detached;  /* nobody waits for it: it is neither logged nor counted (gateway/detached.h) */
} kd_exchange;

/* Every callback from outside runs between these two: what ends meanwhile is torn down by the outermost leave. */
static inline void kd_exchange_enter(kd_exchange *x)
{
    x->depth++;
}
void kd_exchange_leave(kd_exchange *x);

/* The deadline passed while the answer streams. */
void kd_exchange_expired(kd_exchange *x, kd_branch *branch);
/* The client's address as KrakenD sees it (spec/01 section 4.7). */
kd_str kd_exchange_client_ip(kd_exchange *x);
/* Adds a line to the access log's error list; the text is borrowed. */
void kd_exchange_note(kd_exchange *x, kd_str text);
/* The answer: status, text body, its type (empty: sniffed). Returns KD_DONE, for the end of a step. */
kd_verdict kd_exchange_answer(kd_branch *branch, uint16_t status, kd_str body, kd_str type);

extern const kd_handler kd_exchange_handler;

#endif
