/* A gateway without sockets for tests of plans: a front that notes what it is told, and in place of every call a step
 * whose answers the test hands over by hand, in the order it likes. Time stands still until the test moves it. */
#ifndef KD_GATEWAY_TEST_RIG_H
#define KD_GATEWAY_TEST_RIG_H

#include "config/load_bytes.h"
#include "gateway/body.h"
#include "gateway/compile.h"
#include "gateway/detached.h"
#include "gateway/steps/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RIG_CALLS 4096

/* A call as the fake step sees it. */
typedef struct rig_call {
    kd_branch *branch; /* NULL: over */
    kd_received received;
    char text[256]; /* "POST /a body" */
    bool answered, cancelled;
} rig_call;

typedef struct rig {
    kd_workers workers;
    kd_gateway_worker gateway;
    kd_generation *generation;
    /* The client's side of the request under way. */
    kd_front front;
    kd_request_head head;
    kd_arena arena;
    kd_address peer;
    size_t limit; /* of the request's memory; 0: none */
    bool body_wanted, released, gone;
    unsigned status;
    char body[4096], completed[8];
} rig;

static rig_call rig_calls[RIG_CALLS];
static unsigned rig_n_calls;

/* ---- the step in place of the call
 * --------------------------------------------------------------------------------------- */

static void rig_cancel(void *what)
{
    rig_call *call = what;
    call->cancelled = true;
    call->branch = NULL;
}

static kd_verdict rig_enter(kd_branch *branch, const void *config, void *state)
{
    (void)config;
    rig_call **slot = state;
    if (!*slot) {
        kd_request *request = branch->request;
        kd_str body = request->body ? kd_body_text(request->body, branch->x->front->arena) : KD_STR("");
        if (rig_n_calls == RIG_CALLS || !body.p)
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        rig_call *call = *slot = &rig_calls[rig_n_calls++];
        *call = (rig_call){.branch = branch};
        snprintf(call->text, sizeof call->text, "%.*s %.*s%s%.*s", KD_FMT(request->method), KD_FMT(request->path),
                 body.n ? " " : "", KD_FMT(body));
        return kd_branch_wait(branch, KD_WAIT_CALL, rig_cancel, call);
    }
    if (branch->outcome.fault)
        return KD_FAIL;
    kd_response *response = KD_NEW(branch->x->front->arena, kd_response);
    if (!response)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    *response = (kd_response){.status = (*slot)->received.status};
    branch->received = &(*slot)->received;
    branch->outcome = (kd_outcome){.response = response};
    return KD_DONE;
}

static const kd_step_type rig_step = {
    .module = "test", .name = "call", .enter = rig_enter, .state_size = sizeof(rig_call *)};

/* The oldest open call of that text; NULL when there is none. */
static rig_call *rig_find(const char *text)
{
    for (unsigned i = 0; i < rig_n_calls; i++)
        if (rig_calls[i].branch && !rig_calls[i].answered && strcmp(rig_calls[i].text, text) == 0)
            return &rig_calls[i];
    return NULL;
}

static unsigned rig_open(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rig_n_calls; i++)
        n += rig_calls[i].branch && !rig_calls[i].answered;
    return n;
}

static void rig_resume(rig_call *call)
{
    kd_branch *branch = call->branch;
    kd_exchange *x = branch->x;
    call->answered = true;
    kd_exchange_enter(x);
    kd_branch_resume(branch);
    kd_exchange_leave(x);
}

/* The call is answered with that JSON. */
static bool rig_try(const char *text, unsigned status, const char *json)
{
    static const kd_headers none;
    rig_call *call = rig_find(text);
    if (!call)
        return false;
    kd_arena *arena = call->branch->x->front->arena;
    size_t n = strlen(json);
    char *copy = kd_arena_alloc(arena, n + KD_JSON_PAD);
    if (copy) {
        memcpy(copy, json, n);
        call->received =
            (kd_received){.status = (uint16_t)status, .headers = (kd_headers *)&none, .body = copy, .n = n};
    } else {
        kd_branch_fail(call->branch, KD_FAIL_SHED, KD_STR("out of memory"));
    }
    rig_resume(call);
    return true;
}

static void rig_answer(const char *text, const char *json)
{
    if (!rig_try(text, 200, json))
        fail_msg("no call \"%s\"; the last one is \"%s\"", text, rig_n_calls ? rig_calls[rig_n_calls - 1].text : "");
}

/* The call fails with that text. */
static void rig_fail(const char *text, const char *error)
{
    rig_call *call = rig_find(text);
    assert_non_null(call);
    kd_branch_fail(call->branch, KD_FAIL_REFUSED, kd_str_from_c(error));
    rig_resume(call);
}

/* ---- the front
 * ------------------------------------------------------------------------------------------------------------ */

static rig *rig_of(kd_front *front)
{
    return KD_CONTAINER(front, rig, front);
}

static kd_flow rig_respond(kd_front *front, const kd_reply *reply, kd_str body, bool end)
{
    rig *r = rig_of(front);
    assert_int_equal(r->status, 0);
    assert_true(end);
    r->status = reply->status;
    snprintf(r->body, sizeof r->body, "%.*s", KD_FMT(body));
    const kd_header *completed = kd_headers_find(&reply->headers, KD_HEADER_X_KRAKEND_COMPLETED);
    kd_str text = completed ? kd_header_value(completed) : KD_STR("");
    snprintf(r->completed, sizeof r->completed, "%.*s", KD_FMT(text));
    kd_exchange_handler.on_done(front);
    return KD_FLOW_ON;
}

static kd_flow rig_write(kd_front *front, kd_str body, bool end)
{
    (void)front, (void)body, (void)end;
    fail_msg("nothing streams here");
    return KD_FLOW_ON;
}

static void rig_abort(kd_front *front)
{
    (void)front;
}
static void rig_read_body(kd_front *front)
{
    rig_of(front)->body_wanted = true;
}
static void rig_pause_body(kd_front *front)
{
    rig_of(front)->body_wanted = false;
}
static void rig_release(kd_front *front)
{
    rig *r = rig_of(front);
    assert_false(r->released);
    r->released = true;
    /* As the server does: the memory is gone at once, so that the sanitizer sees who comes too late. */
    kd_arena_reset(&r->arena);
}

static const kd_front_ops rig_ops = {.respond = rig_respond,
                                     .write = rig_write,
                                     .abort = rig_abort,
                                     .read_body = rig_read_body,
                                     .pause_body = rig_pause_body,
                                     .release = rig_release};

/* ---- the whole
 * ------------------------------------------------------------------------------------------------------------ */

/* `endpoints`: the items of the configuration's list, in single quotes. Every host is the same; calls are told apart by
 * path. */
static void rig_start(rig *r, const char *endpoints)
{
    static char text[16384];
    snprintf(text, sizeof text,
             "{'version':3,'host':['http://h'],'timeout':'1000ms','extra_config':{'router':{'return_error_msg':true,"
             "'disable_access_log':true}},'endpoints':[%s]}",
             endpoints);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    kd_arena arena, work;
    kd_errors errors;
    kd_loaded loaded;
    kd_load_options options = {.path = "krakend.json"};
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&work, NULL, 0);
    kd_errors_init(&errors, &work, 100);
    kd_config_load_bytes(&arena, &work, &options, kd_str_from_c(text), KD_SEVERITY_ERROR, &errors, &loaded);
    assert_non_null(loaded.service);
    memset(r, 0, sizeof *r);
    r->generation = kd_generation_create(&arena, loaded.service, 1, &errors);
    assert_non_null(r->generation);
    kd_arena_reset(&work);
    for (uint32_t i = 0; i < r->generation->service->n_endpoints; i++) {
        kd_plan *plan = r->generation->plans[i];
        for (uint16_t k = 0; k < plan->n_steps; k++)
            if (strcmp(plan->steps[k].type->name, "send") == 0)
                plan->steps[k].type = &rig_step;
    }
    rig_n_calls = 0;
    assert_true(kd_workers_create(&r->workers, 1));
    r->workers.v[0]->upper = &r->gateway;
    r->gateway.generation = r->generation;
    assert_true(kd_gateway_worker_start(r->workers.v[0]));
}

static void rig_end(rig *r)
{
    kd_gateway_worker_stop(r->workers.v[0]);
    if (!r->released)
        kd_arena_reset(&r->arena);
    assert_int_equal(r->gateway.n_detached, 0);
    assert_int_equal(r->workers.v[0]->chunks.in_use, 0);
    kd_workers_destroy(&r->workers);
}

/* A request; `body`: one follows by rig_body. */
static void rig_request(rig *r, const char *method, const char *path, bool body)
{
    if (!r->released)
        kd_arena_reset(&r->arena);
    kd_arena_init(&r->arena, &r->workers.v[0]->chunks, r->limit);
    r->head = (kd_request_head){.method_text = kd_str_from_c(method),
                                .target = kd_str_from_c(path),
                                .path = kd_str_from_c(path),
                                .path_plain = true,
                                .minor = 1,
                                .host = KD_STR("g"),
                                .framing = body ? KD_FRAMING_CHUNKED : KD_FRAMING_NONE};
    r->head.method = kd_method_of(r->head.method_text);
    kd_headers_init(&r->head.headers, &r->arena);
    r->front = (kd_front){.ops = &rig_ops,
                          .worker = r->workers.v[0],
                          .arena = &r->arena,
                          .head = &r->head,
                          .peer = &r->peer,
                          .body_ended = !body};
    r->body_wanted = r->released = r->gone = false;
    r->status = 0;
    r->body[0] = r->completed[0] = 0;
    kd_exchange_handler.on_request(&r->gateway, &r->front);
}

static void rig_body(rig *r, const char *piece, bool end, bool failed)
{
    assert_true(r->body_wanted);
    if (end || failed)
        r->front.body_ended = true;
    kd_exchange_handler.on_body(&r->front, kd_str_from_c(piece), end, failed);
}

static void rig_leave(rig *r)
{
    r->gone = true;
    kd_exchange_handler.on_gone(&r->front);
}

static void rig_pass(rig *r, kd_ns time)
{
    kd_loop *loop = &r->workers.v[0]->loop;
    loop->now += time;
    kd_timers_run(&loop->timers, loop->now);
}

static void rig_expect(rig *r, unsigned status, const char *completed, const char *body)
{
    if (r->status != status || strcmp(r->body, body) != 0 || strcmp(r->completed, completed) != 0)
        fail_msg("%u %s \"%s\", want %u %s \"%s\"", r->status, r->completed, r->body, status, completed, body);
    assert_true(r->released);
}

#endif
