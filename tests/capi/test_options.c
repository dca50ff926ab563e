/*
 * The table of options, and what is said about values it does not accept.
 * Nothing here starts Python.
 */
#include "check.h"
#include "exchange.h"

/* Identifiers: an option that is not known here, and a value it does not take
 */
#define UNKNOWN 10
#define VALUE 11

static wsgi_core_error *err;

/* Set an option in an object of its own. */
static wsgi_core_status try_option(wsgi_core_scope scope, const char *name,
                                   const char *value, size_t value_len,
                                   wsgi_core_error **detail)
{
    wsgi_core_settings *settings;
    wsgi_core_config *config;
    wsgi_core_status status;

    if (scope == WSGI_CORE_SCOPE_PROCESS
        || scope == WSGI_CORE_SCOPE_INTERPRETER) {
        config = wsgi_core_config_new();
        if (scope == WSGI_CORE_SCOPE_INTERPRETER) {
            wsgi_core_config_begin_interpreters(config, "", 0, NULL);
        }
        status = wsgi_core_config_set(config, name, value, value_len, detail);
        wsgi_core_config_free(config);
    }
    else {
        settings = wsgi_core_settings_new(scope);
        status =
            wsgi_core_settings_set(settings, name, value, value_len, detail);
        wsgi_core_settings_free(settings);
    }
    return status;
}

static wsgi_core_option option_at(size_t index)
{
    wsgi_core_option option = WSGI_CORE_OPTION_INIT;

    CHECK_INT(wsgi_core_option_get(index, &option), WSGI_CORE_OK);
    return option;
}

static void options_are_described(void)
{
    size_t i;

    for (i = 0; i < wsgi_core_option_count(); i++) {
        wsgi_core_option option = option_at(i);
        CHECK(option.name && *option.name);
        CHECK(option.accepted && *option.accepted);
        CHECK(option.meaning && *option.meaning);
        CHECK(option.scope >= WSGI_CORE_SCOPE_PROCESS
              && option.scope <= WSGI_CORE_SCOPE_INTERPRETER);
        CHECK(strspn(option.name, "abcdefghijklmnopqrstuvwxyz-")
              == strlen(option.name));
    }
}

static void defaults_are_accepted(void)
{
    size_t i;

    for (i = 0; i < wsgi_core_option_count(); i++) {
        wsgi_core_option option = option_at(i);
        const char *value = option.default_value;
        if (value
            && try_option(option.scope, option.name, value, strlen(value), NULL)
                   != WSGI_CORE_OK) {
            CHECK_NOTE("%s refuses its default %s", option.name, value);
        }
    }
}

static void nul_is_refused(void)
{
    size_t i;

    for (i = 0; i < wsgi_core_option_count(); i++) {
        wsgi_core_option option = option_at(i);
        CHECK_CALL(try_option(option.scope, option.name, "On\0", 3, &err),
                   WSGI_CORE_E_OPTION, err);
    }
}

static void bad_values(void)
{
    static const struct {
        wsgi_core_scope scope;
        const char *name;
        const char *value;
    } cases[] = {
        { WSGI_CORE_SCOPE_PROCESS, "no-such-option", "On" },
        { WSGI_CORE_SCOPE_PROCESS, "script-reloading", "On" },
        { WSGI_CORE_SCOPE_DIRECTORY, "python-home", "/usr" },
        { WSGI_CORE_SCOPE_SCRIPT, "script-reloading", "On" },
        { WSGI_CORE_SCOPE_PROCESS, "restrict-stdin", "maybe" },
        { WSGI_CORE_SCOPE_PROCESS, "restrict-stdin", "" },
        { WSGI_CORE_SCOPE_PROCESS, "switch-interval", "0" },
        { WSGI_CORE_SCOPE_PROCESS, "switch-interval", "-1" },
        { WSGI_CORE_SCOPE_PROCESS, "switch-interval", "nan" },
        { WSGI_CORE_SCOPE_PROCESS, "switch-interval", "0.5s" },
        { WSGI_CORE_SCOPE_PROCESS, "python-hash-seed", "4294967296" },
        { WSGI_CORE_SCOPE_PROCESS, "python-hash-seed", "-1" },
        { WSGI_CORE_SCOPE_PROCESS, "python-hash-seed", "1x" },
        { WSGI_CORE_SCOPE_PROCESS, "python-optimize", "1x" },
        { WSGI_CORE_SCOPE_DIRECTORY, "map-head-to-get", "sometimes" },
        { WSGI_CORE_SCOPE_DIRECTORY, "callable-object", "" },
        { WSGI_CORE_SCOPE_SCRIPT, "pass-authorization", "yes" },
        { WSGI_CORE_SCOPE_INTERPRETER, "python-home", "/usr" },
        { WSGI_CORE_SCOPE_INTERPRETER, "switch-interval", "0" },
        { WSGI_CORE_SCOPE_INTERPRETER, "per-interpreter-gil", "maybe" },
        { WSGI_CORE_SCOPE_INTERPRETER, "application-group", "" },
        { WSGI_CORE_SCOPE_PROCESS, "free-threading", "maybe" },
        { WSGI_CORE_SCOPE_PROCESS, "destroy-interpreter", "1" },
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wsgi_core_error *detail = NULL;
        wsgi_core_status status;
        status = try_option(cases[i].scope, cases[i].name, cases[i].value,
                            strlen(cases[i].value), &detail);
        if (status != WSGI_CORE_E_OPTION) {
            CHECK_NOTE("%s=%s: status %d", cases[i].name, cases[i].value,
                       (int)status);
        }
        /* The host puts its own name of the option in front. */
        CHECK(wsgi_core_error_get_id(detail) == UNKNOWN
              || !strstr(wsgi_core_error_get_message(detail), cases[i].name));
        wsgi_core_error_free(detail);
    }
}

static void message_of_a_bad_value(void)
{
    wsgi_core_error *detail = NULL;

    CHECK_INT(try_option(WSGI_CORE_SCOPE_PROCESS, "restrict-stdin", "maybe", 5,
                         &detail),
              WSGI_CORE_E_OPTION);
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), "maybe");
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), "On or Off");
    CHECK_INT(wsgi_core_error_get_id(detail), VALUE);
    wsgi_core_error_free(detail);
}

static void bytes_that_are_not_text(void)
{
    CHECK_CALL(try_option(WSGI_CORE_SCOPE_PROCESS, "restrict-stdin",
                          "\xff\x01\n", 3, &err),
               WSGI_CORE_E_OPTION, err);
    /* But a file name may be any of them. */
    CHECK_CALL(try_option(WSGI_CORE_SCOPE_PROCESS, "python-path", "/\xff\xfe",
                          3, &err),
               WSGI_CORE_OK, err);
}

/* A mistake changes nothing: the next one is reported as well, and the
 * configuration can still be used. */
static void mistakes_in_a_row(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_engine *engine = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        CHECK_CALL(wsgi_core_config_set(config, "nonsense", "1", 1, &err),
                   WSGI_CORE_E_OPTION, err);
        CHECK_CALL(wsgi_core_config_set(config, "restrict-stdin", "2", 1, &err),
                   WSGI_CORE_E_OPTION, err);
    }
    CHECK_CALL(wsgi_core_config_set(config, "restrict-stdin", "On", 2, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err),
               WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    wsgi_core_config_free(config);
}

static void runtime_is_missing(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_engine *engine = NULL;
    wsgi_core_error *detail = NULL;
    const char *nowhere = "/nonexistent/wsgi-core";

    CHECK_CALL(wsgi_core_config_set(config, "runtime-dir", nowhere,
                                    strlen(nowhere), &err),
               WSGI_CORE_OK, err);
    CHECK_INT(wsgi_core_config_check(config, &detail), WSGI_CORE_E_PYTHON);
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), nowhere);
    wsgi_core_error_free(detail);
    CHECK_CALL(wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err),
               WSGI_CORE_E_PYTHON, err);
    CHECK(engine == NULL);
    wsgi_core_config_free(config);
}

static void keep_id(void *ctx, const wsgi_core_log_record *record)
{
    uint16_t *id = ctx;

    if (record->level <= WSGI_CORE_LEVEL_WARNING) {
        *id = record->id;
    }
}

static void python_home_is_missing(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_server server = WSGI_CORE_SERVER_INIT;
    wsgi_core_engine *engine = NULL;
    const char *nowhere = "/nonexistent/venv";
    uint16_t id = 0;

    server.log = keep_id;
    CHECK_CALL(wsgi_core_config_set(config, "python-home", nowhere,
                                    strlen(nowhere), &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_engine_prepare(config, &server, &id, &engine, &err),
               WSGI_CORE_OK, err);
    CHECK_INT(id, 23);
    wsgi_core_engine_free(engine);
    wsgi_core_config_free(config);
}

int main(void)
{
    RUN(options_are_described);
    RUN(defaults_are_accepted);
    RUN(nul_is_refused);
    RUN(bad_values);
    RUN(message_of_a_bad_value);
    RUN(bytes_that_are_not_text);
    RUN(mistakes_in_a_row);
    RUN(runtime_is_missing);
    RUN(python_home_is_missing);
    return check_end();
}
