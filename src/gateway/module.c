#include "gateway/module.h"

static const kd_module *const *registered; /* set once, before the first configuration is loaded */

void kd_modules_register(const kd_module *const *modules)
{
    registered = modules;
    for (; *modules; modules++)
        kd_namespaces_register((*modules)->namespaces, (*modules)->n_namespaces);
}

const kd_module *kd_module_at(uint32_t i)
{
    return registered && i < KD_MAX_MODULES ? registered[i] : NULL;
}

void **kd_module_slot(kd_generation *generation, const kd_module *module)
{
    uint32_t i = 0;
    while (registered[i] != module)
        i++;
    return &generation->modules[i];
}

bool kd_generation_add_end_hook(kd_generation *generation, kd_end_hook hook)
{
    if (generation->n_end_hooks == KD_MAX_HOOKS)
        return false;
    generation->end_hooks[generation->n_end_hooks++] = hook;
    return true;
}

bool kd_generation_add_head_hook(kd_generation *generation, kd_head_hook hook)
{
    if (generation->n_head_hooks == KD_MAX_HOOKS)
        return false;
    generation->head_hooks[generation->n_head_hooks++] = hook;
    return true;
}

bool kd_generation_add_entry_hook(kd_generation *generation, kd_entry_hook hook)
{
    if (generation->n_entry_hooks == KD_MAX_HOOKS)
        return false;
    generation->entry_hooks[generation->n_entry_hooks++] = hook;
    return true;
}
