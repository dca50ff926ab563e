/*
 * Requests from eight threads at once, in several application groups.
 */
#include <pthread.h>

#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"
#define THREADS 8
#define REQUESTS 250

/* The name in the configuration, and what the application sees of it. */
static const char *const groups[][2] = {
    { "%{GLOBAL}", "" },
    { "first", "first" },
    { "second", "second" },
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

static wsgi_core_engine *engine;
static wsgi_core_settings *settings[GROUPS];

typedef struct client {
    pthread_t thread;
    int number;
    int served;
    exchange x;
} client;

static bool serve(client *c, size_t group, const char *path)
{
    wsgi_core_request_info info = request_info(SCRIPT, path);
    const wsgi_core_settings *const layers[] = { settings[group] };
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;

    info.settings = layers;
    info.settings_len = 1;
    exchange_init(&c->x);
    return exchange_serve(engine, &info, &c->x, &outcome, NULL) == WSGI_CORE_OK
           && outcome.complete && c->x.ends == 1;
}

static void *run(void *data)
{
    client *c = data;
    int i;

    for (i = 0; i < check_rounds(REQUESTS); i++) {
        size_t group = (size_t)(c->number + i) % GROUPS;
        bool good = i % 2 ? serve(c, group, "/stream")
                                && strcmp(c->x.sent, "one,two,three") == 0
                          : serve(c, group, "/group")
                                && strcmp(c->x.sent, groups[group][1]) == 0;
        c->served += good;
    }
    return NULL;
}

static void eight_threads(void)
{
    static client clients[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        clients[i].number = i;
        clients[i].served = 0;
        REQUIRE(pthread_create(&clients[i].thread, NULL, run, &clients[i])
                == 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        CHECK_INT(clients[i].served, check_rounds(REQUESTS));
    }
}

/* Threads that end, so that the state kept for each is released. */
static void short_lived_threads(void)
{
    int i;

    for (i = 0; i < check_rounds(20); i++) {
        eight_threads();
    }
}

int main(void)
{
    wsgi_core_error *err;
    size_t i;

    engine = engine_started();
    for (i = 0; i < GROUPS; i++) {
        settings[i] = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
        CHECK_CALL(wsgi_core_settings_set(settings[i], "application-group",
                                          groups[i][0], strlen(groups[i][0]),
                                          &err),
                   WSGI_CORE_OK, err);
    }
    RUN(eight_threads);
    RUN(short_lived_threads);
    CHECK_CALL(wsgi_core_engine_stop(engine, 10000, &err), WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    for (i = 0; i < GROUPS; i++) {
        wsgi_core_settings_free(settings[i]);
    }
    return check_end();
}
