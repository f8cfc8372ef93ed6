#include "lang/jose/alg.h"

static const kd_jose_alg algorithms[] = {
    {KD_STR_INIT("EdDSA"), KD_JOSE_EDDSA, 0, 0},    {KD_STR_INIT("HS256"), KD_JOSE_HMAC, 256, 0},
    {KD_STR_INIT("HS384"), KD_JOSE_HMAC, 384, 0},   {KD_STR_INIT("HS512"), KD_JOSE_HMAC, 512, 0},
    {KD_STR_INIT("RS256"), KD_JOSE_PKCS1, 256, 0},  {KD_STR_INIT("RS384"), KD_JOSE_PKCS1, 384, 0},
    {KD_STR_INIT("RS512"), KD_JOSE_PKCS1, 512, 0},  {KD_STR_INIT("ES256"), KD_JOSE_ECDSA, 256, 32},
    {KD_STR_INIT("ES384"), KD_JOSE_ECDSA, 384, 48}, {KD_STR_INIT("ES512"), KD_JOSE_ECDSA, 512, 66},
    {KD_STR_INIT("PS256"), KD_JOSE_PSS, 256, 0},    {KD_STR_INIT("PS384"), KD_JOSE_PSS, 384, 0},
    {KD_STR_INIT("PS512"), KD_JOSE_PSS, 512, 0},
};

const kd_jose_alg *kd_jose_alg_find(kd_str name)
{
    for (size_t i = 0; i < KD_COUNT(algorithms); i++)
        if (kd_str_eq(algorithms[i].name, name))
            return &algorithms[i];
    return NULL;
}

const kd_jose_alg *kd_jose_alg_at(size_t i)
{
    return i < KD_COUNT(algorithms) ? &algorithms[i] : NULL;
}
