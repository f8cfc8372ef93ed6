/* A call's way past the cache, private to visit*.c. */
#ifndef KD_MODULES_QOS_HTTP_CACHE_VISIT_H
#define KD_MODULES_QOS_HTTP_CACHE_VISIT_H

#include "modules/qos/http-cache/http_cache.h"

typedef struct kd_visit {
    kd_transport base;
    const kd_cache_config *config;
    kd_branch *branch;
    kd_scope scope;
    kd_method method;
    bool cacheable;
    kd_fingerprint key;
    kd_headers before;         /* the request's fields as they came here: nothing from further in */
    bool set_match, set_since; /* validators of ours are among the fields */
    bool directed;             /* it brings directives */
    kd_cache_control control;
    kd_cache_entry *hit;   /* what is stored */
    kd_cache_entry *given; /* what base.stored lies in */
    /* The answer that comes. */
    bool keeping;
    bool gzip; /* its coding is undone behind the cache */
    bool sized, chunked, closes;
    uint32_t reason_n;
    kd_call *call;
    kd_response *live; /* streamed: its fields as the client gets them */
    char *collected;
    size_t n, cap;
    kd_lane_place place;
} kd_visit;

static inline kd_arena *kd_visit_arena(const kd_visit *v)
{
    return v->branch->x->front->arena;
}

/* The first field of that name, or nothing. */
static inline kd_str kd_visit_value(const kd_headers *headers, kd_str name)
{
    const kd_header *h = kd_headers_find_name(headers, name);
    return h ? kd_header_value(h) : KD_STR("");
}

/* The entry's fields, not to be changed. */
static inline kd_headers kd_visit_stored_fields(const kd_cache_entry *entry)
{
    return (kd_headers){.v = (kd_header *)entry->headers, .n = entry->n_headers, .cap = entry->n_headers};
}

/* ---- visit_fields.c ---- */

/* Was what is stored asked for with the same values of the fields that it depends on? */
bool kd_visit_varies_alike(kd_visit *v);
/* Notes on the answer what the request said of the fields that it depends on. KrakenD's clients see that, too. False
 * without memory: nobody would know the variant. */
bool kd_visit_note_variant(kd_visit *v, kd_headers *answer);
/* The stored fields with those of a 304 in their place. False without memory. */
bool kd_visit_merge_fields(kd_visit *v, const kd_headers *news, kd_headers *out);

/* ---- visit_keep.c ---- */

/* Forgets what is collected; the present answer is not kept. */
void kd_visit_drop(kd_visit *v);
/* Adds a piece to it. False: there is no room. */
bool kd_visit_collect(void *visit, kd_str piece);
/* Stores an answer as it is. True: it can serve others. */
bool kd_visit_store(kd_visit *v, unsigned status, const kd_headers *headers, kd_str body);
/* The present answer has come whole: undoes its gzip, stores it, ends the lane. */
void kd_visit_keep(kd_visit *v, unsigned status, kd_headers headers, kd_str body);
/* The key of an answer that could not serve others, where it is remembered. */
_Atomic uint64_t *kd_visit_mark(kd_visit *v);
/* Those who wait, if any, are told. What could not serve them (`alone`) is not waited for until an answer can. */
void kd_visit_end_lane(kd_visit *v, bool alone);

#endif
