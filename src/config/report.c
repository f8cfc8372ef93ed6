#include "config/report.h"

static void write_place(kd_buf *out, const kd_location *at)
{
    kd_buf_add(out, at->file);
    if (at->line)
        kd_buf_printf(out, ":%u:%u", at->line, at->column);
}

/* Values of a configuration are repeated in messages: a terminal must not obey them. */
static void write_text(kd_buf *out, kd_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c < 0x20 || c == 0x7f)
            kd_buf_printf(out, "\\x%02x", c);
        else
            kd_buf_byte(out, (char)c);
    }
}

static void write_finding(kd_buf *out, const kd_error *e)
{
    static const char *const names[] = {"note", "warning", "error"};
    if (e->at) {
        write_place(out, e->at);
        kd_buf_add(out, KD_STR(": "));
    }
    kd_buf_printf(out, "%s: ", names[e->severity]);
    if (e->key.n) {
        write_text(out, e->key);
        kd_buf_add(out, KD_STR(": "));
    }
    write_text(out, e->message);
    if (e->suggestion.n) {
        kd_buf_add(out, KD_STR("; "));
        write_text(out, e->suggestion);
    }
    kd_buf_byte(out, '\n');
    for (const kd_location *from = e->at ? e->at->from : NULL; from; from = from->from) {
        kd_buf_add(out, KD_STR("    included from "));
        write_place(out, from);
        kd_buf_byte(out, '\n');
    }
}

void kd_report_write(kd_buf *out, const kd_errors *errors, kd_severity least)
{
    uint32_t written[2] = {0}, left = errors->count;
    for (const kd_error *e = errors->first; e; e = e->next) {
        uint32_t *n = &written[e->severity == KD_SEVERITY_ERROR];
        if (e->severity >= least && (*n)++ < KD_REPORT_MAX)
            write_finding(out, e);
        else if (e->severity >= least)
            continue;
        left--;
    }
    if (left)
        kd_buf_printf(out, "and %u more findings\n", left);
}
