#include "gateway/test_rig.h"

#define TWO      "'backend':[{'url_pattern':'/a'},{'url_pattern':'/b'}]"
#define SEQUENCE "'extra_config':{'proxy':{'sequential':true}},"

static void test_merge(void **state)
{
    (void)state;
    static const struct {
        const char *first, *a, *second,
            *b; /* calls in order of arrival; an answer that is no object is an error's text */
        unsigned status;
        const char *completed, *body;
    } rows[] = {
        {"GET /a", "{\"x\":1}", "GET /b", "{\"y\":2}", 200, "true", "{\"x\":1,\"y\":2}"},
        {"GET /a", "{\"x\":{\"p\":1}}", "GET /b", "{\"x\":{\"q\":2}}", 200, "true", "{\"x\":{\"q\":2}}"},
        {"GET /b", "{\"x\":{\"q\":2}}", "GET /a", "{\"x\":{\"p\":1}}", 200, "true", "{\"x\":{\"p\":1}}"},
        {"GET /a", "{}", "GET /b", "{}", 200, "false", "{}"},
        {"GET /a", "{}", "GET /b", "{\"y\":2}", 200, "true", "{\"y\":2}"},
        {"GET /a", "null", "GET /b", "{\"y\":2}", 200, "false", "{\"y\":2}"},
        {"GET /a", "{\"y\":2}", "GET /b", "null", 200, "false", "{\"y\":2}"},
        {"GET /a", "null", "GET /b", "null", 200, "false", "{}"},
        {"GET /a", "null", "GET /b", "no", 200, "false", "null"},
        {"GET /a", "{\"x\":1}", "GET /b", "no", 200, "false", "{\"x\":1}"},
        {"GET /b", "no", "GET /a", "{\"x\":1}", 200, "false", "{\"x\":1}"},
        {"GET /b", "no", "GET /a", "nor I", 500, "false", "no\nnor I"},
    };
    rig r;
    rig_start(&r, "{'endpoint':'/m'," TWO "}");
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        rig_request(&r, "GET", "/m", false);
        assert_int_equal(rig_open(), 2);
        const char *calls[] = {rows[i].first, rows[i].second}, *answers[] = {rows[i].a, rows[i].b};
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(r.status, 0);
            if (answers[k][0] == '{' || strcmp(answers[k], "null") == 0)
                rig_answer(calls[k], answers[k]);
            else
                rig_fail(calls[k], answers[k]);
        }
        rig_expect(&r, rows[i].status, rows[i].completed, rows[i].body);
    }
    rig_end(&r);
}

/* Many members: the union is exact whatever way it is made. */
static void test_merge_large(void **state)
{
    (void)state;
    rig r;
    char a[4096] = "{", b[4096] = "{", want[4096] = "{";
    for (unsigned i = 100; i < 200; i++) {
        sprintf(a + strlen(a), "%s\"k%u\":0", i > 100 ? "," : "", i);
        if (i >= 150)
            sprintf(b + strlen(b), "%s\"k%u\":1", i > 150 ? "," : "", i);
        sprintf(want + strlen(want), "%s\"k%u\":%u", i > 100 ? "," : "", i, i >= 150);
    }
    strcat(a, "}"), strcat(b, "}"), strcat(want, "}");
    rig_start(&r, "{'endpoint':'/m'," TWO "}");
    rig_request(&r, "GET", "/m", false);
    rig_answer("GET /a", a);
    rig_answer("GET /b", b);
    rig_expect(&r, 200, "true", want);
    rig_end(&r);
}

static void test_merge_deadline(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, "{'endpoint':'/m'," TWO "}");
    rig_request(&r, "GET", "/m", false);
    rig_answer("GET /b", "{\"y\":2}");
    rig_pass(&r, 849 * KD_MS);
    assert_int_equal(r.status, 0);
    rig_pass(&r, 3 * KD_MS);
    rig_expect(&r, 200, "false", "{\"y\":2}");
    assert_true(rig_calls[0].cancelled);
    rig_request(&r, "GET", "/m", false);
    rig_pass(&r, 853 * KD_MS);
    rig_expect(&r, 500, "false", "context deadline exceeded\ncontext deadline exceeded");
    rig_end(&r);
}

static void test_client_gone(void **state)
{
    (void)state;
    static const char *const endpoints[] = {
        "{'endpoint':'/m'," TWO "}",
        "{'endpoint':'/m'," SEQUENCE TWO "}",
        "{'endpoint':'/m','concurrent_calls':3,'backend':[{'url_pattern':'/a'}]}",
        "{'endpoint':'/m','concurrent_calls':3," TWO "}",
    };
    for (size_t i = 0; i < KD_COUNT(endpoints); i++) {
        rig r;
        rig_start(&r, endpoints[i]);
        rig_request(&r, "GET", "/m", false);
        assert_true(rig_open() > 0);
        rig_leave(&r);
        assert_int_equal(rig_open(), 0);
        assert_true(r.released);
        assert_int_equal(r.status, 0);
        rig_end(&r);
    }
}

/* Filters and sorting in one branch leave the others' request alone. */
static void test_own_request(void **state)
{
    (void)state;
    rig r;
    rig_start(&r,
              "{'endpoint':'/m/{p}','input_headers':['X-A','User-Agent'],'input_query_strings':['q','r'],'backend':["
              "{'url_pattern':'/a/{p}','input_headers':['X-A'],'input_query_strings':['q']},"
              "{'url_pattern':'/b'},{'url_pattern':'/c','method':'HEAD'}]}");
    r.head.query = KD_STR("");
    rig_request(&r, "GET", "/m/7", false);
    kd_request *a = rig_find("GET /a/7")->branch->request, *b = rig_find("GET /b")->branch->request;
    assert_ptr_not_equal(a->headers.v, b->headers.v);
    assert_int_equal(a->headers.n, 0);
    assert_int_equal(b->headers.n, 3); /* the two of the gateway and its User-Agent */
    assert_ptr_not_equal(a->params, b->params);
    assert_non_null(rig_find("HEAD /c"));
    rig_leave(&r);
    rig_end(&r);
}

static void test_bodies(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, "{'endpoint':'/m','method':'POST'," TWO "},"
                  "{'endpoint':'/s','method':'POST'," SEQUENCE TWO "},"
                  "{'endpoint':'/g','method':'POST'," SEQUENCE
                  "'backend':[{'url_pattern':'/a','method':'GET'},{'url_pattern':'/b','method':'GET'}]}");
    rig_request(&r, "POST", "/m", true);
    assert_int_equal(rig_open(), 0);
    rig_body(&r, "one ", false, false);
    rig_body(&r, "two", true, false);
    assert_false(r.body_wanted);
    rig_answer("POST /b one two", "{\"y\":2}");
    rig_answer("POST /a one two", "{\"x\":1}");
    rig_expect(&r, 200, "true", "{\"x\":1,\"y\":2}");

    rig_request(&r, "POST", "/s", true);
    rig_body(&r, "abc", true, false);
    rig_answer("POST /a abc", "{\"x\":1}");
    rig_answer("POST /b abc", "{\"y\":2}");
    rig_expect(&r, 200, "true", "{\"x\":1,\"y\":2}");

    /* Calls that change nothing: the first reader has it. */
    rig_request(&r, "POST", "/g", true);
    rig_body(&r, "abc", true, false);
    rig_answer("GET /a abc", "{\"x\":1}");
    rig_answer("GET /b", "{\"y\":2}");
    rig_expect(&r, 200, "true", "{\"x\":1,\"y\":2}");

    rig_request(&r, "POST", "/m", true);
    rig_body(&r, "abc", false, false);
    rig_body(&r, "", false, true);
    rig_expect(&r, 500, "false", "invalid byte in chunk length");

    rig_request(&r, "POST", "/m", true);
    rig_body(&r, "abc", false, false);
    rig_pass(&r, 1001 * KD_MS); /* nobody waits for the rest */
    rig_expect(&r, 500, "false", "context deadline exceeded");
    assert_false(r.body_wanted);
    assert_int_equal(rig_open(), 0);
    rig_end(&r);
}

/* Longer than a piece: nothing is lost at the seams. */
static void test_long_body(void **state)
{
    (void)state;
    enum { PIECES = 300, SIZE = 1000 };
    rig r;
    char piece[SIZE + 1];
    rig_start(&r, "{'endpoint':'/m','method':'POST'," TWO "}");
    rig_request(&r, "POST", "/m", true);
    for (unsigned i = 0; i < PIECES; i++) {
        memset(piece, 'a' + (int)(i % 26), SIZE);
        piece[SIZE] = 0;
        rig_body(&r, piece, i + 1 == PIECES, false);
    }
    const kd_body *body = rig_calls[0].branch->request->body;
    assert_int_equal(body->n, PIECES * SIZE);
    assert_ptr_equal(body, rig_calls[1].branch->request->body);
    assert_non_null(body->first->next);
    kd_str text = kd_body_text(body, &r.arena);
    assert_int_equal(text.n, PIECES * SIZE);
    for (size_t i = 0; i < text.n; i++)
        assert_int_equal(text.p[i], 'a' + (int)(i / SIZE % 26));
    rig_leave(&r);
    rig_end(&r);
}

static void test_sequence(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, "{'endpoint':'/q/{id}'," SEQUENCE "'backend':[{'url_pattern':'/a/{id}'},"
                  "{'url_pattern':'/b/{resp0_x}/{resp0_o.k}/{resp0_no.such.k}/{resp1_x}/{resp9_x}'},"
                  "{'url_pattern':'/c/{resp0_l}/{resp1_x}','group':'g'}]},"
                  "{'endpoint':'/p','extra_config':{'proxy':{'sequential':true,'sequential_propagated_params':"
                  "['resp0_x, my Resp0_o.k!','resp1','none']}},'backend':[{'url_pattern':'/a'},{'url_pattern':'/b'}]}");
    rig_request(&r, "GET", "/q/7", false);
    rig_answer("GET /a/7", "{\"x\":1.50,\"k\":\"top\",\"o\":{\"k\":null},\"l\":[\"p\",2,[3]],\"s\":0}");
    rig_answer("GET /b/1.50/<nil>/top/{{.Resp1_x}}/{{.Resp9_x}}", "{\"x\":\"two\"}");
    rig_answer("GET /c/p,2,[3]/two", "{}");
    rig_expect(&r, 200, "true",
               "{\"g\":{},\"k\":\"top\",\"l\":[\"p\",2,[3]],\"o\":{\"k\":null},\"s\":0,\"x\":\"two\"}");

    rig_request(&r, "GET", "/q/7", false);
    rig_fail("GET /a/7", "refused");
    rig_expect(&r, 500, "false", "refused");

    rig_request(&r, "GET", "/q/7", false);
    rig_answer("GET /a/7", "{\"s\":0}");
    rig_fail("GET /b/{{.Resp0_x}}/{{.Resp0_o.k}}/{{.Resp0_no.such.k}}/{{.Resp1_x}}/{{.Resp9_x}}", "refused");
    rig_expect(&r, 200, "false", "{\"s\":0}");

    rig_request(&r, "GET", "/p", false);
    rig_answer("GET /a", "{\"x\":true,\"o\":{\"k\":\"v\"}}");
    kd_request *request = rig_find("GET /b")->branch->request;
    assert_int_equal(request->n_params, 2);
    assert_true(kd_str_eq(request->params[0].name, KD_STR("Resp0_x")));
    assert_true(kd_str_eq(request->params[0].value, KD_STR("true")));
    assert_true(kd_str_eq(request->params[1].name, KD_STR("Resp0_o.k")));
    assert_true(kd_str_eq(request->params[1].value, KD_STR("v")));
    rig_pass(&r, 851 * KD_MS); /* one budget for all */
    rig_expect(&r, 200, "false", "{\"o\":{\"k\":\"v\"},\"x\":true}");
    rig_end(&r);
}

static void test_concurrent(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, "{'endpoint':'/c','concurrent_calls':3,'backend':[{'url_pattern':'/a','extra_config':"
                  "{'backend/http':{'return_error_details':'n'}}}]},"
                  "{'endpoint':'/m','concurrent_calls':2," TWO "}");
    rig_request(&r, "GET", "/c", false);
    assert_int_equal(rig_open(), 3);
    rig_fail("GET /a", "refused");
    rig_answer("GET /a", "{\"x\":1}");
    rig_expect(&r, 200, "true", "{\"x\":1}");
    assert_true(rig_calls[2].cancelled);

    rig_request(&r, "GET", "/c", false);
    rig_fail("GET /a", "first");
    rig_fail("GET /a", "second");
    rig_fail("GET /a", "third");
    rig_expect(&r, 500, "false", "third");

    /* None complete: the last answer and the last failure, together. */
    rig_request(&r, "GET", "/c", false);
    assert_true(rig_try("GET /a", 404, "gone"));
    rig_fail("GET /a", "refused");
    assert_int_equal(r.status, 0);
    rig_pass(&r, 751 * KD_MS);
    rig_expect(&r, 200, "false", "{\"error_n\":{\"http_status_code\":404,\"http_body\":\"gone\"}}");

    rig_request(&r, "GET", "/m", false);
    assert_int_equal(rig_open(), 4);
    rig_answer("GET /a", "{\"x\":1}");
    assert_int_equal(rig_open(), 2);
    rig_answer("GET /b", "{\"y\":2}");
    rig_expect(&r, 200, "true", "{\"x\":1,\"y\":2}");
    rig_end(&r);
}

#define SHADOW "'extra_config':{'proxy':{'shadow':true,'shadow_timeout':'3s'}}"

static void test_shadow(void **state)
{
    (void)state;
    rig r;
    rig_start(
        &r,
        "{'endpoint':'/s/{id}','method':'POST','backend':[{'url_pattern':'/a/{id}'},{'url_pattern':'/x/{id}'," SHADOW
        "}]},"
        "{'endpoint':'/m','backend':[{'url_pattern':'/x'," SHADOW "},{'url_pattern':'/a'},{'url_pattern':'/y'," SHADOW
        "}]},"
        "{'endpoint':'/only','backend':[{'url_pattern':'/x'," SHADOW "}]}");
    rig_request(&r, "POST", "/s/7", true);
    rig_body(&r, "abc", true, false);
    assert_int_equal(rig_open(), 1); /* the shadow never comes first */
    rig_answer("POST /a/7 abc", "{\"x\":1}");
    rig_expect(&r, 200, "true", "{\"x\":1}");
    assert_int_equal(r.gateway.n_detached, 1);
    rig_pass(&r, 2 * KD_MS);
    rig_answer("POST /x/7 abc", "{\"shadow\":1}"); /* what it read lies in memory of its own */
    assert_int_equal(r.gateway.n_detached, 0);
    assert_int_equal(r.gateway.detached_chunks.in_use, 0);

    rig_request(&r, "GET", "/m", false);
    rig_pass(&r, 2 * KD_MS);
    assert_int_equal(rig_open(), 3);
    rig_leave(&r);
    assert_int_equal(rig_open(), 2);
    rig_fail("GET /x", "refused");
    assert_int_equal(r.gateway.n_detached, 1);
    rig_pass(&r, 3 * KD_SECOND); /* 85 % of the endpoint's timeout for its merge */
    assert_int_equal(r.gateway.n_detached, 0);

    rig_request(&r, "GET", "/only", false);
    assert_int_equal(r.status, 500);
    assert_int_equal(rig_open(), 0);
    rig_end(&r);
}

/* Above the bound shadows are dropped; the end of the worker ends those that still run. */
static void test_shadow_bound(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, "{'endpoint':'/s','backend':[{'url_pattern':'/a'},{'url_pattern':'/x'," SHADOW "}]}");
    for (unsigned i = 0; i < KD_DETACHED_MAX + 5; i++) {
        rig_n_calls = 0;
        rig_request(&r, "GET", "/s", false);
        rig_answer("GET /a", "{\"x\":1}");
        rig_expect(&r, 200, "true", "{\"x\":1}");
    }
    assert_int_equal(r.gateway.n_detached, KD_DETACHED_MAX);
    assert_int_equal(r.gateway.dropped_detached, 5);
    rig_n_calls = 0;
    rig_pass(&r, 2 * KD_MS);
    assert_int_equal(rig_open(), KD_DETACHED_MAX);
    rig_end(&r);
    assert_int_equal(rig_open(), 0);
}

static void test_flatmap(void **state)
{
    (void)state;
    rig r;
    rig_start(
        &r,
        "{'endpoint':'/m','extra_config':{'proxy':{'flatmap_filter':[{'type':'move','args':['x','z']}]}}," TWO "},"
        "{'endpoint':'/s','extra_config':{'proxy':{'flatmap_filter':[{'type':'del','args':['x']}]}},"
        "'backend':[{'url_pattern':'/a'}]},"
        "{'endpoint':'/short','backend':[{'url_pattern':'/a','allow':['x'],'extra_config':{'proxy':{'flatmap_filter':["
        "{'type':'move','args':['x',3]}]}}}]}");
    rig_request(&r, "GET", "/m", false);
    rig_answer("GET /a", "{\"x\":1}");
    rig_answer("GET /b", "{\"y\":2}");
    rig_expect(&r, 200, "true", "{\"y\":2,\"z\":1}");
    rig_request(&r, "GET", "/m", false);
    rig_answer("GET /a", "{\"x\":1}");
    rig_fail("GET /b", "refused");
    rig_expect(&r, 200, "false", "{\"x\":1}");
    rig_request(&r, "GET", "/s", false);
    rig_answer("GET /a", "{\"x\":1}");
    rig_expect(&r, 200, "true", "{\"x\":1}");
    rig_request(&r, "GET", "/short", false);
    rig_answer("GET /a", "{\"x\":1}");
    rig_expect(&r, 500, "false", "flatmap_filter: move and append need two arguments");
    rig_end(&r);
}

#define EVERYTHING                                                                                                     \
    "{'endpoint':'/m','method':'POST','concurrent_calls':2,'extra_config':{'proxy':{'static':{'data':{'k':1}},"        \
    "'flatmap_filter':[{'type':'move','args':['x','z']}]}},'backend':[{'url_pattern':'/a'},{'url_pattern':'/b'},"      \
    "{'url_pattern':'/x'," SHADOW "}]},"                                                                               \
    "{'endpoint':'/q','method':'POST'," SEQUENCE "'backend':[{'url_pattern':'/a'},{'url_pattern':'/b/{resp0_x}'}]}"

/* One request of everything with all its answers, as far as it gets. */
static void run_through(rig *r, const char *path)
{
    static const char *const answers[] = {"POST /a abc", "POST /b abc", "POST /b/1 abc", "POST /x abc"};
    rig_request(r, "POST", path, true);
    if (r->body_wanted)
        rig_body(r, "abc", true, false);
    for (unsigned turn = 0; turn < 4; turn++) {
        rig_pass(r, 2 * KD_MS);
        for (size_t i = 0; i < KD_COUNT(answers); i++)
            while (rig_try(answers[i], 200, "{\"x\":1}"))
                ;
    }
    rig_pass(r, 5 * KD_SECOND);
    assert_int_equal(rig_open(), 0);
    assert_true(r->status != 0);
    assert_true(r->released);
    assert_int_equal(r->gateway.n_detached, 0);
}

/* Every wait cancelled once: whatever is cut short, the request gets its answer and nothing is left behind. */
static void test_cancel_everywhere(void **state)
{
    (void)state;
    static const char *const paths[] = {"/m", "/q"};
    for (size_t p = 0; p < KD_COUNT(paths); p++) {
        rig r;
        rig_start(&r, EVERYTHING);
        run_through(&r, paths[p]);
        assert_int_equal(r.status, 200);
        for (long n = 1; n < 12; n++) {
            rig_n_calls = 0;
            kd_branch_cancel_at(n);
            run_through(&r, paths[p]);
            kd_branch_cancel_at(0);
        }
        rig_end(&r);
    }
}

/* A request's memory ends at every point on its way. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char *const paths[] = {"/m", "/q"};
    for (size_t p = 0; p < KD_COUNT(paths); p++) {
        unsigned failed = 0;
        rig r;
        rig_start(&r, EVERYTHING);
        do {
            r.limit += 128;
            rig_n_calls = 0;
            run_through(&r, paths[p]);
            failed += r.status != 200;
        } while (r.status != 200 || strcmp(r.completed, "true") != 0);
        assert_true(failed > 10);
        rig_end(&r);
    }
}

/* The process's memory ends instead: shadows are dropped, requests are refused, nothing is left behind. */
static void test_no_chunks(void **state)
{
    (void)state;
    static const char *const paths[] = {"/m", "/q"};
    for (size_t p = 0; p < KD_COUNT(paths); p++)
        for (long n = 1; n < 6; n++) {
            rig r;
            rig_start(&r, EVERYTHING);
            kd_arena_fail_after(n);
            run_through(&r, paths[p]);
            kd_arena_fail_after(0);
            assert_true(r.status == 503 || (n > 1 && (r.status == 200 || r.status == 500)));
            rig_end(&r);
        }
}

/* The ranges of a plan: what lies where, and that copies have states of their own. */
static void test_layout(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, EVERYTHING ",{'endpoint':'/one','backend':[{'url_pattern':'/a'}]}");
    const kd_plan *plan = r.generation->plans[0], *one = r.generation->plans[2];
    assert_int_equal(one->root.end, one->n_steps);
    assert_int_equal(one->request, KD_BODY_CHUNKS);
    assert_int_equal(plan->request, KD_BODY_WHOLE);
    assert_int_equal(plan->root.begin, 0);
    assert_true(plan->root.end < plan->n_steps);
    unsigned branching = 0;
    for (uint16_t i = 0; i < plan->n_steps; i++) {
        const kd_step *step = &plan->steps[i];
        for (unsigned k = 0; k < step->n_children; k++) {
            const kd_range *child = &step->children[k];
            branching++;
            assert_true(child->begin > i && child->begin < child->end && child->end <= plan->n_steps);
            assert_true(step->type->children == KD_CHILDREN_SHADOWS || child->state_size <= plan->state_size);
        }
    }
    assert_int_equal(branching, 1 + 2 + 3); /* a shadow; two backends; concurrent calls of each of the three */
    kd_buf out;
    kd_buf_init(&out, 1 << 20);
    kd_plan_explain(plan, &out);
    assert_true(kd_str_search(kd_buf_str(&out), KD_STR("backend 2 of 2: POST /b")) > 0);
    assert_true(kd_str_search(kd_buf_str(&out), KD_STR("shadow, beside the rest:")) > 0);
    assert_true(kd_str_search(kd_buf_str(&out), KD_STR("each of these calls:")) > 0);
    kd_buf_fini(&out);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_large),
        cmocka_unit_test(test_merge_deadline),
        cmocka_unit_test(test_client_gone),
        cmocka_unit_test(test_own_request),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_long_body),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_shadow),
        cmocka_unit_test(test_shadow_bound),
        cmocka_unit_test(test_flatmap),
        cmocka_unit_test(test_cancel_everywhere),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_chunks),
        cmocka_unit_test(test_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
