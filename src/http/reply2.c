#include "http/reply2.h"

#include "text/go/header.h"
#include "text/go/sniff.h"

#define OWN_FIELDS 4u /* :status, content-type, content-length, date */
#define OWN_BYTES  (3u + 20u)

/* What the fields tell while they are laid out, and where they go. */
typedef struct writer {
    nghttp2_nv *v;
    size_t n;
    char *text;
    bool typed, dated;
} writer;

static void put(writer *w, kd_str name, kd_str value)
{
    w->v[w->n++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                                .value = (uint8_t *)(uintptr_t)value.p,
                                .namelen = name.n,
                                .valuelen = value.n,
                                .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/* A field of the reply, copied: its memory may be gone before the frame is made. */
static void put_copy(writer *w, const kd_header *h)
{
    char *name = w->text, *value = name + h->name_n;
    for (unsigned i = 0; i < h->name_n; i++)
        name[i] = (char)kd_lower((uint8_t)h->name[i]);
    if (h->value_n)
        memcpy(value, h->value, h->value_n);
    w->text = value + h->value_n;
    put(w, (kd_str){name, h->name_n}, (kd_str){value, h->value_n});
}

/* Does the field go out? Notes what it tells. */
static bool goes_out(const kd_header *h, writer *w, unsigned *refused)
{
    kd_str value = kd_header_value(h);
    if (!(h->flags & KD_HEADER_CHECKED) &&
        (!kd_go_header_valid_value(value) ||
         (h->token == KD_HEADER_OTHER && !kd_go_header_valid_name(kd_header_name(h))))) {
        ++*refused;
        return false;
    }
    switch (h->token) {
    case KD_HEADER_CONTENT_TYPE:
        w->typed = true;
        return true;
    case KD_HEADER_CONTENT_ENCODING:
        w->typed |= value.n > 0;
        return true;
    case KD_HEADER_DATE:
        w->dated = true;
        return true;
    case KD_HEADER_CONNECTION:
    case KD_HEADER_KEEP_ALIVE:
    case KD_HEADER_TRANSFER_ENCODING:
    case KD_HEADER_UPGRADE:
    case KD_HEADER_CONTENT_LENGTH:
        return false;
    case KD_HEADER_TE:
        return kd_str_eq(value, KD_STR("trailers"));
    case KD_HEADER_OTHER:
        return !kd_str_eq_ci(kd_header_name(h), KD_STR("Proxy-Connection"));
    default:
        return true;
    }
}

static int64_t length_of(const kd_reply *reply, const kd_reply_context *context)
{
    if (!kd_status_has_body(reply->status))
        return -1;
    if (reply->length < 0 && context->complete && (context->method != KD_METHOD_HEAD || context->first.n))
        return (int64_t)context->first.n;
    return reply->length;
}

bool kd_reply2_write(kd_reply2 *out, kd_arena *arena, kd_reply *reply, const kd_reply_context *context,
                     unsigned *refused)
{
    size_t room = OWN_BYTES + context->date.n, n = reply->headers.n;
    for (size_t i = 0; i < n; i++)
        room += (size_t)reply->headers.v[i].name_n + reply->headers.v[i].value_n;
    writer w = {.v = kd_arena_alloc(arena, (n + OWN_FIELDS) * sizeof *w.v), .text = kd_arena_alloc(arena, room)};
    if (!w.v || !w.text)
        return false;
    unsigned status = reply->status;
    char *digits = w.text;
    w.text += 3;
    for (int i = 2; i >= 0; i--, status /= 10)
        digits[i] = (char)('0' + status % 10);
    put(&w, KD_STR(":status"), (kd_str){digits, 3});
    kd_headers_sort(&reply->headers);
    for (size_t i = 0; i < n; i++)
        if (goes_out(&reply->headers.v[i], &w, refused))
            put_copy(&w, &reply->headers.v[i]);
    if (!w.typed && kd_status_has_body(reply->status) && context->first.n)
        put(&w, KD_STR("content-type"), kd_go_sniff(context->first));
    int64_t length = length_of(reply, context);
    if (length >= 0) {
        size_t count = kd_u64_write(w.text, (uint64_t)length);
        put(&w, KD_STR("content-length"), (kd_str){w.text, count});
        w.text += count;
    }
    if (!w.dated) {
        memcpy(w.text, context->date.p, context->date.n);
        put(&w, KD_STR("date"), (kd_str){w.text, context->date.n});
    }
    bool no_body = context->method == KD_METHOD_HEAD || !kd_status_has_body(reply->status);
    *out = (kd_reply2){.v = w.v, .n = w.n, .length = length, .no_body = no_body};
    return true;
}
