/* A GraphQL operation as KrakenD sends it (spec/06 section 10): a fixed document, and variables that come from the
 * configuration, from parameters of the request (queries) or from its body (mutations). Knows no gateway. */
#ifndef KD_MODULES_BACKEND_GRAPHQL_OPERATION_H
#define KD_MODULES_BACKEND_GRAPHQL_OPERATION_H

#include "base/buf.h"
#include "text/value.h"

/* A variable of a query whose value is a parameter of the request. */
typedef struct kd_graphql_place {
    kd_str key, param; /* the parameter's name with its first letter upper-cased */
} kd_graphql_place;

typedef struct kd_graphql {
    bool mutation;
    kd_str query, name; /* of the operation; an empty name is not sent */
    kd_value variables; /* an object; KD_NULL: none */
    kd_graphql_place *places;
    uint32_t n_places; /* a mutation has none */
    kd_str constant;   /* the body of a query without places; else p is NULL */
} kd_graphql;

/* Completes an operation of which `mutation`, `query`, `name` and `variables` are set: finds the places, which are the
 * outermost variables of the form "{param}". Numbers are made float64 as Go reads them. What it keeps lies in the
 * arena. False without memory. */
bool kd_graphql_prepare(kd_graphql *g, kd_arena *arena);

/* The variables of a query: values[i] stands at places[i]. KD_ABSENT without memory. */
kd_value kd_graphql_fill(const kd_graphql *g, kd_arena *arena, const kd_str *values);

typedef enum kd_graphql_result { KD_GRAPHQL_OK, KD_GRAPHQL_BAD_BODY, KD_GRAPHQL_NO_MEMORY } kd_graphql_result;

/* The variables of a mutation: the members of the body, which must be a JSON object, and of the configured ones those
 * that it lacks. Numbers pass through float64, as in Go. `scratch` is used and left dirty. The result lies in the
 * arena. KD_GRAPHQL_BAD_BODY: *error is what Go's json.Unmarshal says. */
kd_graphql_result kd_graphql_read(const kd_graphql *g, kd_arena *arena, kd_str body, kd_buf *scratch, kd_value *out,
                                  kd_str *error);

/* Appends the body of a POST: query, operationName, variables, in this order, empty ones but the query left out. */
void kd_graphql_write_body(const kd_graphql *g, kd_value variables, kd_buf *out);
/* Appends the query string of a GET: operationName, query, variables. `scratch` is used and left dirty. */
void kd_graphql_write_query(const kd_graphql *g, kd_value variables, kd_buf *scratch, kd_buf *out);

/* Appends a valid JSON text with its numbers as Go prints them after reading them as float64. False when one is out of
 * range: *number is its text. */
bool kd_graphql_float_numbers(kd_str json, kd_buf *out, kd_str *number);

#endif
