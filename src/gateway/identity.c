#include "gateway/identity.h"

#include "gateway/generation.h"

bool kd_generation_add_rejecter(kd_generation *generation, const kd_rejecter *rejecter)
{
    if (generation->n_rejecters == KD_MAX_REJECTERS)
        return false;
    generation->rejecters[generation->n_rejecters++] = rejecter;
    return true;
}
