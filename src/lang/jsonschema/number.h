/* Decimal numbers of any length, exact. */
#ifndef KD_LANG_JSONSCHEMA_NUMBER_H
#define KD_LANG_JSONSCHEMA_NUMBER_H

#include "base/buf.h"
#include "text/value.h"

/* 0.DIGITS × 10^point, without leading and trailing zeros; the digits lie in two pieces, around the decimal point of
 * the text they were read from. */
typedef struct kd_decimal {
    bool negative, zero;
    kd_str whole, fraction;
    int64_t point;
    char text[40]; /* of a float64 */
} kd_decimal;

/* Reads a number value; `out` refers to its text. */
void kd_decimal_read(kd_value number, kd_decimal *out);
/* <0, 0, >0. */
int kd_decimal_cmp(const kd_decimal *a, const kd_decimal *b);
bool kd_decimal_is_integer(const kd_decimal *d);
/* The integer, cut to the range of int64; false for what is none. */
bool kd_decimal_to_int(const kd_decimal *d, int64_t *out);
/* Is `d` an integer times `of`? `of` zero: false. Memory for as many digits as `of` has; false without it. */
bool kd_decimal_multiple(const kd_decimal *d, const kd_decimal *of, kd_arena *scratch);
/* The same digits for equal numbers: feeds a hash. */
uint64_t kd_decimal_hash(const kd_decimal *d, uint64_t seed);

/* An integer with its thousands grouped: 1,234. */
void kd_decimal_print_int(kd_buf *out, int64_t v);
/* The float64 next to the number, as an English reader writes it: 1,234.5, 1 × 10⁰⁶ with narrow spaces. */
void kd_decimal_print(kd_buf *out, kd_value number);

#endif
