/* A front without a socket, and a gateway on one worker whose loop is turned by hand: what tests of plans stand on. The
 * configuration is JSON text; @1 and @2 in it are the hosts of two scripted backends, @0 is a host where nobody
 * listens. */
#ifndef KD_GATEWAY_TEST_FRONT_H
#define KD_GATEWAY_TEST_FRONT_H

#include "config/load_bytes.h"
#include "gateway/detached.h"
#include "gateway/worker.h"
#include "http/test_backend.h"

#define MAX_PIECES 8

typedef struct test_front {
    kd_front front;
    kd_arena arena, of_head; /* the exchange's; the head's, which does not count as its memory */
    kd_request_head head;
    kd_address peer;
    char *text; /* the head as it was sent */
    /* The request's body, and how the client behaves. */
    const char *const *pieces;
    unsigned n_pieces, at_piece;
    bool broken; /* the body's coding breaks behind the pieces */
    bool slow;   /* every write has to wait */
    bool eager;  /* tells the end of an answer at once, within the operation */
    unsigned waited;
    unsigned gone_at; /* the client leaves within this operation; 0: never */
    /* What was done with it. */
    kd_buf body, fields;
    unsigned status, operations, responds, releases, reads;
    bool wants_body, owes_writable, ended, aborted, told, gone;
    size_t taken; /* bytes of chunks that the arena held in the end */
} test_front;

static kd_gateway_worker gateway;
static backend one, two;
static size_t ledger_before;
static unsigned head_hooks, end_hooks;

static test_front *of_front(kd_front *front)
{
    return KD_CONTAINER(front, test_front, front);
}

/* ---- the operations ---------------------------------------------------------------------------------------------- */

static bool begin_operation(test_front *f)
{
    assert_int_equal(f->releases, 0);
    f->operations++;
    return !f->gone;
}

static void tell_end(test_front *f)
{
    if (f->told || f->owes_writable || !(f->ended || f->aborted))
        return;
    f->told = true;
    kd_exchange_handler.on_done(&f->front);
}

static void leave_client(test_front *f)
{
    if (f->told)
        return;
    f->told = f->gone = true;
    kd_exchange_handler.on_gone(&f->front);
}

static kd_flow end_operation(test_front *f, bool end)
{
    kd_flow flow = KD_FLOW_ON;
    f->ended |= end;
    if (f->slow && !f->ended && !f->aborted) {
        f->owes_writable = true;
        flow = KD_FLOW_PAUSED;
    }
    if (f->operations == f->gone_at)
        leave_client(f);
    else if (f->eager)
        tell_end(f);
    return flow;
}

static kd_flow op_respond(kd_front *front, const kd_reply *reply, kd_str body, bool end)
{
    test_front *f = of_front(front);
    if (!begin_operation(f))
        return KD_FLOW_ON;
    assert_int_equal(f->responds, 0);
    assert_false(f->aborted);
    f->responds++;
    f->status = reply->status;
    kd_buf_printf(&f->fields, "length %lld\n", (long long)reply->length);
    for (uint32_t i = 0; i < reply->headers.n; i++)
        kd_buf_printf(&f->fields, "%.*s: %.*s\n", KD_FMT(kd_header_name(&reply->headers.v[i])),
                      KD_FMT(kd_header_value(&reply->headers.v[i])));
    kd_buf_add(&f->body, body);
    return end_operation(f, end);
}

static kd_flow op_write(kd_front *front, kd_str body, bool end)
{
    test_front *f = of_front(front);
    if (!begin_operation(f))
        return KD_FLOW_ON;
    assert_int_equal(f->responds, 1);
    assert_false(f->ended || f->aborted);
    assert_true(body.n || end);
    assert_false(f->owes_writable); /* it was told to wait */
    kd_buf_add(&f->body, body);
    return end_operation(f, end);
}

static void op_abort(kd_front *front)
{
    test_front *f = of_front(front);
    if (!begin_operation(f) || f->told)
        return;
    assert_false(f->ended); /* an answer that is whole cannot be cut */
    f->aborted = true;
    f->owes_writable = false;
    end_operation(f, false);
}

static void op_read_body(kd_front *front)
{
    test_front *f = of_front(front);
    if (!begin_operation(f))
        return;
    f->reads++;
    f->wants_body = true;
    end_operation(f, false);
}

static void op_pause_body(kd_front *front)
{
    test_front *f = of_front(front);
    if (begin_operation(f))
        f->wants_body = false;
}

static void op_release(kd_front *front)
{
    test_front *f = of_front(front);
    assert_int_equal(f->releases, 0);
    assert_true(f->told);
    f->releases++;
    f->taken = f->arena.taken;
    kd_arena_reset(&f->arena); /* who still uses it is seen by the sanitizer */
    f->front.owner = NULL;
}

static const kd_front_ops test_front_ops = {.respond = op_respond,
                                            .write = op_write,
                                            .abort = op_abort,
                                            .read_body = op_read_body,
                                            .pause_body = op_pause_body,
                                            .release = op_release};

/* ---- the client's side ------------------------------------------------------------------------------------------- */

static void front_init(test_front *f, const char *request, const char *const *pieces)
{
    *f = (test_front){.pieces = pieces};
    while (pieces && f->n_pieces < MAX_PIECES && pieces[f->n_pieces])
        f->n_pieces++;
    kd_buf_init(&f->body, 1u << 28);
    kd_buf_init(&f->fields, 1u << 20);
    kd_arena_init(&f->arena, &worker->chunks, 0);
    kd_arena_init(&f->of_head, NULL, 0);
    kd_headers_init(&f->head.headers, &f->of_head);
    kd_scan_error error;
    f->text = strdup(request);
    assert_int_equal(kd_scan_request(f->text, strlen(request), 0, 100000, &f->head, &error), KD_SCAN_DONE);
    f->peer.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    f->front = (kd_front){.ops = &test_front_ops,
                          .worker = worker,
                          .arena = &f->arena,
                          .head = &f->head,
                          .peer = &f->peer,
                          .began = worker->loop.now,
                          .body_ended = f->n_pieces == 0 && f->head.framing == KD_FRAMING_NONE};
}

static void front_fini(test_front *f)
{
    kd_buf_fini(&f->body);
    kd_buf_fini(&f->fields);
    kd_arena_reset(&f->of_head);
    free(f->text);
}

static void give_piece(test_front *f)
{
    bool over = f->at_piece == f->n_pieces;
    bool failed = over && f->broken, end = !failed && !f->broken && f->at_piece + 1 >= f->n_pieces;
    const char *text = over ? "" : f->pieces[f->at_piece++];
    size_t n = strlen(text);
    char *copy = malloc(n + 1); /* gone after the call, as the server's buffer is */
    memcpy(copy, text, n);
    if (end || failed) {
        f->wants_body = false;
        f->front.body_ended = true;
    }
    kd_exchange_handler.on_body(&f->front, kd_str_of(copy, n), end, failed);
    free(copy);
}

/* What the server does in one turn. True when something happened. */
static bool front_pump(test_front *f)
{
    if (f->told || f->releases)
        return false;
    if (f->wants_body && !f->front.body_ended) {
        give_piece(f);
        return true;
    }
    if (f->owes_writable) {
        if (f->waited++ < 3)
            return true; /* the client's socket is still full */
        f->waited = 0;
        f->owes_writable = false;
        if (!f->ended)
            kd_exchange_handler.on_writable(&f->front);
        return true;
    }
    tell_end(f);
    return f->told;
}

/* ---- the gateway ------------------------------------------------------------------------------------------------- */

static void count_head(kd_exchange *x, const void *config)
{
    head_hooks++;
}

static void count_end(kd_exchange *x, const void *config)
{
    end_hooks++;
}

static kd_str fill_hosts(kd_arena *arena, const char *json)
{
    backend nobody;
    backend_up(&nobody, NULL, 0);
    uint16_t ports[] = {nobody.port, one.port, two.port};
    backend_down(&nobody);
    kd_buf out;
    kd_buf_init(&out, 1u << 20);
    for (; *json; json++) {
        if (*json == '@' && json[1] >= '0' && json[1] <= '2')
            kd_buf_printf(&out, "http://127.0.0.1:%u", ports[*++json - '0']);
        else
            kd_buf_byte(&out, *json);
    }
    kd_str text = kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return text;
}

static void gateway_up(const char *json)
{
    worker_up();
    kd_log_configure(&(kd_log_settings){.silent = true});
    backend_up(&one, NULL, 0);
    backend_up(&two, NULL, 0);
    kd_arena arena, work;
    kd_errors errors;
    kd_loaded loaded;
    kd_load_options options = {.path = "krakend.json"};
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&work, NULL, 0);
    kd_errors_init(&errors, &work, 20);
    kd_config_load_bytes(&arena, &work, &options, fill_hosts(&work, json), KD_SEVERITY_ERROR, &errors, &loaded);
    if (!loaded.service)
        fail_msg("%.*s: %.*s", KD_FMT(errors.first->key), KD_FMT(errors.first->message));
    kd_generation *g = kd_generation_create(&arena, loaded.service, 1, &errors);
    assert_non_null(g);
    kd_arena_reset(&work);
    g->head_hooks[g->n_head_hooks++] = (kd_head_hook){count_head, NULL};
    g->end_hooks[g->n_end_hooks++] = (kd_end_hook){count_end, NULL};
    gateway = (kd_gateway_worker){.generation = g};
    worker->upper = &gateway;
    assert_true(kd_gateway_worker_start(worker));
    gateway.detached_chunks.max_small = gateway.detached_chunks.max_large = 0;
    ledger_before = kd_ledger_used(KD_ACCOUNT_CHUNKS);
}

static void gateway_down(void)
{
    kd_gateway_worker_stop(worker);
    backend_down(&one);
    backend_down(&two);
    assert_int_equal(worker->loop.timers.armed, 0);
    worker_down();
}

static bool pump_all(test_front *f)
{
    kd_loop_turn(&worker->loop, 0);
    bool any = worker->loop.ready != NULL;
    any |= backend_pump(&one);
    any |= backend_pump(&two);
    return front_pump(f) || any;
}

/* Until the exchange has let go of its front and nothing else happens. */
static void run_out(const char *label, test_front *f)
{
    unsigned quiet = 0, idle = 0;
    while (!f->releases || gateway.n_detached || quiet < 3) {
        if (pump_all(f)) {
            quiet = idle = 0;
            continue;
        }
        quiet++;
        if (quiet > 3 && ++idle > QUIET_TURNS_MAX)
            fail_msg("%s: the exchange does not end", label);
        if (quiet > 3)
            kd_loop_turn(&worker->loop, 1);
    }
}

static void forget(backend *b, const scripted *script, size_t n)
{
    for (unsigned i = 0; i < b->n_talks; i++)
        far_fini(&b->talks[i].far);
    b->n_talks = b->requests = 0;
    b->at = 0;
    b->script = script;
    b->n_script = n;
}

/* Closes all connections to the backends, those that are kept for reuse too. */
static void forget_connections(void)
{
    static const scripted nothing[] = {{.bytes = NULL}};
    forget(&one, nothing, 1);
    forget(&two, nothing, 1);
    while (gateway.client.all)
        kd_loop_turn(&worker->loop, 1);
}

/* Connections to the backend that the gateway has not closed. */
static unsigned open_talks(const backend *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n_talks; i++) {
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        int fd = b->talks[i].far.fd;
        n += fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED;
    }
    return n;
}

/* Nothing of the exchange is left: no call, timer, scope, memory or use of the generation. */
static void assert_let_go(const char *label, const test_front *f)
{
    unsigned open = open_talks(&one) + open_talks(&two);
    size_t ledger = kd_ledger_used(KD_ACCOUNT_CHUNKS) - f->of_head.taken;
    if (f->releases != 1 || open != gateway.client.n_idle || worker->loop.timers.armed || gateway.in_use ||
        worker->chunks.in_use || gateway.detached_chunks.in_use || ledger != ledger_before)
        fail_msg(
            "%s: released %u times; %u connections of which %u idle, %u timers, %u uses, %zu + %zu bytes held, ledger "
            "%+lld",
            label, f->releases, open, gateway.client.n_idle, worker->loop.timers.armed, gateway.in_use,
            worker->chunks.in_use, gateway.detached_chunks.in_use, (long long)(ledger - ledger_before));
}

#endif
