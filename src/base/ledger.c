#include "base/ledger.h"

#include <stdatomic.h>

static struct {
    _Atomic size_t ceiling;
    _Atomic size_t total;
    _Atomic size_t used[KD_ACCOUNT_COUNT];
} ledger;

static const char *const names[KD_ACCOUNT_COUNT] = {
    "chunks", "bodies", "json",   "connections", "sockets", "tls",
    "http2",  "caches", "tables", "queues",      "scripts", "generations",
};

void kd_ledger_set_ceiling(size_t bytes)
{
    atomic_store_explicit(&ledger.ceiling, bytes, memory_order_relaxed);
}

size_t kd_ledger_ceiling(void)
{
    return atomic_load_explicit(&ledger.ceiling, memory_order_relaxed);
}

bool kd_ledger_reserve(kd_account account, size_t bytes)
{
    size_t ceiling = kd_ledger_ceiling(), total = kd_ledger_total();
    /* Not added and taken back: in between, others would be refused without reason. */
    do {
        if (bytes > SIZE_MAX - total || (ceiling && total + bytes > ceiling))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&ledger.total, &total, total + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    atomic_fetch_add_explicit(&ledger.used[account], bytes, memory_order_relaxed);
    return true;
}

void kd_ledger_charge(kd_account account, size_t bytes)
{
    atomic_fetch_add_explicit(&ledger.total, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger.used[account], bytes, memory_order_relaxed);
}

void kd_ledger_release(kd_account account, size_t bytes)
{
    atomic_fetch_sub_explicit(&ledger.used[account], bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&ledger.total, bytes, memory_order_relaxed);
}

size_t kd_ledger_used(kd_account account)
{
    return atomic_load_explicit(&ledger.used[account], memory_order_relaxed);
}

size_t kd_ledger_total(void)
{
    return atomic_load_explicit(&ledger.total, memory_order_relaxed);
}

kd_pressure kd_ledger_pressure(void)
{
    size_t ceiling = kd_ledger_ceiling();
    if (!ceiling)
        return KD_PRESSURE_NONE;
    size_t total = kd_ledger_total();
    if (total > ceiling / 10 * 9)
        return KD_PRESSURE_SHED;
    return total > ceiling / 10 * 8 ? KD_PRESSURE_BODIES : KD_PRESSURE_NONE;
}

const char *kd_account_name(kd_account account)
{
    return names[account];
}
