/* Flatmap on merged data, and the reading of its configuration for backends, too (spec/01 section 9.5). */
#include "gateway/steps/flatmap.h"

#include "gateway/steps/part.h"

/* False without memory. */
static bool add(const kd_compile *compile, kd_flatmap *map, const kd_node *item, kd_str type)
{
    const kd_node *list = kd_node_typed(item, KD_STR("args"), KD_NODE_LIST);
    uint32_t n = list ? list->n : 0;
    kd_str *args = KD_NEW_ARRAY(compile->arena, kd_str, n + (size_t)1);
    if (!args)
        return false;
    uint32_t i = 0;
    for (const kd_node *arg = list ? list->first : NULL; arg; arg = arg->next, i++)
        if (arg->type == KD_NODE_STRING)
            args[i] = arg->text.n ? arg->text : KD_STR("");
    return kd_flatmap_add(map, compile->arena, type, args, n);
}

const kd_flatmap *kd_core_flatmap_read(const kd_compile *compile, const kd_extras *extras, const kd_location **at)
{
    const kd_node *list = kd_node_typed(kd_core_proxy(extras), KD_STR("flatmap_filter"), KD_NODE_LIST);
    if (!list || !list->n)
        return NULL;
    kd_flatmap *map = kd_flatmap_create(compile->arena, list->n);
    for (const kd_node *item = list->first; item && map; item = item->next) {
        const kd_node *type = kd_node_typed(item, KD_STR("type"), KD_NODE_STRING);
        if (type && !add(compile, map, item, type->text))
            return NULL;
    }
    if (!map || !kd_flatmap_count(map))
        return NULL;
    if (kd_flatmap_is_short(map))
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, list->at, KD_STR("flatmap_filter"),
                      "move and append need two arguments: answers with data will fail");
    *at = list->at;
    return map;
}

bool kd_core_flatmap_run(kd_branch *branch, const kd_flatmap *map, kd_value *data)
{
    switch (kd_flatmap_apply(map, branch->x->front->arena, *data, data)) {
    case KD_FLATMAP_OK:
        return true;
    case KD_FLATMAP_SHORT:
        kd_branch_fail(branch, KD_FAIL_INTERNAL, KD_STR("flatmap_filter: move and append need two arguments"));
        return false;
    default:
        kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        return false;
    }
}

void kd_core_flatmap_explain(const kd_flatmap *map, kd_buf *out)
{
    kd_buf_printf(out, "%u flatmap operation%s", kd_flatmap_count(map), kd_flatmap_count(map) == 1 ? "" : "s");
}

static bool compile_flatmap(const kd_compile *compile, kd_compiled *out)
{
    if (compile->n_set < 2)
        return false;
    out->config = kd_core_flatmap_read(compile, &compile->endpoint->extra, &out->at);
    return out->config != NULL;
}

/* Data of which a part is missing stays as it is. */
static kd_verdict leave_flatmap(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    kd_response *response = branch->outcome.response;
    if (response && !branch->outcome.fault)
        kd_core_flatmap_run(branch, config, &response->data);
    return KD_NEXT;
}

static void explain_flatmap(const void *config, kd_buf *out)
{
    kd_core_flatmap_explain(config, out);
}

static void log_flatmap(const kd_plan *plan, const void *config)
{
    kd_log(KD_LOG_DEBUG, "%.*s[Flatmap] Adding flatmap manipulator with %u operations", KD_FMT(plan->log_prefix),
           kd_flatmap_count(config));
}

const kd_step_type kd_core_flatmap = {.module = "core",
                                      .name = "flatmap",
                                      .compile = compile_flatmap,
                                      .leave = leave_flatmap,
                                      .explain = explain_flatmap,
                                      .log = log_flatmap};
