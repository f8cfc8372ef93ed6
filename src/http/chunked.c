#include "http/chunked.h"

#define LINE_MAX_BYTES    4096u
#define TRAILER_MAX_BYTES (16u * 1024)
#define SIZE_DIGITS_MAX   16u

/* Where the decoder stands. What comes next is in brackets. */
enum {
    AT_SIZE,       /* [a hexadecimal digit] or, after one, the end of the size */
    AT_SIZE_SPACE, /* white space behind the size, tolerated from backends */
    AT_EXTENSION,
    AT_SIZE_LF, /* [LF] of a size line */
    AT_DATA,
    AT_DATA_END, /* [CR] behind a chunk */
    AT_DATA_LF,
    AT_TRAILER, /* the start of a trailer line, or of the empty one */
    AT_NAME,
    AT_VALUE,
    AT_TRAILER_LF,
    AT_LAST_LF, /* [LF] of the empty line */
    AT_END,
    AT_ERROR
};

void kd_chunked_init(kd_chunked *decoder, bool tolerant)
{
    *decoder = (kd_chunked){.state = AT_SIZE, .tolerant = tolerant};
}

static int hex_digit(uint8_t c)
{
    if ((uint8_t)(c - '0') <= 9)
        return c - '0';
    c |= 0x20;
    return (uint8_t)(c - 'a') <= 5 ? c - 'a' + 10 : -1;
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* What follows a size line: the data, or the trailers after the last chunk. */
static uint8_t after_size_line(kd_chunked *d)
{
    d->line = 0;
    return d->left ? AT_DATA : AT_TRAILER;
}

/* The end of a size or extension at byte c, or its continuation. */
static uint8_t size_line_byte(kd_chunked *d, uint8_t c)
{
    if (c == '\r')
        return AT_SIZE_LF;
    if (c == '\n')
        return d->tolerant ? after_size_line(d) : AT_ERROR;
    if (c == ';' && d->state != AT_EXTENSION)
        return AT_EXTENSION;
    if (d->state == AT_EXTENSION)
        return is_control(c) ? AT_ERROR : AT_EXTENSION;
    return d->tolerant && (c == ' ' || c == '\t') ? AT_SIZE_SPACE : AT_ERROR;
}

static uint8_t size_byte(kd_chunked *d, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit < 0)
        return d->line > 1 ? size_line_byte(d, c) : AT_ERROR;
    /* A size above what a signed 64-bit number holds would overflow the sums of those who count bodies. */
    if (d->line > SIZE_DIGITS_MAX || d->left > INT64_MAX >> 4)
        return AT_ERROR;
    d->left = d->left << 4 | (uint64_t)digit;
    return AT_SIZE;
}

static uint8_t trailer_byte(kd_chunked *d, uint8_t c)
{
    switch (d->state) {
    case AT_TRAILER:
        if (c == '\r')
            return AT_LAST_LF;
        if (c == '\n')
            return d->tolerant ? AT_END : AT_ERROR;
        return is_token(c) ? AT_NAME : AT_ERROR;
    case AT_NAME:
        if (c == ':')
            return AT_VALUE;
        return is_token(c) ? AT_NAME : AT_ERROR;
    case AT_VALUE:
        if (c == '\r')
            return AT_TRAILER_LF;
        if (c == '\n')
            return d->tolerant ? AT_TRAILER : AT_ERROR;
        return is_control(c) ? AT_ERROR : AT_VALUE;
    case AT_TRAILER_LF:
        return c == '\n' ? AT_TRAILER : AT_ERROR;
    default: /* AT_LAST_LF */
        return c == '\n' ? AT_END : AT_ERROR;
    }
}

/* The state after byte c of anything but data. */
static uint8_t next(kd_chunked *d, uint8_t c)
{
    switch (d->state) {
    case AT_SIZE:
    case AT_SIZE_SPACE:
    case AT_EXTENSION:
    case AT_SIZE_LF:
        if (++d->line > LINE_MAX_BYTES)
            return AT_ERROR;
        if (d->state == AT_SIZE_LF)
            return c == '\n' ? after_size_line(d) : AT_ERROR;
        return d->state == AT_SIZE ? size_byte(d, c) : size_line_byte(d, c);
    case AT_DATA_END:
        if (c == '\r')
            return AT_DATA_LF;
        return c == '\n' && d->tolerant ? AT_SIZE : AT_ERROR;
    case AT_DATA_LF:
        return c == '\n' ? AT_SIZE : AT_ERROR;
    default:
        if (++d->line > TRAILER_MAX_BYTES)
            return AT_ERROR;
        return trailer_byte(d, c);
    }
}

kd_chunked_result kd_chunked_decode(kd_chunked *d, const char *in, size_t n, size_t *used, kd_str *data)
{
    size_t at = 0;
    *data = (kd_str){in, 0};
    while (d->state < AT_END) {
        if (at == n) {
            *used = at;
            return KD_CHUNKED_MORE;
        }
        if (d->state == AT_DATA) {
            size_t piece = d->left < n - at ? (size_t)d->left : n - at;
            *data = (kd_str){in + at, piece};
            d->left -= piece;
            if (!d->left)
                d->state = AT_DATA_END;
            *used = at + piece;
            return KD_CHUNKED_DATA;
        }
        d->state = next(d, (uint8_t)in[at++]);
    }
    *used = at;
    return d->state == AT_END ? KD_CHUNKED_END : KD_CHUNKED_ERROR;
}

size_t kd_chunked_head(char to[KD_CHUNKED_HEAD_MAX], size_t n)
{
    char digits[SIZE_DIGITS_MAX];
    size_t count = 0, at = 0;
    do
        digits[count++] = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    while (count)
        to[at++] = digits[--count];
    to[at++] = '\r';
    to[at++] = '\n';
    return at;
}
