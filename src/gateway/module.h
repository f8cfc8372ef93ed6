/* A module: optional behaviour under namespaces of extra_config, in a room of its own (src/modules/<namespace>/). This
 * is all the gateway knows of it. src/modules/modules.def lists them; main.c hands the list down. */
#ifndef KD_GATEWAY_MODULE_H
#define KD_GATEWAY_MODULE_H

#include "config/field.h"
#include "gateway/generation.h"

#define KD_MAX_MODULES 128

typedef struct kd_module {
    const char *name; /* the folder: "qos/ratelimit" */
    const kd_namespace *namespaces;
    uint32_t n_namespaces;
    const kd_step_type *const *steps; /* NULL-ended; NULL: none. Their `module` and `name` stand in order.def */
    /* Reads the service's blocks of a generation that is being made, before its plans are compiled: sets the module's
     * slot, adds hooks, adopts process objects. False: the configuration cannot run (an error is in compile->errors).
     * compile->endpoint is NULL. May be NULL. */
    bool (*open)(kd_generation *generation, const kd_compile *compile);
    /* Writes the lines that KrakenD writes at start for the service's blocks. May be NULL. */
    void (*log)(const kd_generation *generation);
} kd_module;

/* Announces all modules (NULL-ended), their namespaces and steps; once, before the first configuration is loaded.
 * Borrowed for the life of the process. */
void kd_modules_register(const kd_module *const *modules);
/* The i-th module, or NULL beyond the last. */
const kd_module *kd_module_at(uint32_t i);

/* What the module keeps in this generation: NULL until it sets it, in `open` or when its first step is compiled. Lies
 * in the generation's arena or is held by it (gateway/registry.h). */
void **kd_module_slot(kd_generation *generation, const kd_module *module);

/* Add a hook; called from `open`. False beyond KD_MAX_HOOKS. */
bool kd_generation_add_end_hook(kd_generation *generation, kd_end_hook hook);
bool kd_generation_add_head_hook(kd_generation *generation, kd_head_hook hook);
bool kd_generation_add_entry_hook(kd_generation *generation, kd_entry_hook hook);

#endif
