#include "cli/command.h"

#include "base/buf.h"
#include "config/builtin.h"
#include "text/go/duration.h"
#include "text/go/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define VALUE_MAX (1u << 20) /* of one component's value */

/* How the configuration is understood, in the reference's layout (spec/04 section 2). */
typedef struct dump {
    kd_arena *arena;
    int level;
    const char *indent;
    int depth; /* how often the indentation is repeated */
    bool colours;
} dump;

static void indent(const dump *d)
{
    for (int i = 0; i < d->depth; i++)
        fputs(d->indent, stderr);
}

static void line(const dump *d, const char *format, ...) KD_PRINTF(2, 3);

static void line(const dump *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    indent(d);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void heading(const dump *d, const char *format, unsigned n)
{
    if (d->colours)
        fputs("\033[32;1m", stderr);
    fprintf(stderr, format, n);
    fputs(d->colours ? "\033[0m\n" : "\n", stderr);
}

static void missing(const dump *d, const char *text)
{
    line(d, d->colours ? "\033[31;1m%s\033[0m" : "%s", text);
}

static void text_line(const dump *d, const char *label, kd_str value)
{
    line(d, "%s: %.*s", label, KD_FMT(value));
}

static void bool_line(const dump *d, const char *label, bool value)
{
    line(d, "%s: %s", label, value ? "true" : "false");
}

static void number_line(const dump *d, const char *label, int64_t value)
{
    line(d, "%s: %lld", label, (long long)value);
}

static void duration_line(const dump *d, const char *label, kd_ns value)
{
    char text[KD_GO_DURATION_MAX];
    line(d, "%s: %.*s", label, (int)kd_go_duration_write(text, value), text);
}

static void print_list(const kd_str_list *list)
{
    fputc('[', stderr);
    for (uint32_t i = 0; i < list->n; i++)
        fprintf(stderr, "%s%.*s", i ? " " : "", KD_FMT(list->v[i]));
    fputc(']', stderr);
}

static void list_line(const dump *d, const char *label, const kd_str_list *list)
{
    indent(d);
    fprintf(stderr, "%s: ", label);
    print_list(list);
    fputc('\n', stderr);
}

static void uints_line(const dump *d, const char *label, const kd_uint_list *list)
{
    indent(d);
    fprintf(stderr, "%s: [", label);
    for (uint32_t i = 0; i < list->n; i++)
        fprintf(stderr, "%s%u", i ? " " : "", list->v[i]);
    fputs("]\n", stderr);
}

/* ---- components */

static int by_key(const void *a, const void *b)
{
    return kd_str_cmp((*(const kd_node *const *)a)->key, (*(const kd_node *const *)b)->key);
}

static void value_line(const dump *d, kd_str key, const kd_node *node)
{
    kd_buf text;
    kd_buf_init(&text, VALUE_MAX);
    kd_go_value_v(&text, kd_node_value(d->arena, node));
    fputc('\t', stderr);
    line(d, "%.*s: %.*s", KD_FMT(key), KD_FMT(kd_buf_str(&text)));
    kd_buf_fini(&text);
}

static void component(const dump *d, const kd_node *block)
{
    line(d, "- %.*s", KD_FMT(block->key));
    if (d->level < 2)
        return;
    if (block->type != KD_NODE_OBJECT) {
        value_line(d, KD_STR(""), block);
        return;
    }
    const kd_node **members = KD_NEW_ARRAY(d->arena, const kd_node *, block->n ? block->n : 1);
    uint32_t n = 0;
    for (const kd_node *node = members ? block->first : NULL; node; node = node->next)
        members[n++] = node;
    if (n)
        qsort(members, n, sizeof(*members), by_key);
    for (uint32_t i = 0; i < n; i++)
        value_line(d, members[i]->key, members[i]);
}

/* The blocks in the order of their names as the file writes them. `nested`: the count stands indented. */
static void components(const dump *d, const kd_extras *extras, const char *format, bool nested)
{
    if (extras->n == 0 && d->level < 2)
        return;
    if (nested)
        line(d, format, extras->n);
    else
        heading(d, format, extras->n);
    const kd_node **blocks = KD_NEW_ARRAY(d->arena, const kd_node *, extras->n ? extras->n : 1);
    if (!blocks)
        return;
    for (uint32_t i = 0; i < extras->n; i++)
        blocks[i] = extras->v[i].node;
    if (extras->n)
        qsort(blocks, extras->n, sizeof(*blocks), by_key);
    for (uint32_t i = 0; i < extras->n; i++)
        component(d, blocks[i]);
}

/* ---- service */

static void service_timing(const dump *d, const kd_service *s)
{
    duration_line(d, "Read timeout", s->read_timeout);
    duration_line(d, "Write timeout", s->write_timeout);
    duration_line(d, "Idle timeout", s->idle_timeout);
    duration_line(d, "Read header timeout", s->read_header_timeout);
    duration_line(d, "Idle connection timeout", s->idle_connection_timeout);
    duration_line(d, "Response header timeout", s->response_header_timeout);
    duration_line(d, "Expect continue timeout", s->expect_continue_timeout);
    duration_line(d, "Dialer timeout", s->dialer_timeout);
    duration_line(d, "Dialer fallback delay", s->dialer_fallback_delay);
    duration_line(d, "Dialer keep alive", s->dialer_keep_alive);
    bool_line(d, "Disable keep alives", s->disable_keep_alives);
    bool_line(d, "Disable compression", s->disable_compression);
    number_line(d, "Max idle connections", s->max_idle_connections);
    number_line(d, "Max idle connections per host", s->max_idle_connections_per_host);
    bool_line(d, "Sequential start", s->sequential_start);
    number_line(d, "Max header bytes", s->max_header_bytes);
    bool_line(d, "Echo endpoint enabled", s->echo_endpoint);
    text_line(d, "Default encoding strategy", s->output_encoding);
    bool_line(d, "Disable strict REST", s->disable_rest);
    bool_line(d, "Run lura in debug mode", s->debug_endpoint);
    bool_line(d, "Allow insecure connections", s->allow_insecure_connections);
    bool_line(d, "UseH2C", s->use_h2c);
}

static void tls_section(const dump *d, const kd_service *s)
{
    kd_tls_section tls;
    if (!kd_tls_section_load(d->arena, s->tls, &tls)) {
        if (d->level >= 2)
            missing(d, "No TLS section defined");
        return;
    }
    bool_line(d, "TLS Disabled", tls.disabled);
    text_line(d, "TLS Public key", tls.public_key);
    text_line(d, "TLS Private key", tls.private_key);
    bool_line(d, "TLS Enable MTLS", tls.enable_mtls);
    bool_line(d, "TLS Disable System CA Pool", tls.disable_system_ca_pool);
    if (d->level >= 2) {
        text_line(d, "TLS Min version", tls.min_version);
        text_line(d, "TLS Max version", tls.max_version);
    }
    if (d->level >= 3) {
        uints_line(d, "TLS Curve preferences", &tls.curve_preferences);
        bool_line(d, "TLS Prefer server cipher suites", tls.prefer_server_cipher_suites);
        uints_line(d, "TLS Cipher suites", &tls.cipher_suites);
    }
}

static void client_tls_section(const dump *d, const kd_service *s)
{
    kd_client_tls_section tls;
    if (!kd_client_tls_section_load(d->arena, s->client_tls, &tls))
        return;
    bool_line(d, "Client TLS Allow Insecure Connections", tls.allow_insecure_connections);
    bool_line(d, "Client TLS Disable System CA Pool", tls.disable_system_ca_pool);
    if (d->level >= 2) {
        text_line(d, "Client TLS Min version", tls.min_version);
        text_line(d, "Client TLS Max version", tls.max_version);
    }
    if (d->level >= 3) {
        uints_line(d, "Client TLS Curve preferences", &tls.curve_preferences);
        uints_line(d, "Client TLS Cipher suites", &tls.cipher_suites);
    }
}

static void plugin_section(const dump *d, const kd_service *s)
{
    kd_plugin_section plugin;
    if (kd_plugin_section_load(d->arena, s->plugin, &plugin)) {
        text_line(d, "Folder", plugin.folder);
        text_line(d, "Pattern", plugin.pattern);
    } else if (d->level >= 2) {
        missing(d, "No Plugin section defined");
    }
}

static void service(dump *d, const kd_service *s)
{
    heading(d, "Global settings", 0);
    d->depth = 1;
    text_line(d, "Name", s->name);
    number_line(d, "Version", 3); /* another one was refused */
    text_line(d, "Address", s->listen_ip);
    number_line(d, "Port", s->port);
    if (d->level >= 2) {
        duration_line(d, "Default cache TTL", s->cache_ttl);
        duration_line(d, "Default timeout", s->timeout);
    }
    if (s->hosts.n || d->level >= 2)
        list_line(d, "Default backend hosts", &s->hosts);
    if (d->level >= 3)
        service_timing(d, s);
    tls_section(d, s);
    client_tls_section(d, s);
    plugin_section(d, s);
    d->depth = 0;
    components(d, &s->extra, "%u global component configuration(s):", false);
}

/* ---- endpoints, backends, agents */

static const char *method_colour(kd_str method)
{
    static const struct {
        kd_str name;
        const char *colour;
    } colours[] = {{KD_STR_INIT("GET"), "34"},    {KD_STR_INIT("POST"), "36"},  {KD_STR_INIT("PUT"), "33"},
                   {KD_STR_INIT("DELETE"), "31"}, {KD_STR_INIT("PATCH"), "32"}, {KD_STR_INIT("HEAD"), "36"}};
    for (size_t i = 0; i < KD_COUNT(colours); i++)
        if (kd_str_eq(colours[i].name, method))
            return colours[i].colour;
    return "37";
}

static void route_line(const dump *d, const char *bullet, kd_str method, kd_str path)
{
    if (d->colours)
        line(d, "%s \033[%s;1m%.*s \033[36;1m %.*s\033[0m", bullet, method_colour(method), KD_FMT(method),
             KD_FMT(path));
    else
        line(d, "%s %.*s %.*s", bullet, KD_FMT(method), KD_FMT(path));
}

static void backend_details(const dump *d, const kd_backend *b)
{
    number_line(d, "Concurrent calls", b->concurrent_calls);
    bool_line(d, "Host sanitization disabled", b->disable_host_sanitize);
    text_line(d, "Target", b->target);
    indent(d);
    fputs("Deny: ", stderr);
    print_list(&b->deny);
    fputs(", Allow: ", stderr);
    print_list(&b->allow);
    fputc('\n', stderr);
    indent(d);
    fputs("Mapping: map[", stderr);
    for (uint32_t i = 0; i < b->n_mapping; i++)
        fprintf(stderr, "%s%.*s:%.*s", i ? " " : "", KD_FMT(b->mapping[i].from), KD_FMT(b->mapping[i].to));
    fputs("]\n", stderr);
    text_line(d, "Group", b->group);
    text_line(d, "Encoding", b->encoding_source);
    bool_line(d, "Is collection", b->is_collection);
    text_line(d, "SD", b->sd);
    text_line(d, "SD scheme", b->sd_scheme);
    list_line(d, "Headers to pass", &b->input_headers);
    list_line(d, "Query strings to pass", &b->input_query_strings);
}

static void backends(dump *d, const kd_backend *v, uint32_t n)
{
    line(d, "Connecting to %u backend(s):", n);
    d->depth = 2;
    for (uint32_t i = 0; i < n; i++) {
        route_line(d, "[+]", v[i].method, v[i].url_pattern.template);
        duration_line(d, "Timeout", v[i].timeout);
        list_line(d, "Hosts", &v[i].hosts);
        if (d->level >= 2)
            backend_details(d, &v[i]);
        components(d, &v[i].extra, "%u backend component configuration(s):", true);
        fputc('\n', stderr);
    }
    d->depth = 1;
}

static void endpoint(dump *d, const kd_endpoint *e)
{
    route_line(d, "-", e->method, e->route);
    duration_line(d, "Timeout", e->timeout);
    if (e->input_query_strings.n || d->level >= 2)
        list_line(d, "QueryString", &e->input_query_strings);
    if (d->level >= 2) {
        duration_line(d, "CacheTTL", e->cache_ttl);
        list_line(d, "Headers to pass", &e->input_headers);
        text_line(d, "OutputEncoding", e->output_encoding);
    }
    if (e->concurrent_calls > 1 || d->level >= 2)
        number_line(d, "Concurrent calls", e->concurrent_calls);
    components(d, &e->extra, "%u endpoint component configuration(s):", true);
    backends(d, e->backends, e->n_backends);
}

static void agent(dump *d, const kd_agent *a)
{
    line(d, "- %.*s", KD_FMT(a->unnamed ? KD_STR("") : a->name));
    if (d->level >= 2) {
        text_line(d, "Encoding", a->encoding);
        duration_line(d, "Consumer Timeout", a->timeout);
        number_line(d, "Consumer Workers", a->workers);
        text_line(d, "Consumer Topic", a->topic);
        line(d, "Consumer Max Rate: %f", a->max_rate);
        number_line(d, "Connection Max Retries", a->max_retries);
        text_line(d, "Connection Backoff Strategy", a->backoff_strategy);
        duration_line(d, "Connection Health Interval", a->health_interval);
    }
    components(d, &a->extra, "%u agent component configuration(s):", true);
    backends(d, a->backends.v, a->backends.n);
}

void kd_dump_print(const kd_loaded *loaded, int level, const char *indentation)
{
    const kd_service *s = loaded->service;
    dump d = {.arena = s->arena, .level = level, .indent = indentation, .colours = kd_cli_is_terminal()};
    service(&d, s);
    heading(&d, "%u API endpoint(s):", s->n_endpoints);
    d.depth = 1;
    for (uint32_t i = 0; i < s->n_endpoints; i++)
        endpoint(&d, &s->endpoints[i]);
    uint32_t n;
    const kd_agent *agents = kd_service_agents(s, &n);
    heading(&d, "%u async agent(s):", n);
    for (uint32_t i = 0; i < n; i++)
        agent(&d, &agents[i]);
}
