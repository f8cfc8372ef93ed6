/* What a plan tells about itself: the tree of `krakend explain`, the lines at start. */
#include "gateway/compile.h"

#include "gateway/steps/core.h"

static void indent(kd_buf *out, unsigned depth)
{
    kd_buf_printf(out, "  %*s", (int)(depth * 2), "");
}

static void explain_range(const kd_plan *plan, const kd_range *range, unsigned depth, kd_buf *out);

static void explain_child(const kd_plan *plan, const kd_step *step, unsigned i, unsigned depth, kd_buf *out)
{
    const kd_range *child = &step->children[i];
    indent(out, depth);
    if (step->type->children == KD_CHILDREN_BACKENDS)
        kd_buf_printf(out, "backend %u of %u: %.*s %.*s\n", i + 1, step->n_children,
                      KD_FMT(child->backend->method_upper), KD_FMT(child->backend->url_pattern.source));
    else
        kd_buf_printf(out, "%s\n",
                      step->type->children == KD_CHILDREN_SHADOWS ? "shadow, beside the rest:"
                                                                  : "each of these calls:");
    explain_range(plan, child, depth + 1, out);
}

/* Every child is deeper in the plan than its step: the recursion ends. */
static void explain_range(const kd_plan *plan, const kd_range *range, unsigned depth, kd_buf *out)
{
    for (uint16_t i = range->begin; i < range->end; i++, depth++) {
        const kd_step *step = &plan->steps[i];
        size_t start = out->n;
        indent(out, depth);
        kd_buf_printf(out, "%s.%s", step->type->module, step->type->name);
        if (step->type->explain) {
            while (out->n - start < 34 && !out->failed)
                kd_buf_byte(out, ' ');
            kd_buf_byte(out, ' ');
            step->type->explain(step->config, out);
        }
        if (step->at)
            kd_buf_printf(out, "  (%.*s:%u)", KD_FMT(step->at->file), step->at->line);
        kd_buf_byte(out, '\n');
        for (unsigned k = 0; k < step->n_children; k++)
            explain_child(plan, step, k, depth + 1, out);
    }
}

void kd_plan_explain(const kd_plan *plan, kd_buf *out)
{
    explain_range(plan, &plan->root, 0, out);
}

static void log_range(const kd_plan *plan, const kd_range *range)
{
    if (range->backend)
        kd_log(KD_LOG_DEBUG, "[BACKEND: %.*s] Building the backend pipe", KD_FMT(range->backend->url_pattern.template));
    for (uint16_t i = range->begin; i < range->end; i++)
        if (plan->steps[i].type->logs_first)
            plan->steps[i].type->log(plan, plan->steps[i].config);
    for (uint16_t i = range->end; i > range->begin; i--) {
        const kd_step *step = &plan->steps[i - 1];
        for (unsigned k = 0; k < step->n_children; k++)
            log_range(plan, &step->children[k]);
        if (step->type->log && !step->type->logs_first)
            step->type->log(plan, step->config);
    }
}

/* Where the root's range has the endpoint's handler; its beginning where there is none. */
static uint16_t handler_of(const kd_plan *plan)
{
    for (uint16_t i = plan->root.begin; i < plan->root.end; i++)
        if (plan->steps[i].type == &kd_core_handler || plan->steps[i].type->stands_alone)
            return i;
    return plan->root.begin;
}

void kd_plan_log(const kd_plan *plan)
{
    kd_range pipe = plan->root;
    pipe.begin = handler_of(plan);
    pipe.begin += plan->steps[pipe.begin].type->stands_alone;
    log_range(plan, &pipe);
}

void kd_plan_log_around(const kd_plan *plan)
{
    uint16_t handler = handler_of(plan);
    bool instead = plan->steps[handler].type->stands_alone;
    kd_range around = {.begin = plan->root.begin, .end = (uint16_t)(handler + instead)};
    log_range(plan, &around);
}
