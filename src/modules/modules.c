#include "modules/modules.h"

const kd_module *const kd_modules[] = {
#define KD_MODULE(symbol) &kd_module_##symbol,
#include "modules/modules.def"
#undef KD_MODULE
    NULL,
};
