/* Steps of the engine stage, and what answers where no endpoint does. */
#include "gateway/param_check.h"
#include "gateway/steps/core.h"

static bool compile_param_check(const kd_compile *compile, kd_compiled *out)
{
    (void)out;
    return !compile->generation->options.disable_path_decoding;
}

static kd_verdict enter_param_check(kd_branch *branch, const void *config, void *state)
{
    (void)config, (void)state;
    kd_exchange *x = branch->x;
    kd_str body;
    if (KD_LIKELY(x->n_params == 0 || kd_param_check(x->params, x->n_params, x->front->arena, &body)))
        return KD_NEXT;
    if (!body.p)
        return kd_exchange_answer(branch, 503, KD_STR(""), KD_STR(""));
    return kd_exchange_answer(branch, 400, body, KD_STR("text/plain; charset=utf-8"));
}

const kd_step_type kd_core_param_check = {
    .module = "core", .name = "param_check", .compile = compile_param_check, .enter = enter_param_check};

static void mark_incomplete(kd_exchange *x)
{
    kd_headers_add_token(&x->reply.headers, KD_HEADER_X_KRAKEND, x->generation->version_header);
    kd_headers_add_token(&x->reply.headers, KD_HEADER_X_KRAKEND_COMPLETED, KD_STR("false"));
}

/* The body of 404 and 405: KrakenD's text, or the configured JSON, rendered once. */
static bool compile_error_body(const kd_compile *compile, kd_compiled *out, const kd_node *node)
{
    if (!node)
        return true;
    kd_buf buf;
    kd_buf_init(&buf, 1024 * 1024);
    kd_json_emit(&buf, kd_node_value(compile->arena, node), NULL);
    kd_str *body = KD_NEW(compile->arena, kd_str);
    if (body && !buf.failed) {
        *body = kd_arena_copy(compile->arena, kd_buf_str(&buf));
        out->config = body->p ? body : NULL;
    }
    kd_buf_fini(&buf);
    return true;
}

static kd_verdict error_answer(kd_branch *branch, uint16_t status, const kd_str *custom, kd_str text)
{
    mark_incomplete(branch->x);
    if (custom)
        return kd_exchange_answer(branch, status, *custom, KD_STR("application/json; charset=utf-8"));
    return kd_exchange_answer(branch, status, text, KD_STR("text/plain"));
}

static bool compile_not_found(const kd_compile *compile, kd_compiled *out)
{
    return compile_error_body(compile, out, compile->generation->options.error_body_404);
}

static kd_verdict enter_not_found(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    return error_answer(branch, 404, config, KD_STR("404 page not found"));
}

const kd_step_type kd_core_not_found = {
    .module = "core", .name = "not_found", .compile = compile_not_found, .enter = enter_not_found};

static bool compile_not_allowed(const kd_compile *compile, kd_compiled *out)
{
    return compile_error_body(compile, out, compile->generation->options.error_body_405);
}

static kd_verdict enter_not_allowed(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    return error_answer(branch, 405, config, KD_STR("405 method not allowed"));
}

const kd_step_type kd_core_not_allowed = {
    .module = "core", .name = "not_allowed", .compile = compile_not_allowed, .enter = enter_not_allowed};

/* auto_options: the methods of the path, spec/01 section 4.8. The compiled configuration is the Allow value. */
static kd_verdict enter_options(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const kd_str *allow = config;
    kd_headers_add_token(&branch->x->reply.headers, KD_HEADER_ALLOW, *allow);
    kd_headers_add_token(&branch->x->reply.headers, KD_HEADER_X_KRAKEND, branch->x->generation->version_header);
    return kd_exchange_answer(branch, 200, KD_STR(""), KD_STR(""));
}

const kd_step_type kd_core_options = {.module = "core", .name = "options", .enter = enter_options};

static kd_verdict enter_unavailable(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const kd_str *namespace = config;
    kd_exchange *x = branch->x;
    x->failure = KD_FAIL_NOT_BUILT;
    kd_exchange_note(x, kd_arena_printf(x->front->arena, "%.*s is not available in this version", KD_FMT(*namespace)));
    return kd_exchange_answer(branch, 501, KD_STR(""), KD_STR(""));
}

const kd_step_type kd_core_unavailable = {.module = "core", .name = "unavailable", .enter = enter_unavailable};

static kd_verdict enter_broken(kd_branch *branch, const void *config, void *state)
{
    (void)config, (void)state;
    branch->x->failure = KD_FAIL_INTERNAL;
    return kd_exchange_answer(branch, 500, KD_STR(""), KD_STR(""));
}

const kd_step_type kd_core_broken = {.module = "core", .name = "broken", .enter = enter_broken};
