/* Process objects: what outlives a configuration (buckets, breakers, caches, key stores). An object is known by its
 * type and its identity, a text that holds everything of the configuration that matters to it: a reload adopts the
 * object whose identity did not change and makes new ones for the rest. Each generation that adopts an object holds it;
 * the last one to go destroys it. Nothing here belongs on the request path: a step finds its object in its
 * configuration. */
#ifndef KD_GATEWAY_REGISTRY_H
#define KD_GATEWAY_REGISTRY_H

#include "gateway/generation.h"
#include "net/worker.h"

/* Bound on live objects. */
#define KD_REGISTRY_MAX (1u << 20)

typedef struct kd_object_type {
    const char *name;                     /* "qos/ratelimit/bucket" */
    void *(*create)(const void *options); /* NULL without memory */
    void (*destroy)(void *object);        /* any thread; nobody uses the object any more */
} kd_object_type;

/* The object of that type and identity, made with `options` when there is none, and held by the generation until it is
 * destroyed. Called while a generation is made (main thread). NULL without memory or when `create` gives NULL. */
void *kd_registry_adopt(kd_generation *generation, const kd_object_type *type, kd_str identity, const void *options);
/* Live objects, for tests and the dump. */
uint32_t kd_registry_count(void);

/* The workers of this process, once they exist; NULL before, and in commands that only compile. A process object with
 * work in the background posts a message to one of them: it is delivered when the worker runs. */
kd_workers *kd_registry_workers(void);
void kd_registry_set_workers(kd_workers *workers);

/* A configuration block as text that is equal for equal content, whatever the order of its keys and its comments: for
 * identities. p is NULL without memory. */
kd_str kd_node_identity(kd_arena *arena, const kd_node *node);

/* Gives back what a generation holds; only for kd_generation_destroy. */
void kd_registry_release(kd_generation *generation);

#endif
