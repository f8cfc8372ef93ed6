/* What SIGUSR1 writes to the log: one JSON line with the ledger's accounts, connections (of each worker too) and
 * requests, scopes that are alive, upstream pools, detached exchanges and failures by class. For operators, and for
 * tests that look whether everything came back. */
#ifndef KD_GATEWAY_DUMP_H
#define KD_GATEWAY_DUMP_H

#include "net/worker.h"

/* Asks each worker for its share; the last one to answer writes the line. Returns at once. Without memory, or when a
 * mailbox is full, nothing is written. */
void kd_dump(kd_workers *workers);

#endif
