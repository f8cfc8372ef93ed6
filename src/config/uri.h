/* Hosts, paths and placeholders: what KrakenD does with regular expressions (spec/01 sections 2.7, 2.10 and 2.11), done
 * by hand. */
#ifndef KD_CONFIG_URI_H
#define KD_CONFIG_URI_H

#include "config/model.h"

typedef enum kd_host_result { KD_HOST_OK, KD_HOST_INVALID, KD_HOST_NO_MEMORY } kd_host_result;

/* The cleaned host in the arena (spec/01 section 2.10), or `host` itself when it is clean. */
kd_host_result kd_host_clean(kd_arena *arena, kd_str host, kd_str *out);
/* What is wrong with a host that was refused, and what to do about it; static text. */
const char *kd_host_advice(kd_str host);

/* One slash at the beginning, whatever was there. p is NULL without memory. */
kd_str kd_path_with_slash(kd_arena *arena, kd_str path);
/* Is the cleaned path of an endpoint refused? *why is our reason (static). */
bool kd_path_is_reserved(kd_str path, const char **why);

/* The names in braces, in order of their appearance. With `whole_segments` only letters, digits, - and _ behind a
 * slash (the default for endpoints), else also . : / anywhere. False without memory. */
bool kd_params_find(kd_arena *arena, kd_str path, bool whole_segments, kd_str_list *out);
/* Sorts bytewise and drops repetitions, in place. */
void kd_params_sort(kd_str_list *params);
bool kd_params_contain(const kd_str_list *params, kd_str name);
/* The path as the router takes it: {p} of each of `params` becomes :p before the first '?'. p is NULL without memory.
 */
kd_str kd_path_to_route(kd_arena *arena, kd_str path, const kd_str_list *params);
/* A placeholder that is filled from an earlier answer or a token (spec/01 section 2.11). */
bool kd_param_is_sequential(kd_str name);
/* Compiles a cleaned url_pattern. False without memory. */
bool kd_pattern_compile(kd_arena *arena, kd_str source, const kd_str_list *params, kd_pattern *out);
/* "[a b]": as Go prints a list of strings. p is NULL without memory. */
kd_str kd_params_print(kd_arena *arena, const kd_str_list *params);

#endif
