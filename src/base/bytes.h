/* Bytes as pointer and length, by value: the currency of every floor. A kd_str never owns its bytes and is not
 * NUL-terminated; C strings exist only at the border to the operating system. */
#ifndef KD_BASE_BYTES_H
#define KD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KD_LIKELY(x)                    __builtin_expect(!!(x), 1)
#define KD_UNLIKELY(x)                  __builtin_expect(!!(x), 0)
#define KD_COUNT(array)                 (sizeof(array) / sizeof((array)[0]))
#define KD_CONTAINER(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define KD_PRINTF(fmt, args)            __attribute__((format(printf, fmt, args)))

typedef struct kd_str {
    const char *p;
    size_t n;
} kd_str;

/* A kd_str of a string literal. */
#define KD_STR(literal) ((kd_str){"" literal, sizeof(literal) - 1})
/* The same where an initialiser of static storage is needed. */
#define KD_STR_INIT(literal)                                                                                           \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
/* The two arguments that printf's %.*s wants. */
#define KD_FMT(s) (int)(s).n, (s).p

static inline kd_str kd_str_of(const char *p, size_t n)
{
    return (kd_str){p, n};
}
static inline kd_str kd_str_from_c(const char *c)
{
    return (kd_str){c, c ? strlen(c) : 0};
}

static inline bool kd_str_eq(kd_str a, kd_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool kd_str_starts(kd_str s, kd_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool kd_str_ends(kd_str s, kd_str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Bytes from..end of s; from beyond the end gives an empty string. */
static inline kd_str kd_str_from(kd_str s, size_t from)
{
    return from >= s.n ? (kd_str){s.p + s.n, 0} : (kd_str){s.p + from, s.n - from};
}

static inline kd_str kd_str_head(kd_str s, size_t n)
{
    return (kd_str){s.p, n < s.n ? n : s.n};
}

static inline uint8_t kd_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}
static inline uint8_t kd_upper(uint8_t c)
{
    return (uint8_t)(c - 'a') < 26 ? c & ~0x20 : c;
}

/* Bytewise order, shorter first among equals: the order of Go's sort.Strings. Returns <0, 0, >0. */
int kd_str_cmp(kd_str a, kd_str b);
/* Equal when ASCII letters are folded. */
bool kd_str_eq_ci(kd_str a, kd_str b);
/* Position of c in s, or -1. */
ptrdiff_t kd_str_find(kd_str s, char c);
/* Position of the last c in s, or -1. */
ptrdiff_t kd_str_rfind(kd_str s, char c);
/* Position of needle in s, or -1. An empty needle is found at 0. */
ptrdiff_t kd_str_search(kd_str s, kd_str needle);
/* s without leading and trailing spaces and tabs. */
kd_str kd_str_trim(kd_str s);
/* Cuts *rest at the first separator, returns the piece before it. False when *rest is exhausted (p == NULL). An empty
 * string yields one empty piece. */
bool kd_str_split(kd_str *rest, char separator, kd_str *piece);
/* Parses an unsigned decimal without sign or spaces. False on any other byte, on empty input, and beyond max. */
bool kd_str_to_u64(kd_str s, uint64_t max, uint64_t *out);
/* Writes v in decimal without NUL; `to` has room for 20 bytes. Returns the count of bytes. */
size_t kd_u64_write(char *to, uint64_t v);

#endif
