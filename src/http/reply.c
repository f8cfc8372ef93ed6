#include "http/reply.h"

#include "text/go/header.h"
#include "text/go/sniff.h"

static const struct {
    uint16_t status;
    kd_str text;
} texts[] = {
    {100, KD_STR_INIT("Continue")},
    {101, KD_STR_INIT("Switching Protocols")},
    {102, KD_STR_INIT("Processing")},
    {103, KD_STR_INIT("Early Hints")},
    {200, KD_STR_INIT("OK")},
    {201, KD_STR_INIT("Created")},
    {202, KD_STR_INIT("Accepted")},
    {203, KD_STR_INIT("Non-Authoritative Information")},
    {204, KD_STR_INIT("No Content")},
    {205, KD_STR_INIT("Reset Content")},
    {206, KD_STR_INIT("Partial Content")},
    {207, KD_STR_INIT("Multi-Status")},
    {208, KD_STR_INIT("Already Reported")},
    {226, KD_STR_INIT("IM Used")},
    {300, KD_STR_INIT("Multiple Choices")},
    {301, KD_STR_INIT("Moved Permanently")},
    {302, KD_STR_INIT("Found")},
    {303, KD_STR_INIT("See Other")},
    {304, KD_STR_INIT("Not Modified")},
    {305, KD_STR_INIT("Use Proxy")},
    {307, KD_STR_INIT("Temporary Redirect")},
    {308, KD_STR_INIT("Permanent Redirect")},
    {400, KD_STR_INIT("Bad Request")},
    {401, KD_STR_INIT("Unauthorized")},
    {402, KD_STR_INIT("Payment Required")},
    {403, KD_STR_INIT("Forbidden")},
    {404, KD_STR_INIT("Not Found")},
    {405, KD_STR_INIT("Method Not Allowed")},
    {406, KD_STR_INIT("Not Acceptable")},
    {407, KD_STR_INIT("Proxy Authentication Required")},
    {408, KD_STR_INIT("Request Timeout")},
    {409, KD_STR_INIT("Conflict")},
    {410, KD_STR_INIT("Gone")},
    {411, KD_STR_INIT("Length Required")},
    {412, KD_STR_INIT("Precondition Failed")},
    {413, KD_STR_INIT("Request Entity Too Large")},
    {414, KD_STR_INIT("Request URI Too Long")},
    {415, KD_STR_INIT("Unsupported Media Type")},
    {416, KD_STR_INIT("Requested Range Not Satisfiable")},
    {417, KD_STR_INIT("Expectation Failed")},
    {418, KD_STR_INIT("I'm a teapot")},
    {421, KD_STR_INIT("Misdirected Request")},
    {422, KD_STR_INIT("Unprocessable Entity")},
    {423, KD_STR_INIT("Locked")},
    {424, KD_STR_INIT("Failed Dependency")},
    {425, KD_STR_INIT("Too Early")},
    {426, KD_STR_INIT("Upgrade Required")},
    {428, KD_STR_INIT("Precondition Required")},
    {429, KD_STR_INIT("Too Many Requests")},
    {431, KD_STR_INIT("Request Header Fields Too Large")},
    {451, KD_STR_INIT("Unavailable For Legal Reasons")},
    {500, KD_STR_INIT("Internal Server Error")},
    {501, KD_STR_INIT("Not Implemented")},
    {502, KD_STR_INIT("Bad Gateway")},
    {503, KD_STR_INIT("Service Unavailable")},
    {504, KD_STR_INIT("Gateway Timeout")},
    {505, KD_STR_INIT("HTTP Version Not Supported")},
    {506, KD_STR_INIT("Variant Also Negotiates")},
    {507, KD_STR_INIT("Insufficient Storage")},
    {508, KD_STR_INIT("Loop Detected")},
    {510, KD_STR_INIT("Not Extended")},
    {511, KD_STR_INIT("Network Authentication Required")},
};

kd_str kd_status_text(unsigned status)
{
    if (KD_LIKELY(status == 200))
        return KD_STR("OK");
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return KD_STR("");
}

/* What the fields of an answer tell while they are written. */
typedef struct facts {
    bool typed, dated, connection;
} facts;

static char *put(char *to, kd_str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

static char *put_field(char *to, kd_str name, kd_str value)
{
    to = put(to, name);
    *to++ = ':';
    *to++ = ' ';
    to = put(to, value);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static char *put_header(char *to, const kd_header *h)
{
    if (KD_UNLIKELY(!kd_header_is_line(h)))
        return put_field(to, kd_header_name(h), kd_header_value(h));
    size_t n = h->name_n + 2u + h->value_n;
    memcpy(to, h->name, n);
    to[n] = '\r';
    to[n + 1] = '\n';
    return to + n + 2;
}

/* At most 48 bytes. */
static char *put_status_line(char *to, unsigned status)
{
    if (KD_LIKELY(status == 200))
        return put(to, KD_STR("HTTP/1.1 200 OK\r\n"));
    to = put(to, KD_STR("HTTP/1.1 "));
    char digits[3] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    to = put(to, (kd_str){digits, 3});
    *to++ = ' ';
    kd_str text = kd_status_text(status);
    if (text.n) {
        to = put(to, text);
    } else {
        to = put(to, KD_STR("status code "));
        to += kd_u64_write(to, status);
    }
    return put(to, KD_STR("\r\n"));
}

/* Does the field go out? Notes what it tells. Fields that a scanner has not seen are checked here. */
static bool goes_out(const kd_header *h, const kd_reply *reply, const kd_reply_context *context, facts *f,
                     unsigned *refused)
{
    if (KD_LIKELY(h->token == KD_HEADER_OTHER && h->flags & KD_HEADER_CHECKED))
        return true;
    if (KD_UNLIKELY(!(h->flags & KD_HEADER_CHECKED)) &&
        (!kd_go_header_valid_value(kd_header_value(h)) ||
         (h->token == KD_HEADER_OTHER && !kd_go_header_valid_name(kd_header_name(h))))) {
        ++*refused;
        return false;
    }
    switch (h->token) {
    case KD_HEADER_CONTENT_TYPE:
        f->typed = true;
        return reply->status != 304;
    case KD_HEADER_CONTENT_ENCODING:
        f->typed = true;
        return true;
    case KD_HEADER_DATE:
        f->dated = true;
        return true;
    case KD_HEADER_CONNECTION:
        f->connection |= context->keep_alive;
        return context->keep_alive;
    case KD_HEADER_CONTENT_LENGTH:
    case KD_HEADER_TRANSFER_ENCODING:
        return false;
    default:
        return true;
    }
}

static kd_reply_framing decide(const kd_reply *reply, kd_reply_context *context, int64_t *length)
{
    *length = reply->length;
    if (!kd_status_has_body(reply->status)) {
        *length = -1;
        return KD_REPLY_NO_BODY;
    }
    if (context->complete && *length < 0 && (context->method != KD_METHOD_HEAD || context->first.n))
        *length = (int64_t)context->first.n;
    if (context->method == KD_METHOD_HEAD)
        return KD_REPLY_NO_BODY;
    if (*length >= 0)
        return KD_REPLY_LENGTH;
    if (context->minor >= 1)
        return KD_REPLY_CHUNKED;
    context->keep_alive = false;
    return KD_REPLY_CLOSE;
}

/* Room for everything but the fields themselves: status line, Date, Content-Length, a sniffed type, Connection, coding.
 */
#define REST_MAX 320u

kd_reply_framing kd_reply_write(kd_buf *out, kd_reply *reply, kd_reply_context *context, unsigned *refused)
{
    int64_t length;
    kd_reply_framing framing = decide(reply, context, &length);
    facts f = {.typed = !kd_status_has_body(reply->status) || context->first.n == 0};
    size_t room = REST_MAX;
    for (uint32_t i = 0; i < reply->headers.n; i++)
        room += reply->headers.v[i].name_n + reply->headers.v[i].value_n + 4u;
    char *start = kd_buf_room(out, room), *to = start;
    if (!start)
        return framing;
    to = put_status_line(to, reply->status);
    kd_header_order none = {0};
    const uint8_t *places = kd_headers_order(&reply->headers, context->order ? context->order : &none);
    for (uint32_t i = 0; i < reply->headers.n; i++) {
        const kd_header *h = &reply->headers.v[places ? places[i] : i];
        if (goes_out(h, reply, context, &f, refused))
            to = put_header(to, h);
    }
    if (!f.dated)
        to = put_field(to, KD_STR("Date"), context->date);
    if (length >= 0) {
        char digits[20];
        to = put_field(to, KD_STR("Content-Length"), (kd_str){digits, kd_u64_write(digits, (uint64_t)length)});
    }
    if (!f.typed)
        to = put_field(to, KD_STR("Content-Type"), kd_go_sniff(context->first));
    if (!context->keep_alive)
        to = put(to, KD_STR("Connection: close\r\n"));
    else if (context->minor == 0 && !f.connection)
        to = put(to, KD_STR("Connection: keep-alive\r\n"));
    if (framing == KD_REPLY_CHUNKED)
        to = put(to, KD_STR("Transfer-Encoding: chunked\r\n"));
    to = put(to, KD_STR("\r\n"));
    out->n += (size_t)(to - start);
    return framing;
}
