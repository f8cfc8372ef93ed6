#include "base/failure.h"

static const char *const names[KD_FAIL_COUNT] = {
#define X(name, text) text,
    KD_FAILURES(X)
#undef X
};

const char *kd_failure_name(kd_failure failure)
{
    return (unsigned)failure < KD_FAIL_COUNT ? names[failure] : "unknown";
}
