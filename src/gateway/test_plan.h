/* The scenarios that test_plan.c and test_plan_ends.c run: one configuration, many requests. */
#ifndef KD_GATEWAY_TEST_PLAN_H
#define KD_GATEWAY_TEST_PLAN_H

#include "gateway/test_front.h"

/* Endless time-outs: only the endpoint that is about them has a short one. */
static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"debug_endpoint\":true,\"echo_endpoint\":true,"
    "\"extra_config\":{\"router\":{\"return_error_msg\":true,\"disable_access_log\":true}},\"endpoints\":["
    "{\"endpoint\":\"/json\",\"backend\":[{\"url_pattern\":\"/a\"}]},"
    "{\"endpoint\":\"/filter/{id}\",\"input_query_strings\":[\"q\"],\"input_headers\":[\"X-In\"],"
    "\"backend\":[{\"url_pattern\":\"/f/{id}\",\"allow\":[\"a\",\"b.c\"],\"mapping\":{\"a\":\"z\"},\"group\":\"g\"}]},"
    "{\"endpoint\":\"/list\",\"output_encoding\":\"json-collection\","
    "\"backend\":[{\"url_pattern\":\"/l\",\"is_collection\":true}]},"
    "{\"endpoint\":\"/text\",\"output_encoding\":\"string\",\"backend\":[{\"url_pattern\":\"/"
    "t\",\"encoding\":\"string\"}]},"
    "{\"endpoint\":\"/raw\",\"output_encoding\":\"no-op\",\"backend\":[{\"url_pattern\":\"/"
    "r\",\"encoding\":\"no-op\"}]},"
    "{\"endpoint\":\"/raw\",\"method\":\"POST\",\"output_encoding\":\"no-op\",\"input_headers\":[\"Content-Length\"],"
    "\"backend\":[{\"url_pattern\":\"/r\",\"encoding\":\"no-op\"}]},"
    "{\"endpoint\":\"/unread\",\"backend\":[{\"url_pattern\":\"/u\",\"encoding\":\"no-op\"}]},"
    "{\"endpoint\":\"/json\",\"method\":\"POST\",\"backend\":[{\"url_pattern\":\"/a\"}]},"
    "{\"endpoint\":\"/static\",\"extra_config\":{\"proxy\":{\"static\":{\"strategy\":\"errored\",\"data\":{\"s\":1}}}},"
    "\"backend\":[{\"url_pattern\":\"/s\"}]},"
    "{\"endpoint\":\"/code\",\"backend\":[{\"url_pattern\":\"/c\",\"extra_config\":"
    "{\"backend/http\":{\"return_error_code\":true}}}]},"
    "{\"endpoint\":\"/details\",\"backend\":[{\"url_pattern\":\"/d\",\"extra_config\":"
    "{\"backend/http\":{\"return_error_details\":\"b\"}}}]},"
    "{\"endpoint\":\"/short\",\"timeout\":\"3ms\",\"backend\":[{\"url_pattern\":\"/s\"}]},"
    "{\"endpoint\":\"/short-raw\",\"timeout\":\"20ms\",\"output_encoding\":\"no-op\","
    "\"backend\":[{\"url_pattern\":\"/s\",\"encoding\":\"no-op\"}]},"
    "{\"endpoint\":\"/dead\",\"backend\":[{\"url_pattern\":\"/d\",\"host\":[\"@0\"]}]},"
    "{\"endpoint\":\"/merge\",\"backend\":[{\"url_pattern\":\"/m1\"},{\"url_pattern\":\"/m2\",\"host\":[\"@2\"]}]},"
    "{\"endpoint\":\"/merge\",\"method\":\"POST\",\"backend\":[{\"url_pattern\":\"/m1\",\"method\":\"POST\"},"
    "{\"url_pattern\":\"/m2\",\"method\":\"POST\",\"host\":[\"@2\"]}]},"
    "{\"endpoint\":\"/chain\",\"extra_config\":{\"proxy\":{\"sequential\":true}},"
    "\"backend\":[{\"url_pattern\":\"/c1\"},{\"url_pattern\":\"/c2/{resp0_id}\",\"host\":[\"@2\"]}]},"
    "{\"endpoint\":\"/race\",\"concurrent_calls\":3,\"backend\":[{\"url_pattern\":\"/r\"}]},"
    "{\"endpoint\":\"/race-raw\",\"concurrent_calls\":2,\"output_encoding\":\"no-op\","
    "\"backend\":[{\"url_pattern\":\"/r\",\"encoding\":\"no-op\"}]},"
    "{\"endpoint\":\"/shadow\",\"backend\":[{\"url_pattern\":\"/m\"},"
    "{\"url_pattern\":\"/s\",\"host\":[\"@2\"],\"extra_config\":{\"proxy\":{\"shadow\":true}}}]}"
    "]}";

typedef struct scenario {
    const char *label, *request;
    const char *pieces[4]; /* of the request's body */
    scripted one[4], two[2];
    bool broken, slow;
    /* The answer: NULL and 0 are not compared. */
    unsigned status;
    const char *fields, *body;
    const char *asked; /* somewhere in what the first backend got */
    bool cut;
    kd_failure failure;
} scenario;

#define HEAD_OF(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n"
#define GET_(path)            HEAD_OF("GET", path) "\r\n"
#define POST_CHUNKED(path)    HEAD_OF("POST", path) "Transfer-Encoding: chunked\r\n\r\n"
#define POST_LENGTH(path, n)  HEAD_OF("POST", path) "Content-Length: " n "\r\n\r\n"
#define JSON(n)               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " n "\r\n\r\n"
#define CHUNKED               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
#define TYPE_JSON             "Content-Type: application/json; charset=utf-8\n"

/* "hello, hello, hello, hello" */
#define GZIPPED                                                                                                        \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\xc0\xa4\x00\x55\xa3\x82\x77\x1a\x00\x00" \
    "\x00"
#define GZIP_HEAD(type) "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" type "Content-Length: 29\r\n\r\n"
/* A script's bytes that may hold NULs. */
#define BYTES(literal) .bytes = literal, .n = sizeof(literal) - 1

static const scenario scenarios[] = {
    /* Without a backend. */
    {.label = "not found",
     .request = GET_("/nowhere"),
     .status = 404,
     .fields = "X-Krakend-Completed: false\n",
     .body = "404 page not found"},
    {.label = "not allowed",
     .request = HEAD_OF("DELETE", "/raw") "\r\n",
     .status = 405,
     .fields = "Allow: ",
     .body = "405 method not allowed"},
    {.label = "redirect", .request = GET_("/json/"), .status = 301, .fields = "Location: /json\n"},
    {.label = "health", .request = GET_("/__health"), .status = 200, .fields = TYPE_JSON},
    {.label = "debug", .request = GET_("/__debug/x"), .status = 200, .body = "{\"message\":\"pong\"}"},
    {.label = "debug with a body",
     .request = POST_CHUNKED("/__debug/x"),
     .pieces = {"some", "body"},
     .status = 200,
     .body = "{\"message\":\"pong\"}"},
    {.label = "echo",
     .request = GET_("/__echo/x?b=2&a=1"),
     .status = 200,
     .body =
         "{\"req_uri\":\"/__echo/x?b=2\\u0026a=1\",\"req_uri_details\":{\"fragment\":\"\",\"host\":\"a\",\"path\":\"/"
         "__echo/"
         "x\",\"query\":\"a=1\\u0026b=2\",\"user\":\"\"},\"req_method\":\"GET\",\"req_querystring\":{\"a\":[\"1\"],"
         "\"b\":[\"2\"]},\"req_body\":\"\",\"req_headers\":{}}"},
    {.label = "echo with a body",
     .request = POST_CHUNKED("/__echo/x"),
     .pieces = {"some ", "body"},
     .status = 200,
     .body = "{\"req_uri\":\"/__echo/x\",\"req_uri_details\":{\"fragment\":\"\",\"host\":\"a\",\"path\":\"/__echo/"
             "x\",\"query\":\"\",\"user\":\"\"},\"req_method\":\"POST\",\"req_querystring\":{},\"req_body\":\"some "
             "body\",\"req_headers\":{}}"},
    {.label = "echo of a broken body",
     .request = POST_CHUNKED("/__echo/x"),
     .pieces = {"some"},
     .broken = true,
     .status = 200},
    {.label = "an unexpected expectation",
     .request = HEAD_OF("GET", "/json") "Expect: x\r\n\r\n",
     .status = 417,
     .body = ""},
    {.label = "a bad path",
     .request = GET_("/json?%zz"),
     .one = {{.bytes = JSON("2") "{}"}},
     .status = 200,
     .body = "{}"},
    /* Data. */
    {.label = "json",
     .request = GET_("/json"),
     .one = {{.bytes = JSON("13") "{\"b\":2,\"a\":1}"}},
     .status = 200,
     .fields = TYPE_JSON,
     .body = "{\"a\":1,\"b\":2}",
     .asked = "GET /a HTTP/1.1\r\n"},
    {.label = "json in chunks",
     .request = GET_("/json"),
     .one = {{.bytes = CHUNKED "7\r\n{\"b\":2,\r\n6\r\n\"a\":1}\r\n0\r\n\r\n", .first = 80, .step = 3}},
     .status = 200,
     .fields = "X-Krakend-Completed: true\n",
     .body = "{\"a\":1,\"b\":2}"},
    {.label = "json with gzip",
     .request = GET_("/text"),
     .one = {{BYTES(GZIP_HEAD("") GZIPPED), .step = 20}},
     .status = 200,
     .body = "hello, hello, hello, hello",
     .asked = "\r\nAccept-Encoding: gzip\r\n"},
    {.label = "filtered",
     .request = HEAD_OF("GET", "/filter/7?q=1&r=2") "X-In: in\r\nX-Out: out\r\n\r\n",
     .one = {{.bytes = JSON("42") "{\"a\":1,\"b\":{\"c\":[1,2],\"d\":3},\"e\":\"hidden\"}"}},
     .status = 200,
     .body = "{\"g\":{\"b\":{\"c\":[1,2]},\"z\":1}}",
     .asked = "GET /f/7?q=1 HTTP/1.1\r\n"},
    {.label = "a list",
     .request = GET_("/list"),
     .one = {{.bytes = JSON("9") "[1,{\"a\":2"}, {.bytes = ""}},
     .status = 500},
    {.label = "a whole list",
     .request = GET_("/list"),
     .one = {{.bytes = JSON("11") "[1,{\"a\":2}]"}},
     .status = 200,
     .body = "[1,{\"a\":2}]"},
    {.label = "text",
     .request = GET_("/text"),
     .one = {{.bytes = JSON("5") "hello"}},
     .status = 200,
     .fields = "Content-Type: text/plain; charset=utf-8\n",
     .body = "hello"},
    {.label = "not json",
     .request = GET_("/json"),
     .one = {{.bytes = JSON("7") "rubbish"}},
     .status = 500,
     .body = "invalid character 'r' looking for beginning of value",
     .failure = KD_FAIL_BAD_BODY},
    {.label = "json that is cut",
     .request = GET_("/json"),
     .one = {{.bytes = JSON("70") "{\"a\":1", .end = CLOSES}},
     .status = 500,
     .body = "unexpected EOF",
     .failure = KD_FAIL_CLOSED},
    {.label = "a posted body",
     .request = POST_CHUNKED("/json"),
     .pieces = {"some ", "more ", "body"},
     .one = {{.bytes = JSON("2") "{}"}},
     .status = 200,
     .body = "{}"},
    {.label = "a broken body",
     .request = POST_CHUNKED("/raw"),
     .pieces = {"some "},
     .broken = true,
     .one = {{.bytes = NULL}},
     .status = 500,
     .failure = KD_FAIL_BAD_REQUEST},
    /* Statuses. */
    {.label = "a status that is not a success",
     .request = GET_("/json"),
     .one = {{.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"}},
     .status = 500,
     .failure = KD_FAIL_BAD_STATUS},
    {.label = "its code",
     .request = GET_("/code"),
     .one = {{.bytes = "HTTP/1.1 404 Not Found\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\ngone", .step = 30}},
     .status = 404,
     .fields = "Content-Type: text/x\n",
     .body = "gone",
     .failure = KD_FAIL_BAD_STATUS},
    {.label = "its details",
     .request = GET_("/details"),
     .one = {{.bytes = "HTTP/1.1 404 Not Found\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\ngone"}},
     .status = 200,
     .fields = "X-Krakend-Completed: false\n",
     .body = "{\"error_b\":{\"http_status_code\":404,\"http_body\":\"gone\",\"http_body_encoding\":\"text/x\"}}"},
    {.label = "static data for errors",
     .request = GET_("/static"),
     .one = {{.bytes = "HTTP/1.1 500 Internal Server Error\r\n\r\n", .end = CLOSES}},
     .status = 200,
     .body = "{\"s\":1}"},
    {.label = "no static data without one",
     .request = GET_("/static"),
     .one = {{.bytes = JSON("7") "{\"a\":1}"}},
     .status = 200,
     .body = "{\"a\":1}"},
    /* Redirects of the backend. */
    {.label = "followed",
     .request = GET_("/json"),
     .one = {{.bytes = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 4\r\n\r\nhere", .first = 60},
             {.bytes = JSON("7") "{\"a\":1}"}},
     .status = 200,
     .body = "{\"a\":1}",
     .asked = "GET /elsewhere HTTP/1.1\r\n"},
    {.label = "followed with a post",
     .request = POST_CHUNKED("/raw"),
     .pieces = {"some ", "body"},
     .one = {{.bytes = "HTTP/1.1 303 See Other\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"},
             {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}},
     .status = 200,
     .body = "ok",
     .asked = "GET /elsewhere HTTP/1.1\r\n"},
    {.label = "without an end",
     .request = GET_("/json"),
     .one = {{.bytes = "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"}},
     .status = 500,
     .failure = KD_FAIL_REDIRECTS},
    /* Failures. */
    {.label = "refused", .request = GET_("/dead"), .status = 500, .failure = KD_FAIL_REFUSED},
    {.label = "closed",
     .request = GET_("/json"),
     .one = {{.bytes = "", .end = CLOSES}},
     .status = 500,
     .failure = KD_FAIL_CLOSED},
    {.label = "garbage",
     .request = GET_("/json"),
     .one = {{.bytes = "rubbish\r\n\r\n", .end = CLOSES}},
     .status = 500,
     .failure = KD_FAIL_BAD_MESSAGE},
    {.label = "too late",
     .request = GET_("/short"),
     .one = {{.bytes = NULL}},
     .status = 500,
     .failure = KD_FAIL_DEADLINE},
    {.label = "too late with its body",
     .request = GET_("/short-raw"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"}},
     .status = 200,
     .cut = true,
     .failure = KD_FAIL_DEADLINE},
    /* What passes as it is. */
    {.label = "raw",
     .request = GET_("/raw"),
     .one = {{.bytes =
                  "HTTP/1.1 418 I'm a teapot\r\nX-A: b\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\nhello"}},
     .status = 418,
     .fields = "length 5\n",
     .body = "hello"},
    {.label = "raw, piece by piece",
     .request = GET_("/raw"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 10\r\n\r\n0123456789",
              .first = 61,
              .step = 3}},
     .slow = true,
     .status = 200,
     .fields = "length 10\n",
     .body = "0123456789"},
    {.label = "raw in chunks",
     .request = GET_("/raw"),
     .one = {{.bytes = CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}},
     .slow = true,
     .status = 200,
     .fields = "length -1\n",
     .body = "abcde"},
    {.label = "raw until the close",
     .request = GET_("/raw"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\n\r\nhello", .first = 19, .step = 2, .end = CLOSES}},
     .status = 200,
     .fields = "length -1\n",
     .body = "hello"},
    {.label = "raw without a body",
     .request = GET_("/raw"),
     .one = {{.bytes = "HTTP/1.1 204 No Content\r\n\r\n"}},
     .status = 204,
     .body = ""},
    {.label = "raw and HEAD",
     .request = HEAD_OF("HEAD", "/raw") "\r\n",
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}},
     .status = 405},
    {.label = "raw with gzip",
     .request = GET_("/raw"),
     .one = {{BYTES(GZIP_HEAD("Content-Type: text/x\r\n") GZIPPED)}},
     .status = 200,
     .fields = "length -1\n",
     .body = "hello, hello, hello, hello"},
    {.label = "raw with gzip, slowly",
     .request = GET_("/raw"),
     .one = {{BYTES(GZIP_HEAD("Content-Type: text/x\r\n") GZIPPED), .step = 7}},
     .slow = true,
     .status = 200,
     .fields = "length -1\n",
     .body = "hello, hello, hello, hello"},
    {.label = "raw with broken gzip",
     .request = GET_("/raw"),
     .one = {{.bytes =
                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: t\r\nContent-Length: 7\r\n\r\nrubbish"}},
     .cut = true},
    {.label = "raw and cut",
     .request = GET_("/raw"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 50\r\n\r\nhello", .end = CLOSES}},
     .status = 200,
     .body = "hello",
     .cut = true,
     .failure = KD_FAIL_CLOSED},
    {.label = "raw and cut, slowly",
     .request = GET_("/raw"),
     .one = {{.bytes = CHUNKED "3\r\nabc\r\n3\r\nabc\r\n", .step = 4, .end = CLOSES}},
     .slow = true,
     .status = 200,
     .body = "abcabc",
     .cut = true,
     .failure = KD_FAIL_CLOSED},
    {.label = "raw with gzip, cut",
     .request = GET_("/raw"),
     .one = {{BYTES(
                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: t\r\nContent-Length: 90\r\n\r\n" GZIPPED),
              .end = CLOSES}},
     .slow = true,
     .status = 200,
     .cut = true},
    {.label = "raw with bodies both ways",
     .request = POST_LENGTH("/raw", "9"),
     .pieces = {"some ", "body"},
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello", .step = 30}},
     .slow = true,
     .status = 200,
     .body = "hello",
     .asked = "\r\nContent-Length: 9\r\n"},
    {.label = "raw, answered early",
     .request = POST_CHUNKED("/raw"),
     .pieces = {"some ", "body ", "in ", "pieces"},
     .one = {{.bytes = "HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nlarge",
              .early = true,
              .end = CLOSES}},
     .status = 413,
     .body = "large"},
    {.label = "raw, the body breaks while the answer streams",
     .request = POST_CHUNKED("/raw"),
     .pieces = {"some ", "body "},
     .broken = true,
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 50\r\n\r\nhello", .early = true}},
     .cut = true},
    {.label = "a body nobody renders",
     .request = GET_("/unread"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 50\r\n\r\nhello"}},
     .slow = true,
     .status = 200},
    /* Several backends. */
    {.label = "merged",
     .request = GET_("/merge"),
     .one = {{.bytes = JSON("7") "{\"a\":1}"}},
     .two = {{.bytes = JSON("7") "{\"b\":2}", .step = 20}},
     .status = 200,
     .fields = "X-Krakend-Completed: true\n",
     .body = "{\"a\":1,\"b\":2}"},
    {.label = "half merged",
     .request = GET_("/merge"),
     .one = {{.bytes = JSON("7") "{\"a\":1}"}},
     .two = {{.bytes = "", .end = CLOSES}},
     .status = 200,
     .fields = "X-Krakend-Completed: false\n",
     .body = "{\"a\":1}"},
    {.label = "merged with a body",
     .request = POST_CHUNKED("/merge"),
     .pieces = {"some ", "body"},
     .one = {{.bytes = JSON("7") "{\"a\":1}"}},
     .two = {{.bytes = JSON("7") "{\"b\":2}"}},
     .status = 200,
     .body = "{\"a\":1,\"b\":2}"},
    {.label = "one after the other",
     .request = GET_("/chain"),
     .one = {{.bytes = JSON("11") "{\"id\":\"x\"} "}},
     .two = {{.bytes = JSON("7") "{\"b\":2}"}},
     .status = 200,
     .body = "{\"b\":2,\"id\":\"x\"}"},
    {.label = "a race",
     .request = GET_("/race"),
     .one = {{.bytes = NULL}, {.bytes = JSON("7") "{\"a\":1}", .step = 30}, {.bytes = "", .end = CLOSES}},
     .status = 200,
     .body = "{\"a\":1}"},
    {.label = "a raw race",
     .request = GET_("/race-raw"),
     .one = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello", .step = 20}},
     .slow = true,
     .status = 200,
     .body = "hello"},
    {.label = "a shadow",
     .request = GET_("/shadow"),
     .one = {{.bytes = JSON("7") "{\"a\":1}"}},
     .two = {{.bytes = JSON("7") "{\"b\":2}"}},
     .status = 200,
     .body = "{\"a\":1}"},
};

#endif
