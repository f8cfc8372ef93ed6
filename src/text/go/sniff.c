#include "text/go/sniff.h"

#define SNIFF_BYTES 512

/* A pattern matches when (byte & mask) equals it; without a mask every bit counts. */
typedef struct pattern {
    kd_str bytes, mask;
    kd_str type;
} pattern;

#define EXACT(bytes, type)                                                                                             \
    {                                                                                                                  \
        KD_STR_INIT(bytes), {NULL, 0}, KD_STR_INIT(type)                                                               \
    }
#define MASKED(bytes, mask, type)                                                                                      \
    {                                                                                                                  \
        KD_STR_INIT(bytes), KD_STR_INIT(mask), KD_STR_INIT(type)                                                       \
    }
#define ZERO8  "\0\0\0\0\0\0\0\0"
#define ZERO34 ZERO8 ZERO8 ZERO8 ZERO8 "\0\0"

/* WHATWG MIME sniffing, tables of sections 6 and 7, in the order in which they are tried; mp4 stands between. */
static const pattern before_mp4[] = {
    EXACT("%PDF-", "application/pdf"),
    EXACT("%!PS-Adobe-", "application/postscript"),
    MASKED("\xfe\xff\0\0", "\xff\xff\0\0", "text/plain; charset=utf-16be"),
    MASKED("\xff\xfe\0\0", "\xff\xff\0\0", "text/plain; charset=utf-16le"),
    MASKED("\xef\xbb\xbf\0", "\xff\xff\xff\0", "text/plain; charset=utf-8"),
    EXACT("\0\0\1\0", "image/x-icon"),
    EXACT("\0\0\2\0", "image/x-icon"),
    EXACT("BM", "image/bmp"),
    EXACT("GIF87a", "image/gif"),
    EXACT("GIF89a", "image/gif"),
    MASKED("RIFF\0\0\0\0WEBPVP", "\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff", "image/webp"),
    EXACT("\x89PNG\r\n\x1a\n", "image/png"),
    EXACT("\xff\xd8\xff", "image/jpeg"),
    MASKED("FORM\0\0\0\0AIFF", "\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff", "audio/aiff"),
    EXACT("ID3", "audio/mpeg"),
    EXACT("OggS\0", "application/ogg"),
    EXACT("MThd\0\0\0\6", "audio/midi"),
    MASKED("RIFF\0\0\0\0AVI ", "\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff", "video/avi"),
    MASKED("RIFF\0\0\0\0WAVE", "\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff", "audio/wave"),
};
static const pattern after_mp4[] = {
    EXACT("\x1a\x45\xdf\xa3", "video/webm"),
    MASKED(ZERO34 "LP", ZERO34 "\xff\xff", "application/vnd.ms-fontobject"),
    EXACT("\0\1\0\0", "font/ttf"),
    EXACT("OTTO", "font/otf"),
    EXACT("ttcf", "font/collection"),
    EXACT("wOFF", "font/woff"),
    EXACT("wOF2", "font/woff2"),
    EXACT("\x1f\x8b\x08", "application/x-gzip"),
    EXACT("PK\3\4", "application/zip"),
    EXACT("Rar!\x1a\7\0", "application/x-rar-compressed"),
    EXACT("Rar!\x1a\7\1\0", "application/x-rar-compressed"),
    EXACT("\0asm", "application/wasm"),
};
static const kd_str html_tags[] = {
    KD_STR_INIT("<!DOCTYPE HTML"),
    KD_STR_INIT("<HTML"),
    KD_STR_INIT("<HEAD"),
    KD_STR_INIT("<SCRIPT"),
    KD_STR_INIT("<IFRAME"),
    KD_STR_INIT("<H1"),
    KD_STR_INIT("<DIV"),
    KD_STR_INIT("<FONT"),
    KD_STR_INIT("<TABLE"),
    KD_STR_INIT("<A"),
    KD_STR_INIT("<STYLE"),
    KD_STR_INIT("<TITLE"),
    KD_STR_INIT("<B"),
    KD_STR_INIT("<BODY"),
    KD_STR_INIT("<BR"),
    KD_STR_INIT("<P"),
    KD_STR_INIT("<!--"),
};

static const pattern *match(const pattern *patterns, size_t n, kd_str body)
{
    for (size_t i = 0; i < n; i++) {
        const pattern *p = &patterns[i];
        size_t k = 0;
        if (body.n < p->bytes.n)
            continue;
        while (k < p->bytes.n && (p->mask.p ? body.p[k] & p->mask.p[k] : body.p[k]) == p->bytes.p[k])
            k++;
        if (k == p->bytes.n)
            return p;
    }
    return NULL;
}

/* An HTML tag counts only with a space or '>' behind it. */
static bool is_html(kd_str text)
{
    for (size_t i = 0; i < KD_COUNT(html_tags); i++) {
        kd_str tag = html_tags[i];
        if (text.n > tag.n && kd_str_eq_ci(kd_str_head(text, tag.n), tag) &&
            (text.p[tag.n] == ' ' || text.p[tag.n] == '>'))
            return true;
    }
    return false;
}

/* Section 6.2.1: a box "ftyp" one of whose brands begins with "mp4". */
static bool is_mp4(kd_str body)
{
    if (body.n < 12 || memcmp(body.p + 4, "ftyp", 4) != 0)
        return false;
    const uint8_t *b = (const uint8_t *)body.p;
    uint32_t box = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    if (body.n < box || box % 4)
        return false;
    for (size_t at = 8; at < box; at += 4)
        if (at != 12 && memcmp(body.p + at, "mp4", 3) == 0)
            return true;
    return false;
}

static bool is_binary(kd_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c <= 0x08 || c == 0x0b || (c >= 0x0e && c <= 0x1a) || (c >= 0x1c && c <= 0x1f))
            return true;
    }
    return false;
}

kd_str kd_go_sniff(kd_str body)
{
    body = kd_str_head(body, SNIFF_BYTES);
    size_t blank = 0;
    while (blank < body.n && strchr("\t\n\f\r ", body.p[blank]) && body.p[blank])
        blank++;
    kd_str text = kd_str_from(body, blank);
    if (is_html(text))
        return KD_STR("text/html; charset=utf-8");
    if (kd_str_starts(text, KD_STR("<?xml")))
        return KD_STR("text/xml; charset=utf-8");
    const pattern *found = match(before_mp4, KD_COUNT(before_mp4), body);
    if (found)
        return found->type;
    if (is_mp4(body))
        return KD_STR("video/mp4");
    found = match(after_mp4, KD_COUNT(after_mp4), body);
    if (found)
        return found->type;
    return is_binary(text) ? KD_STR("application/octet-stream") : KD_STR("text/plain; charset=utf-8");
}
