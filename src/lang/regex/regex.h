/* Regular expressions as Go's regexp package has them: its syntax, its words for what it refuses, and time linear in
 * the text whatever the expression (RE2 does the work; regex.cc is the only file in C++). A compiled expression is
 * immutable and may be used by all threads at once.
 *
 * What differs: RE2 of Debian 12 knows the character classes of its own Unicode version, and neither \p{Assigned},
 * \p{Cn}, \p{LC} nor \p{ASCII}; it takes names of scripts with an underscore, which Go 1.25 refuses; \B matches within
 * the bytes of a rune, too.
 *
 * Memory: at most KD_REGEX_MEMORY for each expression, its program and what matching remembers; it is taken as matching
 * needs it and kept until the expression is destroyed. */
#ifndef KD_LANG_REGEX_REGEX_H
#define KD_LANG_REGEX_REGEX_H

#include "base/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KD_REGEX_MEMORY (8u * 1024 * 1024)
#define KD_REGEX_SPANS  32u /* that one call finds */

typedef struct kd_regex kd_regex;

/* Compiles an expression of UTF-8. NULL: *error is Go's text, such as "error parsing regexp: missing closing ): `(`",
 * in the arena or static. The expression is copied. */
kd_regex *kd_regex_compile(kd_arena *arena, kd_str expression, kd_str *error);
/* NULL is allowed. */
void kd_regex_destroy(kd_regex *regex);

/* How many groups with parentheses it has. */
uint32_t kd_regex_groups(const kd_regex *regex);

/* Does it match anywhere in the text? The text is valid UTF-8 (kd_regex_text). */
bool kd_regex_match(const kd_regex *regex, kd_str text);
/* The leftmost match that begins at `from` or behind it, as Go prefers it: spans[0] is the whole, spans[i] the i-th
 * group, with p == NULL where it took no part. `^` and \b see what stands before `from`. n: room in spans, of which
 * KD_REGEX_SPANS are used. */
bool kd_regex_find(const kd_regex *regex, kd_str text, size_t from, kd_str *spans, uint32_t n);

/* The text as Go's matcher sees it: each byte that is no UTF-8 is U+FFFD. `text` itself when it is valid, else a copy
 * in the arena; p is NULL without memory. For what strangers send. */
kd_str kd_regex_text(kd_arena *arena, kd_str text);

#ifdef __cplusplus
}
#endif

#endif
