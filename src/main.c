/* krakend: hands the command line what the upper floors can do. */
#include "cli/cli.h"
#include "config/load.h"
#include "gateway/explain.h"
#include "gateway/module.h"
#include "gateway/serve.h"

#include <stdio.h>

#define KD_MODULE(symbol) extern const kd_module kd_module_##symbol;
#include "modules.def"
#undef KD_MODULE

static const kd_module *const modules[] = {
#define KD_MODULE(symbol) &kd_module_##symbol,
#include "modules.def"
#undef KD_MODULE
    NULL,
};

static kd_service *load_again(void *context, kd_arena *arena, kd_errors *errors)
{
    const kd_cli_run_options *options = context;
    kd_load_options load = {.path = options->config, .environ = options->environment};
    kd_str compat;
    kd_service *service = kd_config_load(arena, &load, errors, &compat);
    if (!service)
        return NULL;
    if (options->debug > 0)
        service->debug_endpoint = true;
    if (options->port)
        service->port = options->port;
    return service;
}

static int run(const kd_cli_run_options *options)
{
    kd_serve_options serve = {.arena = options->arena,
                              .service = options->service,
                              .findings = options->errors,
                              .load = load_again,
                              .context = (void *)options};
    return kd_serve(&serve);
}

static int explain(const kd_cli_explain_options *options)
{
    kd_buf out;
    kd_buf_init(&out, 64u * 1024 * 1024);
    bool ok = kd_explain(options->arena, options->service, options->request, &out);
    fwrite(out.p, 1, out.n, ok ? stdout : stderr);
    kd_buf_fini(&out);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    kd_modules_register(modules);
    static const kd_cli_hooks hooks = {.run = run, .explain = explain, .routes = kd_explain_routes};
    return kd_cli_main(argc, argv, &hooks);
}
