/* The running gateway: workers, listener, signals, reload and drain. */
#ifndef KD_GATEWAY_SERVE_H
#define KD_GATEWAY_SERVE_H

#include "base/error.h"
#include "config/model.h"

typedef struct kd_serve_options {
    kd_arena *arena; /* of the service; taken over */
    kd_service *service;
    const kd_errors *findings; /* of the load, for the log; may be NULL */
    /* Loads the configuration again for a reload: the service in *arena, or NULL with errors. */
    kd_service *(*load)(void *context, kd_arena *arena, kd_errors *errors);
    void *context;
} kd_serve_options;

/* Serves until SIGTERM or SIGINT. Returns the process's exit code (spec/01 sections 1.3 to 1.5): 0 also where the port
 * is taken, 2 where routes conflict. */
int kd_serve(const kd_serve_options *options);

#endif
