#include "base/shared.h"

#include <stdlib.h>

kd_blob *kd_blob_alloc(kd_account account, size_t n)
{
    if (n > SIZE_MAX / 2 || !kd_ledger_reserve(account, sizeof(kd_blob) + n))
        return NULL;
    kd_blob *blob = malloc(sizeof(*blob) + n);
    if (!blob) {
        kd_ledger_release(account, sizeof(*blob) + n);
        return NULL;
    }
    atomic_init(&blob->references, 1);
    blob->account = account;
    blob->n = n;
    return blob;
}

kd_blob *kd_blob_create(kd_account account, kd_str s)
{
    kd_blob *blob = kd_blob_alloc(account, s.n);
    if (blob && s.n)
        memcpy(blob->p, s.p, s.n);
    return blob;
}

void kd_blob_unref(kd_blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel) != 1)
        return;
    kd_ledger_release(blob->account, sizeof(*blob) + blob->n);
    free(blob);
}
