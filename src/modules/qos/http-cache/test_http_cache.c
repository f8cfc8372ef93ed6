#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/qos/http-cache/http_cache.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_qos_http_cache;

#define CACHE "\"extra_config\":{\"qos/http-cache\":{}}"

static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{"
    "\"return_error_msg\":true,\"disable_access_log\":true}},\"endpoints\":["
    "{\"endpoint\":\"/json/{n}\",\"backend\":[{\"url_pattern\":\"/j{n}\"," CACHE "}]},"
    "{\"endpoint\":\"/raw/{n}\",\"output_encoding\":\"no-op\",\"input_headers\":[\"Accept\",\"Accept-Encoding\","
    "\"Range\",\"Cookie\",\"X-Id\",\"Authorization\"],"
    "\"backend\":[{\"url_pattern\":\"/r{n}\",\"encoding\":\"no-op\"," CACHE "}]},"
    "{\"endpoint\":\"/said/{n}\",\"output_encoding\":\"no-op\",\"input_headers\":[\"Cache-Control\",\"If-None-Match\"],"
    "\"backend\":[{\"url_pattern\":\"/s{n}\",\"encoding\":\"no-op\"," CACHE "}]},"
    "{\"endpoint\":\"/code/{n}\",\"backend\":[{\"url_pattern\":\"/c{n}\",\"extra_config\":{\"backend/http\":"
    "{\"return_error_code\":true},\"qos/http-cache\":{}}}]},"
    "{\"endpoint\":\"/small/{n}\",\"backend\":[{\"url_pattern\":\"/m{n}\",\"extra_config\":{\"qos/http-cache\":"
    "{\"max_size\":1000,\"max_items\":2}}}]}"
    "]}";

#define DATED   "Date: Mon, 02 Jan 2023 10:00:00 GMT\r\n"
#define OK      "HTTP/1.1 200 OK\r\n"
#define FOREVER DATED "Cache-Control: max-age=999999999\r\n"
#define JSON    "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n"

/* "hello, hello, hello, hello" */
#define GZIPPED                                                                                                        \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\xc0\xa4\x00\x55\xa3\x82\x77\x1a\x00\x00" \
    "\x00"
#define BYTES(literal) .bytes = literal, .n = sizeof(literal) - 1

typedef struct step {
    const char *path, *fields;
    scripted says;
    unsigned status;
    const char *body;  /* of the answer; NULL: any */
    const char *field; /* somewhere among the answer's; NULL: any */
    const char *asked; /* what the backend saw; "": it was not asked; NULL: it was */
} step;

#define SAYS(text)                                                                                                     \
    {                                                                                                                  \
        .bytes = text                                                                                                  \
    }

static const step steps[] = {
    /* Fresh, also over 304s of nobody. */
    {"/json/1", "", SAYS(OK FOREVER JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/json/1", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":1}", NULL, ""},
    {"/json/2", "", SAYS(OK DATED JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/json/2", "", SAYS(OK DATED JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    /* A body that is cut is an error here, and nothing to keep. */
    {"/json/3", "", {.bytes = OK FOREVER "Content-Length: 8\r\n\r\n{\"a\":1}", .end = CLOSES}, 200, NULL, NULL, NULL},
    {"/json/3", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    /* What is not read is not kept. */
    {"/json/4", "", SAYS("HTTP/1.1 404 N\r\n" FOREVER JSON "{\"a\":1}"), 500, NULL, NULL, NULL},
    {"/json/4", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    {"/code/1", "", SAYS("HTTP/1.1 404 N\r\n" FOREVER JSON "{\"a\":1}"), 404, "{\"a\":1}", NULL, NULL},
    {"/code/1", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 404, "{\"a\":1}", "Content-Type: application/json\n", ""},
    /* Streamed: whole, in pieces, without a length, with a status of its own. */
    {"/raw/1", "", SAYS(OK FOREVER "Set-Cookie: a=1\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", "length 7\n", NULL},
    {"/raw/1", "", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", "length 7\n", ""},
    {"/raw/1", "", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", "Set-Cookie: a=1\n", ""},
    {"/raw/2", "", {.bytes = OK FOREVER JSON "{\"a\":1}", .step = 9}, 200, "{\"a\":1}", NULL, NULL},
    {"/raw/2", "", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", NULL, ""},
    {"/raw/3",
     "",
     {.bytes = OK FOREVER "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n", .step = 11},
     200,
     "abcabc",
     "length -1\n",
     NULL},
    {"/raw/3", "", SAYS(OK JSON "{\"a\":2}"), 200, "abcabc", "length -1\n", ""},
    {"/raw/4", "", SAYS("HTTP/1.1 404 N\r\n" FOREVER JSON "{\"a\":1}"), 404, "{\"a\":1}", NULL, NULL},
    {"/raw/4", "", SAYS(OK JSON "{\"a\":2}"), 404, "{\"a\":1}", NULL, ""},
    {"/raw/5", "", SAYS(OK FOREVER "Content-Length: 0\r\n\r\n"), 200, "", NULL, NULL},
    {"/raw/5", "", SAYS(OK JSON "{\"a\":2}"), 200, "", NULL, ""},
    {"/raw/6", "", {.bytes = OK FOREVER "Content-Length: 80\r\n\r\n{\"a\":1}", .end = CLOSES}, 0, NULL, NULL, NULL},
    {"/raw/6", "", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    /* gzip is undone once; where the client's wish was passed on it stays, and is undone for others. */
    {"/raw/7",
     "",
     {BYTES(OK FOREVER "Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" GZIPPED)},
     200,
     "hello, hello, hello, hello",
     NULL,
     NULL},
    {"/raw/7", "", SAYS(OK JSON "{}"), 200, "hello, hello, hello, hello", "length -1\n", ""},
    {"/raw/8",
     "Accept-Encoding: gzip\r\n",
     {BYTES(OK FOREVER "Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" GZIPPED)},
     200,
     NULL,
     "Content-Encoding: gzip\n",
     NULL},
    {"/raw/8", "Accept-Encoding: gzip\r\n", SAYS(OK JSON "{}"), 200, NULL, "Content-Encoding: gzip\n", ""},
    {"/raw/8", "", SAYS(OK JSON "{}"), 200, "hello, hello, hello, hello", "length -1\n", ""},
    /* A range asks past the cache and drops what is there. */
    {"/raw/9", "", SAYS(OK FOREVER JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/raw/9", "Range: bytes=0-1\r\n", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    {"/raw/9", "", SAYS(OK FOREVER JSON "{\"a\":3}"), 200, "{\"a\":3}", NULL, NULL},
    {"/raw/9", "Range:\r\n", SAYS(OK FOREVER JSON "{\"a\":4}"), 200, "{\"a\":3}", NULL, ""},
    /* One variant of each URL; the values show. */
    {"/raw/10", "Accept: a\r\n", SAYS(OK FOREVER "Vary: X-Id , accept\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}",
     "X-Varied-Accept: a\n", NULL},
    {"/raw/10", "Accept: a\r\n", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", "X-Varied-Accept: a\n", ""},
    {"/raw/10", "Accept: a\r\nX-Id: 1\r\n", SAYS(OK FOREVER "Vary: X-Id\r\n" JSON "{\"a\":3}"), 200, "{\"a\":3}",
     "X-Varied-X-Id: 1\n", NULL},
    {"/raw/10", "Accept: a\r\n", SAYS(OK FOREVER JSON "{\"a\":4}"), 200, "{\"a\":4}", NULL, NULL},
    {"/raw/11", "X-Id: 1\r\n", SAYS(OK FOREVER "Vary: *\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/raw/11", "X-Id: 2\r\n", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", NULL, ""},
    /* Credentials do not divide, as in KrakenD; with Vary they do. */
    {"/raw/12", "Cookie: u=1\r\n", SAYS(OK FOREVER "Vary: Cookie\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/raw/12", "Cookie: u=2\r\n", SAYS(OK FOREVER "Vary: Cookie\r\n" JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    /* no-store on either side; a later answer drops what was there. */
    {"/raw/13", "", SAYS(OK DATED "Etag: x\r\nCache-Control: no-store, max-age=99999999\r\n" JSON "{\"a\":1}"), 200,
     "{\"a\":1}", NULL, NULL},
    {"/raw/13", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, "GET /r13 HTTP/1.1\r\n"},
    /* Validators; 304 brings new fields and a new life. */
    {"/raw/14", "", SAYS(OK DATED "ETag: \"1\"\r\nLast-Modified: x\r\nX-A: 1\r\nX-B: 1\r\n" JSON "{\"a\":1}"), 200,
     "{\"a\":1}", "X-A: 1\n", NULL},
    {"/raw/14", "", SAYS("HTTP/1.1 304 N\r\nX-A: 2\r\nX-A: 3\r\n\r\n"), 200, "{\"a\":1}", "X-A: 2\nX-A: 3\n",
     "\r\nIf-None-Match: \"1\"\r\n"},
    {"/raw/14", "", SAYS("HTTP/1.1 304 N\r\n" FOREVER "Connection: X-B\r\nX-B: 2\r\n\r\n"), 200, "{\"a\":1}",
     "X-B: 1\n", "\r\nIf-Modified-Since: x\r\n"},
    {"/raw/14", "", SAYS(OK JSON "{\"a\":2}"), 200, "{\"a\":1}", "X-A: 2\nX-A: 3\n", ""},
    {"/json/5", "", SAYS(OK DATED "ETag: \"1\"\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/json/5", "", SAYS("HTTP/1.1 304 N\r\n\r\n"), 200, "{\"a\":1}", NULL, "\r\nIf-None-Match: \"1\"\r\n"},
    {"/json/5", "", SAYS(OK DATED JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, "\r\nIf-None-Match: \"1\"\r\n"},
    {"/json/5", "", SAYS("HTTP/1.1 304 N\r\n\r\n"), 500, NULL, NULL, NULL},
    {"/raw/15", "", SAYS(OK DATED "ETag: \"1\"\r\n" JSON "{\"a\":1}"), 200, NULL, NULL, NULL},
    {"/raw/15", "", SAYS("HTTP/1.1 404 N\r\n" DATED JSON "{\"a\":2}"), 404, NULL, NULL, NULL},
    {"/raw/15", "", SAYS("HTTP/1.1 304 N\r\n\r\n"), 304, NULL, NULL, NULL},
    /* What stands in for a failure. */
    {"/raw/16", "", SAYS(OK DATED "Cache-Control: stale-if-error\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/raw/16", "", SAYS("HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\nx"), 200, "{\"a\":1}", NULL, NULL},
    {"/raw/16", "", {.bytes = "", .n = 0, .end = CLOSES}, 200, "{\"a\":1}", NULL, NULL},
    {"/raw/16", "", SAYS("HTTP/1.1 404 N\r\nContent-Length: 1\r\n\r\nx"), 404, "x", NULL, NULL},
    {"/raw/16", "", SAYS("HTTP/1.1 503 X\r\nContent-Length: 1\r\n\r\nx"), 503, "x", NULL, NULL},
    {"/json/6", "", SAYS(OK "Cache-Control: stale-if-error\r\n" JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/json/6", "", {.bytes = "nonsense\r\n\r\n", .end = CLOSES}, 200, "{\"a\":1}", NULL, NULL},
    /* The request's directives. */
    {"/said/1", "Cache-Control: only-if-cached\r\n", SAYS(OK JSON "{}"), 504, "", NULL, ""},
    {"/said/1", "Cache-Control: no-store\r\n", SAYS(OK FOREVER JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/said/1", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    {"/said/1", "Cache-Control: no-store\r\n", SAYS(OK JSON "{\"a\":3}"), 200, "{\"a\":2}", NULL, ""},
    {"/said/1", "Cache-Control: no-cache\r\n", SAYS(OK FOREVER JSON "{\"a\":4}"), 200, "{\"a\":4}", NULL, NULL},
    {"/said/1", "Cache-Control: max-age=1\r\n", SAYS(OK FOREVER JSON "{\"a\":5}"), 200, "{\"a\":5}", NULL, NULL},
    {"/said/1", "Cache-Control: only-if-cached\r\n", SAYS(OK JSON "{}"), 200, "{\"a\":5}", NULL, ""},
    /* A client's own validator is replaced; its 304 becomes the stored answer. */
    {"/said/2", "", SAYS(OK DATED "ETag: \"1\"\r\n" JSON "{\"a\":1}"), 200, NULL, NULL, NULL},
    {"/said/2", "If-None-Match: \"0\"\r\n", SAYS("HTTP/1.1 304 N\r\n\r\n"), 200, "{\"a\":1}", NULL,
     "\r\nIf-None-Match: \"1\"\r\n"},
    {"/said/3", "", SAYS(OK DATED JSON "{\"a\":1}"), 200, NULL, NULL, NULL},
    {"/said/3", "If-None-Match: \"0\"\r\n", SAYS("HTTP/1.1 304 N\r\n\r\n"), 200, "{\"a\":1}", NULL,
     "\r\nIf-None-Match: \"0\"\r\n"},
    /* Limits. */
    {"/small/1", "", SAYS(OK FOREVER JSON "{\"a\":1}"), 200, "{\"a\":1}", NULL, NULL},
    {"/small/2", "", SAYS(OK FOREVER JSON "{\"a\":2}"), 200, "{\"a\":2}", NULL, NULL},
    {"/small/1", "", SAYS(OK FOREVER JSON "{\"a\":0}"), 200, "{\"a\":1}", NULL, ""},
    {"/small/3", "", SAYS(OK FOREVER JSON "{\"a\":3}"), 200, "{\"a\":3}", NULL, NULL},
    {"/small/1", "", SAYS(OK FOREVER JSON "{\"a\":0}"), 200, "{\"a\":1}", NULL, ""},
    {"/small/2", "", SAYS(OK FOREVER JSON "{\"a\":4}"), 200, "{\"a\":4}", NULL, NULL},
};

static kd_cache *any_cache(void)
{
    return ((const kd_cache_config *)gateway.generation->plans[0]
                ->steps[gateway.generation->plans[0]->n_steps - 2]
                .config)
        ->cache;
}

static void begin(test_front *f, const char *path, const char *fields)
{
    char request[300];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, fields);
    front_init(f, request, NULL);
    kd_exchange_handler.on_request(&gateway, &f->front);
}

static bool was_asked(const char *text)
{
    for (unsigned i = 0; i < one.n_talks; i++)
        if (kd_str_search(kd_buf_str(&one.talks[i].far.in), kd_str_from_c(text)) >= 0)
            return true;
    return false;
}

static void run(const step *s, bool slow)
{
    char label[200];
    test_front f;
    snprintf(label, sizeof label, "step %d: %s %s", (int)(s - steps), s->path, s->fields);
    forget(&one, &s->says, 1);
    front_init(&f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    front_fini(&f);
    begin(&f, s->path, s->fields);
    f.slow = slow;
    run_out(label, &f);
    assert_let_go(label, &f);
    kd_buf_byte(&f.body, 0);
    kd_buf_byte(&f.fields, 0);
    if (s->status ? f.status != s->status || f.aborted : !f.aborted)
        fail_msg("%s: status %u, %s%s", label, f.status, f.body.p, f.aborted ? ", cut" : "");
    if (s->body && strcmp(f.body.p, s->body) != 0)
        fail_msg("%s: body %s", label, f.body.p);
    if (s->field && !strstr(f.fields.p, s->field))
        fail_msg("%s: fields\n%s", label, f.fields.p);
    if (s->asked ? !*s->asked && one.requests : !one.requests)
        fail_msg("%s: %u calls", label, one.requests);
    if (s->asked && *s->asked && !was_asked(s->asked))
        fail_msg("%s: the backend was asked\n%s", label, far_text(&one.talks[0].far));
    front_fini(&f);
    forget_connections();
}

static void test_steps(void **state)
{
    for (int slow = 0; slow < 2; slow++) {
        size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
        gateway_up(config);
        for (size_t i = 0; i < KD_COUNT(steps); i++)
            run(&steps[i], slow);
        gateway_down();
        assert_int_equal(kd_registry_count(), 0);
        assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
    }
}

/* Redirects are kept hop by hop. */
static void test_redirects(void **state)
{
    static const scripted says[] = {
        SAYS("HTTP/1.1 302 F\r\n" FOREVER "Location: /there\r\nContent-Length: 3\r\n\r\nbye"),
        SAYS(OK FOREVER JSON "{\"a\":1}"),
        SAYS(OK FOREVER JSON "{\"a\":2}"),
    };
    gateway_up(config);
    for (int round = 0; round < 3; round++) {
        test_front f;
        forget(&one, says, 3);
        begin(&f, "/raw/r", "");
        run_out("redirect", &f);
        assert_let_go("redirect", &f);
        kd_buf_byte(&f.body, 0);
        assert_string_equal(f.body.p, "{\"a\":1}");
        assert_int_equal(one.requests, round ? 0 : 2);
        front_fini(&f);
        forget_connections();
    }
    gateway_down();
}

/* ---- many at once ----------------------------------------------------------------------------------------------- */

#define CROWD 5

typedef struct crowd_case {
    const char *label, *path, *fields;
    scripted says[2];
    unsigned requests; /* of the backend */
    bool first_leaves;
} crowd_case;

static const crowd_case crowds[] = {
    {"what is fresh is asked for once", "/json/1", "", {SAYS(OK FOREVER JSON "{\"a\":1}")}, 1, false},
    {"streamed", "/raw/1", "", {SAYS(OK FOREVER JSON "{\"a\":1}")}, 1, false},
    {"who asked has left", "/json/2", "", {{.bytes = NULL}, SAYS(OK FOREVER JSON "{\"a\":1}")}, 2, true},
    {"what cannot be kept", "/json/3", "", {SAYS(OK JSON "{\"a\":1}")}, CROWD, false},
    {"no-store", "/json/4", "", {SAYS(OK DATED "Cache-Control: no-store\r\n" JSON "{\"a\":1}")}, CROWD, false},
    {"an error", "/json/5", "", {SAYS("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")}, CROWD, false},
    {"cookies of the backend", "/raw/2", "", {SAYS(OK FOREVER "Set-Cookie: x\r\n" JSON "{\"a\":1}")}, CROWD, false},
    {"credentials", "/raw/3", "Authorization: x\r\n", {SAYS(OK FOREVER JSON "{\"a\":1}")}, CROWD, false},
    {"cookies", "/raw/4", "Cookie: x\r\n", {SAYS(OK FOREVER JSON "{\"a\":1}")}, CROWD, false},
};

static void turn_all(test_front *f, unsigned n, const char *label)
{
    unsigned quiet = 0, over = 0;
    while (over < n || quiet < 5) {
        bool any = false;
        over = 0;
        for (unsigned i = 0; i < n; i++) {
            any |= pump_all(&f[i]);
            over += f[i].releases;
        }
        quiet = any ? 0 : quiet + 1;
        if (quiet > 5 && quiet > QUIET_TURNS_MAX)
            fail_msg("%s: %u of %u have ended", label, over, n);
        if (quiet > 5)
            kd_loop_turn(&worker->loop, 1);
    }
}

static void test_crowds(void **state)
{
    for (size_t i = 0; i < KD_COUNT(crowds); i++) {
        const crowd_case *c = &crowds[i];
        test_front f[CROWD];
        gateway_up(config);
        forget(&one, c->says, c->says[1].bytes ? 2 : 1);
        for (unsigned k = 0; k < CROWD; k++)
            begin(&f[k], c->path, c->fields);
        bool shares = c->requests < CROWD;
        /* What cannot be known before the answer is waited for once, unless the request shows it. */
        assert_int_equal(kd_lanes_waiting(any_cache()->lanes) > 0, c->path[1] == 'j');
        if (c->first_leaves) {
            while (one.requests == 0)
                pump_all(&f[0]);
            leave_client(&f[0]);
        }
        turn_all(f, CROWD, c->label);
        assert_int_equal(kd_lanes_waiting(any_cache()->lanes), 0);
        if (one.requests != c->requests)
            fail_msg("%s: %u calls", c->label, one.requests);
        for (unsigned k = 0; k < CROWD; k++) {
            if (shares && !f[k].gone && f[k].status != 200)
                fail_msg("%s: status %u", c->label, f[k].status);
            front_fini(&f[k]);
        }
        forget_connections();
        gateway_down();
    }
}

static unsigned marks(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < KD_CACHE_MARKS; i++)
        n += any_cache()->alone[i] != 0;
    return n;
}

/* What could not serve others is not waited for again, until an answer can. */
static void test_alone(void **state)
{
    static const scripted says[] = {SAYS(OK JSON "{\"a\":1}"), SAYS(OK FOREVER JSON "{\"a\":1}")};
    test_front f[CROWD];
    gateway_up(config);
    for (int round = 0; round < 2; round++) {
        forget(&one, &says[round], 1);
        assert_int_equal(marks(), round);
        for (unsigned k = 0; k < CROWD; k++)
            begin(&f[k], "/json/1", "");
        assert_int_equal(kd_lanes_waiting(any_cache()->lanes), round ? 0 : CROWD - 1);
        turn_all(f, CROWD, "alone");
        for (unsigned k = 0; k < CROWD; k++)
            front_fini(&f[k]);
        forget_connections();
    }
    assert_int_equal(marks(), 0);
    gateway_down();
}

/* ---- every end -------------------------------------------------------------------------------------------------- */

/* Ways a request can go: what is stored before it, and what the backend says. */
static const struct {
    const char *label, *path;
    scripted before, says;
} ways[] = {
    {"miss", "/raw/", {.bytes = NULL}, SAYS(OK FOREVER JSON "{\"a\":1}")},
    {"miss of a document", "/json/", {.bytes = NULL}, SAYS(OK FOREVER JSON "{\"a\":1}")},
    {"long miss", "/raw/", {.bytes = NULL}, {.bytes = OK FOREVER JSON "{\"a\":1}", .step = 20}},
    {"hit", "/raw/", SAYS(OK FOREVER "Vary: X-Id\r\n" JSON "{\"a\":1}"), {.bytes = NULL}},
    {"hit of a document", "/json/", SAYS(OK FOREVER JSON "{\"a\":1}"), {.bytes = NULL}},
    {"hit with gzip",
     "/raw/",
     {BYTES(OK FOREVER "Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" GZIPPED)},
     {.bytes = NULL}},
    {"304", "/raw/", SAYS(OK DATED "Etag: x\r\n" JSON "{\"a\":1}"), SAYS("HTTP/1.1 304 N\r\nX-A: b\r\n\r\n")},
    {"304 of a document", "/json/", SAYS(OK "Etag: x\r\n" JSON "{\"a\":1}"), SAYS("HTTP/1.1 304 N\r\n\r\n")},
    {"replaced", "/raw/", SAYS(OK "Etag: x\r\n" JSON "{\"a\":1}"), SAYS(OK "Etag: y\r\n" JSON "{\"a\":2}")},
    {"stands in", "/raw/", SAYS(OK "Cache-Control: stale-if-error\r\n" JSON "{\"a\":1}"),
     SAYS("HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nx")},
    {"gzip",
     "/raw/",
     {.bytes = NULL},
     {BYTES(OK FOREVER "Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" GZIPPED)}},
    {"redirect", "/raw/", SAYS("HTTP/1.1 302 F\r\n" FOREVER "Location: /there\r\nContent-Length: 0\r\n\r\n"),
     SAYS(OK FOREVER JSON "{\"a\":1}")},
};

static unsigned serial; /* every run has a URL of its own */

/* Two requests of the same: the second may wait for the first. */
static void start_pair(size_t way, test_front f[2], bool slow)
{
    char path[40];
    serial++;
    snprintf(path, sizeof path, "%s%u", ways[way].path, serial);
    if (ways[way].before.bytes) {
        forget(&one, &ways[way].before, 1);
        begin(&f[0], path, "");
        f[0].gone_at = 0;
        if (kd_str_search(kd_str_from_c(ways[way].before.bytes), KD_STR("Location")) >= 0) {
            /* Its second hop is left unanswered, and nothing of it is stored. */
            while (one.requests < 1)
                pump_all(&f[0]);
        }
        run_out("before", &f[0]);
        front_fini(&f[0]);
        forget_connections();
    }
    forget(&one, &ways[way].says, 1);
    for (int i = 0; i < 2; i++) {
        begin(&f[i], path, "");
        f[i].slow = slow;
    }
}

static void end_pair(const char *label, test_front f[2])
{
    turn_all(f, 2, label);
    for (int i = 0; i < 2; i++) {
        if (!f[i].gone && !f[i].aborted && !(f[i].responds == 1 && f[i].ended))
            fail_msg("%s: neither answered nor cut", label);
        f[0].of_head.taken = i ? f[0].of_head.taken + f[1].of_head.taken : f[0].of_head.taken;
    }
    assert_let_go(label, &f[0]);
    assert_int_equal(kd_lanes_waiting(any_cache()->lanes), 0);
    f[0].of_head.taken -= f[1].of_head.taken;
    for (int i = 0; i < 2; i++)
        front_fini(&f[i]);
    forget_connections();
}

static void test_ends(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    gateway_up(config);
    for (size_t way = 0; way < KD_COUNT(ways); way++)
        for (int slow = 0; slow < 2; slow++) {
            char label[100];
            test_front f[2];
            for (unsigned who = 0; who < 2; who++)
                for (unsigned turn = 0, over = 0; !over && turn < 30; turn++) {
                    snprintf(label, sizeof label, "%s: client %u leaves before turn %u", ways[way].label, who, turn);
                    start_pair(way, f, slow);
                    for (unsigned k = 0; k < turn && !f[who].releases; k++) {
                        pump_all(&f[0]);
                        pump_all(&f[1]);
                    }
                    over = f[who].releases;
                    if (!over)
                        leave_client(&f[who]);
                    end_pair(label, f);
                }
            for (long n = 1; n < 6; n++) {
                snprintf(label, sizeof label, "%s: wait %ld is cancelled", ways[way].label, n);
                start_pair(way, f, slow);
                kd_branch_cancel_at(n);
                end_pair(label, f);
                kd_branch_cancel_at(0);
            }
        }
    gateway_down();
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
}

/* Memory of the exchange runs out at each allocation: `room` bytes, and no more. Returns what was used. */
static size_t starve(size_t way, const char *label, size_t room, size_t given, bool more)
{
    test_front f;
    char request[100];
    serial++;
    if (ways[way].before.bytes) {
        snprintf(request, sizeof request, "%s%u", ways[way].path, serial);
        forget(&one, &ways[way].before, 1);
        begin(&f, request, "");
        run_out("before", &f);
        front_fini(&f);
        forget_connections();
    }
    forget(&one, &ways[way].says, 1);
    snprintf(request, sizeof request, "GET %s%u HTTP/1.1\r\nHost: a\r\n\r\n", ways[way].path, serial);
    front_init(&f, request, NULL);
    char *all = kd_arena_alloc(&f.arena, given);
    f.arena.at = all;
    f.arena.end = all + room;
    if (!more)
        kd_arena_fail_after(1);
    kd_exchange_handler.on_request(&gateway, &f.front);
    size_t used = 0;
    unsigned idle = 0;
    while (!f.releases) {
        if (f.arena.at >= all && f.arena.at <= all + given)
            used = (size_t)(f.arena.at - all);
        idle = pump_all(&f) ? 0 : idle + 1;
        if (idle == QUIET_TURNS_MAX)
            fail_msg("%s: the exchange does not end", label);
        if (idle > 3)
            kd_loop_turn(&worker->loop, 1);
    }
    kd_arena_fail_after(0);
    run_out(label, &f);
    assert_let_go(label, &f);
    if (!f.aborted && !(f.responds == 1 && f.ended))
        fail_msg("%s: neither answered nor cut", label);
    if (f.ended && f.status == 200 && kd_str_search(kd_buf_str(&f.body), KD_STR("{\"a\":")) != 0 &&
        kd_str_search(kd_buf_str(&f.body), KD_STR("hello, hello, hello, hello")) != 0)
        fail_msg("%s: %.*s", label, KD_FMT(kd_buf_str(&f.body)));
    front_fini(&f);
    forget_connections();
    return used;
}

static void test_starved(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    gateway_up(config);
    for (size_t way = 0; way < KD_COUNT(ways); way++) {
        const size_t given = 100000;
        size_t used = starve(way, ways[way].label, given, given, true);
        for (size_t room = 0; room <= used + 16; room += 16) {
            char label[100];
            snprintf(label, sizeof label, "%s: %zu bytes of %zu", ways[way].label, room, used);
            starve(way, label, room, given, false);
        }
    }
    gateway_down();
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
}

/* The caches have no memory: everything is answered all the same. */
static void test_no_memory(void **state)
{
    static const scripted says[] = {SAYS(OK FOREVER JSON "{\"a\":1}")};
    gateway_up(config);
    kd_ledger_set_ceiling(kd_ledger_total() + (8u << 20));
    assert_true(kd_ledger_reserve(KD_ACCOUNT_CACHES, 4u << 20)); /* somebody else's */
    for (int round = 0; round < 4; round++) {
        test_front f;
        forget(&one, says, 1);
        begin(&f, round & 1 ? "/raw/x" : "/json/x", "");
        run_out("no memory", &f);
        assert_let_go("no memory", &f);
        assert_int_equal(f.status, 200);
        assert_int_equal(one.requests, 1);
        front_fini(&f);
        forget_connections();
    }
    kd_ledger_release(KD_ACCOUNT_CACHES, 4u << 20);
    kd_ledger_set_ceiling(0);
    gateway_down();
}

/* ---- the block -------------------------------------------------------------------------------------------------- */

static kd_generation *compile(const char *endpoints, kd_errors *errors, kd_arena *work)
{
    kd_arena arena;
    kd_loaded loaded;
    kd_load_options options = {.path = "krakend.json"};
    kd_str text =
        kd_arena_printf(work, "{\"version\":3,\"host\":[\"http://127.0.0.1:8080\"],\"endpoints\":[%s]}", endpoints);
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(errors, work, 20);
    kd_config_load_bytes(&arena, work, &options, text, KD_SEVERITY_NOTE, errors, &loaded);
    if (!loaded.service)
        fail_msg("%s: %.*s", endpoints, KD_FMT(errors->first->message));
    kd_generation *g = kd_generation_create(&arena, loaded.service, 1, errors);
    assert_non_null(g);
    return g;
}

/* Which backends have the same cache: KrakenD has a store of each backend's, one that is shared, and one that is shared
 * and limited, whose limits are the first one's. */
static void test_sharing(void **state)
{
    static const struct {
        const char *one, *two;
        unsigned caches;
    } cases[] = {
        {"{}", "{}", 2},
        {"{\"shared\":true}", "{\"shared\":true}", 1},
        {"{\"shared\":true}", "{\"shared\":true,\"max_size\":1000}", 1},
        {"{\"shared\":true}", "{\"shared\":true,\"max_size\":1000,\"max_items\":3}", 2},
        {"{\"shared\":true,\"max_size\":1000,\"max_items\":3}", "{\"shared\":true,\"max_size\":5,\"max_items\":9}", 1},
        {"{\"SHARED\":true}", "{\"shared\":true}", 1},
        {"{\"shared\":true}", "{\"shared\":true,\"max_items\":1.5}", 2},
        {"{\"shared\":true}", "{\"shared\":\"true\"}", 2},
        {"{\"shared\":true}", "true", 2},
        {"null", "[]", 2},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena work;
        kd_errors errors;
        kd_arena_init(&work, NULL, 0);
        kd_str text = kd_arena_printf(
            &work,
            "{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/a\",\"extra_config\":{\"qos/http-cache\":%s}}]},"
            "{\"endpoint\":\"/b\",\"backend\":[{\"url_pattern\":\"/b\",\"extra_config\":{\"qos/http-cache\":%s}}]}",
            cases[i].one, cases[i].two);
        kd_generation *g = compile(text.p, &errors, &work);
        if (kd_registry_count() != cases[i].caches)
            fail_msg("%s and %s: %u caches", cases[i].one, cases[i].two, kd_registry_count());
        kd_generation *again = compile(text.p, &errors, &work);
        assert_int_equal(kd_registry_count(), cases[i].caches);
        kd_generation_destroy(g);
        kd_generation_destroy(again);
        kd_arena_reset(&work);
    }
    assert_int_equal(kd_registry_count(), 0);
}

static void test_findings(void **state)
{
    static const struct {
        const char *endpoint, *block, *says;
    } cases[] = {
        {"", "{}", NULL},
        {"", "{\"max_size\":1000,\"max_items\":10}", NULL},
        {"", "{\"max_items\":10}", "have an effect only together"},
        {"", "\"yes\"", "the backend has a cache of its own without limits"},
        {"", "{\"shared\":1}", "the backend has a cache of its own without limits"},
        {"", "{\"maxsize\":1}", "unknown key \"maxsize\""},
        {"\"input_headers\":[\"authorization\"],", "{}", "answers are kept for all users"},
        {"\"input_headers\":[\"*\"],", "{}", "answers are kept for all users"},
        {"\"input_headers\":[\"Accept\"],", "{}", NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena work;
        kd_errors errors;
        kd_arena_init(&work, NULL, 0);
        kd_str text = kd_arena_printf(&work,
                                      "{\"endpoint\":\"/a\",%s\"backend\":[{\"url_pattern\":\"/a\",\"extra_config\":{"
                                      "\"qos/http-cache\":%s}}]}",
                                      cases[i].endpoint, cases[i].block);
        kd_generation *g = compile(text.p, &errors, &work);
        bool found = !cases[i].says && !errors.count;
        for (const kd_error *e = errors.first; e && cases[i].says; e = e->next)
            found |= e->at && kd_str_search(e->message, kd_str_from_c(cases[i].says)) >= 0;
        if (!found)
            fail_msg("%s: %u findings", text.p, errors.count);
        kd_generation_destroy(g);
        kd_arena_reset(&work);
    }
}

int main(void)
{
    static const kd_module *const modules[] = {&kd_module_qos_http_cache, NULL};
    kd_modules_register(modules);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),   cmocka_unit_test(test_redirects), cmocka_unit_test(test_crowds),
        cmocka_unit_test(test_alone),   cmocka_unit_test(test_ends),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_starved), cmocka_unit_test(test_sharing),   cmocka_unit_test(test_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
