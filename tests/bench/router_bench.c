/* How long the router takes to find a route: ten routes and ten thousand, static and with parameters, hits and misses.
 *
 * Prints nanoseconds per lookup, the best of several rounds. */
#include "gateway/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7, LOOKUPS = 200000, PATHS = 4096 };

typedef struct bench {
    kd_arena arena, work, scratch;
    kd_errors errors;
    kd_router *router;
} bench;

static void fill(bench *b, unsigned services)
{
    static const char *const shapes[] = {"/v1/service%u/users",           "/v1/service%u/users/:id",
                                         "/v1/service%u/users/:id/posts", "/v1/service%u/users/:id/posts/:post",
                                         "/v1/service%u/status",          "/v1/service%u/orders/:order",
                                         "/v1/service%u/orders/latest",   "/v1/service%u/files/images/:name",
                                         "/v1/service%u/search",          "/v1/service%u/orders/:order/items/:item"};
    kd_router_options options = {
        .redirect_trailing_slash = true, .redirect_fixed_path = true, .handle_method_not_allowed = true};
    kd_errors_init(&b->errors, &b->arena, 10);
    b->router = kd_router_create(&b->arena, &b->work, &options);
    bool good = b->router != NULL;
    for (unsigned s = 0; s < services; s++) {
        for (unsigned i = 0; i < KD_COUNT(shapes) && good; i++) {
            char path[128];
            int n = snprintf(path, sizeof(path), shapes[i], s);
            kd_str kept = kd_arena_copy(&b->arena, kd_str_of(path, (size_t)n));
            good = kept.p && kd_router_add(b->router, KD_STR("GET"), kept, b, NULL, &b->errors);
        }
    }
    if (!good || !kd_router_finish(b->router, &b->errors)) {
        fprintf(stderr, "the routes cannot be built\n");
        exit(1);
    }
    kd_arena_reset(&b->work);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(bench *b, unsigned services, const char *what, const char *shape)
{
    static char text[PATHS][128];
    static kd_str paths[PATHS];
    kd_route_param params[KD_ROUTER_MAX_PARAMS];
    kd_route_match match = {.params = params};
    double best = 1e18;
    unsigned found = 0;
    for (unsigned i = 0; i < PATHS; i++) {
        int n = snprintf(text[i], sizeof(text[i]), shape, i * 7919 % services, i);
        paths[i] = kd_str_of(text[i], (size_t)n);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (unsigned i = 0; i < LOOKUPS; i++) {
            found +=
                kd_router_lookup(b->router, KD_STR("GET"), paths[i % PATHS], &b->scratch, &match) == KD_ROUTE_FOUND;
            if (b->scratch.chunks)
                kd_arena_reset(&b->scratch);
        }
        double each = (now() - start) / LOOKUPS;
        best = each < best ? each : best;
    }
    printf("%6u routes  %-22s %7.1f ns  %s\n", services * 10, what, best, found ? "found" : "not found");
}

int main(void)
{
    static const unsigned sizes[] = {1, 1000};
    for (size_t i = 0; i < KD_COUNT(sizes); i++) {
        bench b = {0};
        double start = now();
        fill(&b, sizes[i]);
        printf("%6u routes  built in %.2f ms, %zu KB\n", sizes[i] * 10, (now() - start) / 1e6, b.arena.taken / 1024);
        measure(&b, sizes[i], "static", "/v1/service%u/status");
        measure(&b, sizes[i], "one parameter", "/v1/service%u/users/%u");
        measure(&b, sizes[i], "two parameters", "/v1/service%u/users/%u/posts/77");
        measure(&b, sizes[i], "static beside parameter", "/v1/service%u/orders/latest");
        measure(&b, sizes[i], "back to the parameter", "/v1/service%u/orders/late%u");
        measure(&b, sizes[i], "missing", "/v1/service%u/nothing/%u");
        measure(&b, sizes[i], "redirect", "/v1/service%u/STATUS");
        kd_arena_reset(&b.arena);
        kd_arena_reset(&b.scratch);
    }
    return 0;
}
