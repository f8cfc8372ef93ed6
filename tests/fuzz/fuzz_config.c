/* Any bytes as a configuration: loading ends, with a service or with a reason. The last line of the input, when it is
 * an assignment, is laid over the file as an environment variable. */
#include "config/builtin.h"
#include "config/load_bytes.h"
#include "config/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kd_arena arena;
    kd_errors errors;
    kd_loaded loaded;
    kd_arena_init(&arena, NULL, 64u << 20);
    kd_errors_init(&errors, &arena, 50);
    kd_str text = kd_arena_copy(&arena, kd_str_of((const char *)data, size));
    if (!text.p)
        return 0;
    ptrdiff_t line = kd_str_rfind(text, '\n');
    kd_str last = line < 0 ? KD_STR("") : kd_str_from(text, (size_t)line + 1);
    char *environment[] = {NULL, NULL};
    if (kd_str_starts(last, KD_STR("KRAKEND_")) && kd_str_find(last, '=') > 0) {
        environment[0] = (char *)last.p; /* ends with the copy's NUL */
        text = kd_str_head(text, (size_t)line);
    }
    kd_load_options options = {.path = "fuzz.json", .environ = environment};
    kd_config_load_bytes(&arena, &arena, &options, text, KD_SEVERITY_ERROR, &errors, &loaded);
    if ((loaded.status == KD_LOAD_REFUSED) != (loaded.service == NULL) || (!loaded.service && !loaded.compat.n))
        abort();
    if (loaded.service) {
        kd_router_options router;
        kd_tls_section tls;
        kd_router_options_load(loaded.service, &router);
        kd_tls_section_load(&arena, loaded.service->tls, &tls);
    }
    kd_buf report;
    kd_buf_init(&report, 1u << 20);
    kd_report_write(&report, &errors, KD_SEVERITY_NOTE);
    kd_buf_fini(&report);
    kd_arena_reset(&arena);
    return 0;
}
