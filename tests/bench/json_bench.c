/* Times reading and emitting JSON documents: the best of twelve rounds for each variant. `make micro` builds it, or:
 *
 *   gcc -std=gnu11 -O2 -D_GNU_SOURCE -Isrc tests/bench/json_bench.c \
 *       $(ls src/text/[a-z]*.c src/text/go/[a-z]*.c src/base/[a-z]*.c | grep -v /test_) \
 *       $(pkg-config --cflags --libs yyjson) -lm -lpthread -o /tmp/json_bench
 *   /tmp/json_bench document.json …
 */
#include "base/clock.h"
#include "text/json.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct bench {
    kd_json_pool pool;
    kd_arena arena;
    kd_chunk_pool chunks;
    kd_json_shapes *shapes;
    kd_buf out;
    char *text;
    size_t n;
} bench;

typedef enum variant { READ, READ_ARENA, BOTH, BOTH_NO_SHAPES, BOTH_COPY, VARIANTS } variant;

static const char *const names[VARIANTS] = {"read", "read into arena", "read + emit", "read + emit, no shapes",
                                            "read + copy root + emit"};

static void once(bench *b, variant which)
{
    kd_value v;
    kd_str error;
    kd_arena *arena = which == READ_ARENA ? &b->arena : NULL;
    if (kd_json_read(&b->pool, arena, b->text, b->n, &v, &error) != KD_JSON_OK) {
        fprintf(stderr, "refused: %.*s\n", KD_FMT(error));
        exit(1);
    }
    if (which >= BOTH) {
        if (which == BOTH_COPY) {
            kd_object *root = kd_object_copy(&b->arena, v);
            if (root)
                v = kd_value_object(root);
        }
        kd_buf_reset(&b->out, SIZE_MAX);
        if (!kd_json_emit(&b->out, v, which == BOTH_NO_SHAPES ? NULL : b->shapes))
            exit(1);
    }
    if (which == READ_ARENA || which == BOTH_COPY)
        kd_arena_reset(&b->arena);
}

/* The best of several rounds, in nanoseconds per document. */
static double measure(bench *b, variant which)
{
    double best = 1e18;
    long count = 1;
    for (int round = 0; round < 12;) {
        kd_ns start = kd_clock_monotonic();
        for (long i = 0; i < count; i++)
            once(b, which);
        kd_ns took = kd_clock_monotonic() - start;
        if (took < 40 * KD_MS) {
            count *= 2;
            continue;
        }
        double each = (double)took / (double)count;
        best = each < best ? each : best;
        round++;
    }
    return best;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bench b = {0};
        FILE *f = fopen(argv[i], "rb");
        if (!f || fseek(f, 0, SEEK_END))
            return 1;
        b.n = (size_t)ftell(f);
        rewind(f);
        b.text = malloc(b.n + KD_JSON_PAD);
        if (!b.text || fread(b.text, 1, b.n, f) != b.n)
            return 1;
        fclose(f);
        kd_json_pool_init(&b.pool, 2 << 20);
        kd_chunk_pool_init(&b.chunks, 1 << 20);
        kd_arena_init(&b.arena, &b.chunks, 0);
        kd_buf_init(&b.out, 64 << 20);
        b.shapes = kd_json_shapes_create();
        for (variant which = READ; which < VARIANTS; which++)
            printf("%-24s %8zu B  %12.0f ns  %s\n", argv[i], b.n, measure(&b, which), names[which]);
        kd_json_shapes_destroy(b.shapes);
        kd_buf_fini(&b.out);
        kd_arena_reset(&b.arena);
        kd_chunk_pool_fini(&b.chunks);
        kd_json_pool_fini(&b.pool);
        free(b.text);
    }
    return 0;
}
