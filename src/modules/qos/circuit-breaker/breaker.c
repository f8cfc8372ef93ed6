#include "modules/qos/circuit-breaker/breaker.h"

const char *kd_breaker_state_name(kd_breaker_state state)
{
    static const char *const names[] = {"closed", "half-open", "open"};
    return names[state];
}

static bool is_past(int64_t expiry, kd_ns now)
{
    return expiry && expiry < now;
}

/* What threads without the lock see. Even while the two words change. */
static void publish(kd_breaker *b, int64_t expiry)
{
    atomic_store(&b->quiet, b->generation * 2);
    atomic_store(&b->expiry, expiry);
    if (b->state == KD_BREAKER_CLOSED && b->failures == 0)
        atomic_store(&b->quiet, b->generation * 2 + 1);
}

static kd_ns after(kd_ns now, kd_ns time)
{
    return now > INT64_MAX - time ? INT64_MAX : now + time;
}

static void begin_generation(kd_breaker *b, kd_ns now)
{
    int64_t expiry = 0;
    b->generation++;
    b->failures = b->probes = 0;
    if (b->state == KD_BREAKER_OPEN)
        expiry = after(now, b->rule.timeout);
    else if (b->state == KD_BREAKER_CLOSED && b->rule.interval)
        expiry = after(now, b->rule.interval);
    publish(b, expiry);
}

void kd_breaker_init(kd_breaker *b, const kd_breaker_rule *rule, kd_ns now)
{
    *b = (kd_breaker){.rule = *rule};
    pthread_mutex_init(&b->lock, NULL);
    begin_generation(b, now);
}

void kd_breaker_fini(kd_breaker *b)
{
    pthread_mutex_destroy(&b->lock);
}

static void set_state(kd_breaker *b, kd_breaker_state state, kd_ns now, kd_breaker_change *change)
{
    *change = (kd_breaker_change){true, b->state, state};
    b->state = state;
    if (state == KD_BREAKER_OPEN)
        atomic_fetch_add_explicit(&b->opened, 1, memory_order_relaxed);
    begin_generation(b, now);
}

/* What time has changed since the last call. */
static void catch_up(kd_breaker *b, kd_ns now, kd_breaker_change *change)
{
    if (!is_past(atomic_load(&b->expiry), now))
        return;
    if (b->state == KD_BREAKER_OPEN)
        set_state(b, KD_BREAKER_HALF_OPEN, now, change);
    else if (b->state == KD_BREAKER_CLOSED)
        begin_generation(b, now);
}

/* Is it closed, without failures, and in its present interval at `now`? Then *ticket names its generation. */
static bool is_quiet(kd_breaker *b, kd_ns now, uint64_t *ticket)
{
    uint64_t quiet = atomic_load(&b->quiet);
    *ticket = quiet / 2;
    if (!(quiet & 1))
        return false;
    return b->rule.interval == 0 || (!is_past(atomic_load(&b->expiry), now) && atomic_load(&b->quiet) == quiet);
}

kd_breaker_answer kd_breaker_before(kd_breaker *b, kd_ns now, uint64_t *ticket, kd_breaker_change *change)
{
    kd_breaker_answer answer = KD_BREAKER_PASS;
    change->changed = false;
    if (is_quiet(b, now, ticket))
        return answer;
    pthread_mutex_lock(&b->lock);
    catch_up(b, now, change);
    if (b->state == KD_BREAKER_OPEN)
        answer = KD_BREAKER_IS_OPEN;
    else if (b->state == KD_BREAKER_HALF_OPEN && b->probes >= 1)
        answer = KD_BREAKER_TOO_MANY;
    else if (b->state == KD_BREAKER_HALF_OPEN)
        b->probes++;
    *ticket = b->generation;
    pthread_mutex_unlock(&b->lock);
    if (answer != KD_BREAKER_PASS)
        atomic_fetch_add_explicit(&b->turned_away, 1, memory_order_relaxed);
    return answer;
}

static void count(kd_breaker *b, kd_ns now, kd_breaker_result result, kd_breaker_change *change)
{
    if (result == KD_BREAKER_EXCLUDED) {
        if (b->state == KD_BREAKER_HALF_OPEN)
            b->probes--;
    } else if (b->state == KD_BREAKER_HALF_OPEN) {
        set_state(b, result == KD_BREAKER_SUCCESS ? KD_BREAKER_CLOSED : KD_BREAKER_OPEN, now, change);
    } else if (result == KD_BREAKER_SUCCESS) {
        if (b->failures) {
            b->failures = 0;
            publish(b, atomic_load(&b->expiry));
        }
    } else if (b->failures++ >= b->rule.max_errors) {
        set_state(b, KD_BREAKER_OPEN, now, change);
    } else {
        publish(b, atomic_load(&b->expiry));
    }
}

void kd_breaker_after(kd_breaker *b, kd_ns now, uint64_t ticket, kd_breaker_result result, kd_breaker_change *change)
{
    uint64_t present;
    change->changed = false;
    if (result != KD_BREAKER_FAILURE && is_quiet(b, now, &present) && present == ticket)
        return;
    pthread_mutex_lock(&b->lock);
    catch_up(b, now, change);
    if (b->generation == ticket)
        count(b, now, result, change);
    pthread_mutex_unlock(&b->lock);
}
