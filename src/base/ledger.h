/* The process's memory ledger: every allocator that traffic or configuration can grow reserves in a named account
 * before it takes. Above 80 % of the ceiling bodies are no longer read, above 90 % new work is shed.
 * Reserving is lock-free and exact in the sum; callers reserve in slabs, not per object. */
#ifndef KD_BASE_LEDGER_H
#define KD_BASE_LEDGER_H

#include "base/bytes.h"

typedef enum kd_account {
    KD_ACCOUNT_CHUNKS,      /* arena chunks of requests and connections */
    KD_ACCOUNT_BODIES,      /* buffered bodies above a chunk */
    KD_ACCOUNT_JSON,        /* parser pools */
    KD_ACCOUNT_CONNECTIONS, /* connection objects */
    KD_ACCOUNT_SOCKETS,     /* kernel socket memory, estimated */
    KD_ACCOUNT_TLS,
    KD_ACCOUNT_HTTP2,
    KD_ACCOUNT_CACHES,
    KD_ACCOUNT_TABLES, /* shared tables: limiters, breakers, flights */
    KD_ACCOUNT_QUEUES, /* mailboxes, offload jobs, log buffers */
    KD_ACCOUNT_SCRIPTS,
    KD_ACCOUNT_GENERATIONS, /* loaded configurations */
    KD_ACCOUNT_COUNT
} kd_account;

typedef enum kd_pressure { KD_PRESSURE_NONE, KD_PRESSURE_BODIES, KD_PRESSURE_SHED } kd_pressure;

/* Sets the ceiling in bytes; 0 means none. Takes effect at once; what is already reserved stays. */
void kd_ledger_set_ceiling(size_t bytes);
size_t kd_ledger_ceiling(void);

/* Takes `bytes` into the account. False when the sum of all accounts would pass the ceiling; nothing is taken then. */
bool kd_ledger_reserve(kd_account account, size_t bytes);
/* Counts what has been taken already, such as memory of the kernel: never refused, even beyond the ceiling. */
void kd_ledger_charge(kd_account account, size_t bytes);
/* Gives back what was reserved or charged. */
void kd_ledger_release(kd_account account, size_t bytes);

size_t kd_ledger_used(kd_account account);
size_t kd_ledger_total(void);
kd_pressure kd_ledger_pressure(void);
/* The account's name in metrics and dumps. */
const char *kd_account_name(kd_account account);

#endif
