/*
 * Every function with arguments that cannot be: NULL, lengths without data,
 * sizes of structures that do not exist, tables with holes.  Nothing here
 * starts Python.
 */
#include <limits.h>
#include <unistd.h>

#include "check.h"
#include "exchange.h"

#define SCRIPT CAPI_APPS "/probe.wsgi"

static wsgi_core_error *err;

/* An engine that is never started. */
static wsgi_core_engine *prepared(void)
{
    wsgi_core_config *config = wsgi_core_config_new();
    wsgi_core_engine *engine = NULL;

    CHECK_CALL(wsgi_core_engine_prepare(config, NULL, NULL, &engine, &err),
               WSGI_CORE_OK, err);
    wsgi_core_config_free(config);
    return engine;
}

static void versions(void)
{
    CHECK_INT(wsgi_core_abi_version(), WSGI_CORE_ABI_VERSION);
    CHECK_CALL(wsgi_core_abi_check(WSGI_CORE_ABI_VERSION, &err), WSGI_CORE_OK,
               err);
    CHECK_CALL(wsgi_core_abi_check(WSGI_CORE_ABI_VERSION + 1, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_abi_check(0, &err), WSGI_CORE_E_ARGUMENT, err);
    CHECK_TEXT(wsgi_core_version(), WSGI_CORE_VERSION);
}

static void null_is_freed(void)
{
    wsgi_core_error_free(NULL);
    wsgi_core_settings_free(NULL);
    wsgi_core_config_free(NULL);
    wsgi_core_engine_free(NULL);
    wsgi_core_request_free(NULL);
}

static void null_error(void)
{
    CHECK_INT(wsgi_core_error_get_status(NULL), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_error_get_id(NULL), 0);
    CHECK_TEXT(wsgi_core_error_get_message(NULL), "");
    CHECK_INT(wsgi_core_error_get_http_status(NULL), 500);
    CHECK_INT(wsgi_core_error_head_sent(NULL), false);
}

static void details_of_an_error(void)
{
    wsgi_core_error *detail = NULL;

    CHECK_INT(wsgi_core_config_check(NULL, &detail), WSGI_CORE_E_ARGUMENT);
    REQUIRE(detail);
    CHECK_INT(wsgi_core_error_get_status(detail), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_error_get_id(detail), 1);
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), "config");
    CHECK_INT(wsgi_core_error_get_http_status(detail), 500);
    CHECK_INT(wsgi_core_error_head_sent(detail), false);
    wsgi_core_error_free(detail);
}

static void details_are_optional(void)
{
    CHECK_INT(wsgi_core_config_check(NULL, NULL), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_engine_start(NULL, NULL), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_engine_stop(NULL, 0, NULL), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_settings_set(NULL, NULL, NULL, 0, NULL),
              WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_request_serve(NULL, NULL, NULL, NULL, NULL),
              WSGI_CORE_E_ARGUMENT);
}

static void option_get(void)
{
    struct {
        wsgi_core_option option;
        char beyond[16];
    } place;
    size_t count = wsgi_core_option_count();

    memset(&place, 'x', sizeof(place));
    CHECK(count > 0);
    CHECK_INT(wsgi_core_option_get(0, NULL), WSGI_CORE_E_ARGUMENT);
    place.option.struct_size = 0;
    CHECK_INT(wsgi_core_option_get(0, &place.option), WSGI_CORE_E_STRUCT_SIZE);
    place.option.struct_size = sizeof(size_t);
    CHECK_INT(wsgi_core_option_get(0, &place.option), WSGI_CORE_E_STRUCT_SIZE);
    place.option.struct_size = SIZE_MAX;
    CHECK_INT(wsgi_core_option_get(0, &place.option), WSGI_CORE_E_STRUCT_SIZE);
    place.option.struct_size = sizeof(place.option);
    CHECK_INT(wsgi_core_option_get(count, &place.option), WSGI_CORE_E_ARGUMENT);
    CHECK_INT(wsgi_core_option_get(SIZE_MAX, &place.option),
              WSGI_CORE_E_ARGUMENT);
    CHECK(memcmp(&place.option.name, "xxxx", 4) == 0);

    /* A caller that knows more members keeps what is in them. */
    place.option.struct_size = sizeof(place);
    CHECK_INT(wsgi_core_option_get(0, &place.option), WSGI_CORE_OK);
    CHECK_INT(place.option.struct_size, sizeof(place));
    CHECK(memcmp(place.beyond, "xxxxxxxxxxxxxxxx", 16) == 0);
    CHECK(strlen(place.option.name) > 0);
}

static void scopes_of_settings(void)
{
    CHECK(wsgi_core_settings_new(WSGI_CORE_SCOPE_PROCESS) == NULL);
    CHECK(wsgi_core_settings_new(-1) == NULL);
    CHECK(wsgi_core_settings_new(WSGI_CORE_SCOPE_INTERPRETER + 1) == NULL);
    CHECK(wsgi_core_settings_new(INT32_MIN) == NULL);
}

static void settings_set(void)
{
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const char *name = "script-reloading";

    REQUIRE(s);
    CHECK_CALL(wsgi_core_settings_set(NULL, name, "On", 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_set(s, NULL, "On", 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_set(s, name, NULL, 0, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_set(s, name, NULL, 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_set(s, name, "On", SIZE_MAX, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_set(s, name, "On", 0, &err),
               WSGI_CORE_E_OPTION, err);
    CHECK_CALL(wsgi_core_settings_set(s, "", "On", 2, &err), WSGI_CORE_E_OPTION,
               err);
    CHECK(wsgi_core_settings_set(s, "\xff\xfe", "On", 2, NULL) != WSGI_CORE_OK);
    CHECK_CALL(wsgi_core_settings_set(s, name, "On!", 2, &err), WSGI_CORE_OK,
               err);
    wsgi_core_settings_free(s);
}

static void config_set(void)
{
    wsgi_core_config *c = wsgi_core_config_new();
    const char *name = "case-sensitivity";

    REQUIRE(c);
    CHECK_CALL(wsgi_core_config_set(NULL, name, "On", 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_set(c, NULL, "On", 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_set(c, name, NULL, 0, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_set(c, name, NULL, 2, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_set(c, name, "On", SIZE_MAX, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_set(c, name, "On", 0, &err), WSGI_CORE_E_OPTION,
               err);
    CHECK_CALL(wsgi_core_config_set(c, "", "On", 2, &err), WSGI_CORE_E_OPTION,
               err);
    CHECK(wsgi_core_config_set(c, "\xff\xfe", "On", 2, NULL) != WSGI_CORE_OK);
    CHECK_CALL(wsgi_core_config_set(c, name, "On!", 2, &err), WSGI_CORE_OK,
               err);
    wsgi_core_config_free(c);
}

static void add_application(void)
{
    wsgi_core_mapping m = WSGI_CORE_MAPPING_INIT;
    wsgi_core_config *c = wsgi_core_config_new();
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_SCRIPT);
    const wsgi_core_settings *layers[2];

    layers[0] = s;
    layers[1] = NULL;
    CHECK_CALL(wsgi_core_config_add_application(NULL, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_application(c, NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.script.len = 5;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.script.data = SCRIPT;
    m.script.len = SIZE_MAX;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.script.len = strlen(SCRIPT);
    m.settings_len = 1;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.settings = layers;
    m.settings_len = 2;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.settings_len = SIZE_MAX;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    m.settings_len = 1;
    m.struct_size = 1;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err),
               WSGI_CORE_E_STRUCT_SIZE, err);
    m.struct_size = sizeof(m);
    m.is_pattern = true;
    CHECK_CALL(wsgi_core_config_add_application(c, &m, &err), WSGI_CORE_OK,
               err);
    /* The layer was copied. */
    wsgi_core_settings_free(s);
    CHECK_CALL(wsgi_core_config_check(c, &err), WSGI_CORE_OK, err);
    wsgi_core_config_free(c);
}

static wsgi_core_status parse(wsgi_core_settings *s, const char *line)
{
    return wsgi_core_settings_parse(s, line, strlen(line), &err);
}

static void add_import(void)
{
    wsgi_core_mapping m = WSGI_CORE_MAPPING_INIT;
    wsgi_core_config *c = wsgi_core_config_new();
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_SCRIPT);
    const wsgi_core_settings *layers[1];

    layers[0] = s;
    CHECK_CALL(wsgi_core_config_add_import(NULL, &m, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_import(c, NULL, &err), WSGI_CORE_E_ARGUMENT,
               err);
    CHECK_CALL(wsgi_core_config_add_import(c, &m, &err), WSGI_CORE_E_ARGUMENT,
               err);
    m.script.data = SCRIPT;
    m.script.len = strlen(SCRIPT);
    CHECK_CALL(wsgi_core_config_add_import(c, &m, &err), WSGI_CORE_E_OPTION,
               err);
    m.settings = layers;
    m.settings_len = 1;
    CHECK_CALL(parse(s, "process-group=x"), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_add_import(c, &m, &err), WSGI_CORE_E_OPTION,
               err);
    CHECK_CALL(parse(s, "application-group='%{GLOBAL}'"), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_add_import(c, &m, &err), WSGI_CORE_E_OPTION,
               err);
    CHECK_CALL(parse(s, "process-group=\"%{GLOBAL}\""), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_add_import(c, &m, &err), WSGI_CORE_OK, err);
    wsgi_core_settings_free(s);
    wsgi_core_config_free(c);
}

static void settings_parse(void)
{
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_SCRIPT);
    static const char *const mistakes[] = {
        "word",
        "=",
        "a = b",
        "process-group=",
        "bogus=1",
        "process-group= x",
        "'process-group'=x",
        "pass-authorization=maybe",
        "\\",
        "'",
    };
    size_t i;

    CHECK_CALL(wsgi_core_settings_parse(NULL, "", 0, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_parse(s, NULL, 0, &err), WSGI_CORE_E_ARGUMENT,
               err);
    CHECK_CALL(wsgi_core_settings_parse(s, "a=b", SIZE_MAX, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_settings_parse(s, "process-group=a\0b", 17, &err),
               WSGI_CORE_E_OPTION, err);
    for (i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        CHECK_CALL(parse(s, mistakes[i]), WSGI_CORE_E_OPTION, err);
    }
    CHECK_CALL(parse(s, ""), WSGI_CORE_OK, err);
    CHECK_CALL(parse(s, " process-group='a b'\tcallable-object=x "),
               WSGI_CORE_OK, err);
    wsgi_core_settings_free(s);
}

static wsgi_core_status parse_process(wsgi_core_config *c, const char *line)
{
    return wsgi_core_config_parse(c, line, strlen(line), &err);
}

static void config_parse(void)
{
    wsgi_core_config *c = wsgi_core_config_new();

    CHECK_CALL(wsgi_core_config_parse(NULL, "", 0, &err), WSGI_CORE_E_ARGUMENT,
               err);
    CHECK_CALL(wsgi_core_config_parse(c, NULL, 0, &err), WSGI_CORE_E_ARGUMENT,
               err);
    CHECK_CALL(wsgi_core_config_parse(c, "a=b", SIZE_MAX, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(parse_process(c, "threads"), WSGI_CORE_E_OPTION, err);
    CHECK_CALL(parse_process(c, "threads=many"), WSGI_CORE_E_OPTION, err);
    CHECK_CALL(parse_process(c, "bogus=1"), WSGI_CORE_E_OPTION, err);
    CHECK_CALL(parse_process(c, ""), WSGI_CORE_OK, err);
    CHECK_CALL(parse_process(c, " threads=4\thost-description='a server' "),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_check(c, &err), WSGI_CORE_OK, err);
    wsgi_core_config_free(c);
}

static void settings_find_handler(void)
{
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *layers[2];
    const char *value = "mine /handler.py application-group=x";

    layers[0] = s;
    layers[1] = NULL;
    CHECK_CALL(
        wsgi_core_settings_set(s, "handler-script", value, strlen(value), &err),
        WSGI_CORE_OK, err);
    CHECK_INT(wsgi_core_settings_find_handler("mine", 4, layers, 1),
              WSGI_CORE_HANDLER_SCRIPT);
    CHECK_INT(wsgi_core_settings_find_handler("mine", 4, NULL, 0),
              WSGI_CORE_HANDLER_NONE);
    CHECK_INT(wsgi_core_settings_find_handler("wsgi-script", 11, NULL, 0),
              WSGI_CORE_HANDLER_APPLICATION);
    CHECK_INT(wsgi_core_settings_find_handler("", 0, layers, 1),
              WSGI_CORE_HANDLER_NONE);
    CHECK_INT(wsgi_core_settings_find_handler(NULL, 4, layers, 1),
              WSGI_CORE_HANDLER_NONE);
    CHECK_INT(wsgi_core_settings_find_handler("mine", 4, layers, 2),
              WSGI_CORE_HANDLER_NONE);
    CHECK_INT(wsgi_core_settings_find_handler("mine", 4, NULL, 1),
              WSGI_CORE_HANDLER_NONE);
    CHECK_INT(wsgi_core_settings_find_handler("mine", SIZE_MAX, layers, 1),
              WSGI_CORE_HANDLER_NONE);
    wsgi_core_settings_free(s);
}

static void path_rest(void)
{
    const char *path = "//app/x";

    CHECK(wsgi_core_path_rest(path, 7, "/app", 4) == path + 5);
    CHECK(wsgi_core_path_rest(path, 7, "/app/x", 6) == path + 7);
    CHECK(wsgi_core_path_rest(path, 7, "//", 2) == path);
    CHECK(wsgi_core_path_rest("/application", 12, "/app", 4) == NULL);
    CHECK(wsgi_core_path_rest("", 0, "/", 1) == NULL);
    CHECK(wsgi_core_path_rest(NULL, 0, "/", 1) == NULL);
    CHECK(wsgi_core_path_rest("/", 1, NULL, 1) == NULL);
    CHECK(wsgi_core_path_rest("/", 1, "", 0) == NULL);
    CHECK(wsgi_core_path_rest("/", SIZE_MAX, "/", 1) == NULL);
}

static void engine_prepare(void)
{
    wsgi_core_config *c = wsgi_core_config_new();
    wsgi_core_server server = WSGI_CORE_SERVER_INIT;
    wsgi_core_engine *const untouched = (wsgi_core_engine *)(void *)&server;
    wsgi_core_engine *engine = untouched;

    CHECK_CALL(wsgi_core_engine_prepare(NULL, &server, NULL, &engine, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_engine_prepare(c, &server, NULL, NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    server.struct_size = 0;
    CHECK_CALL(wsgi_core_engine_prepare(c, &server, NULL, &engine, &err),
               WSGI_CORE_E_STRUCT_SIZE, err);
    server.struct_size = sizeof(server) - 1;
    CHECK_CALL(wsgi_core_engine_prepare(c, &server, NULL, &engine, &err),
               WSGI_CORE_E_STRUCT_SIZE, err);
    server.struct_size = SIZE_MAX;
    CHECK_CALL(wsgi_core_engine_prepare(c, &server, NULL, &engine, &err),
               WSGI_CORE_E_STRUCT_SIZE, err);
    CHECK(engine == untouched);

    /* All defaults, in both ways. */
    CHECK_CALL(wsgi_core_engine_prepare(c, NULL, NULL, &engine, &err),
               WSGI_CORE_OK, err);
    wsgi_core_engine_free(engine);
    server.struct_size = sizeof(server);
    CHECK_INT(wsgi_core_engine_prepare(c, &server, NULL, &engine, NULL),
              WSGI_CORE_OK);
    wsgi_core_engine_free(engine);
    wsgi_core_config_free(c);
}

static void engine_life(void)
{
    wsgi_core_engine *engine = prepared();

    CHECK_CALL(wsgi_core_engine_start(NULL, &err), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_engine_stop(NULL, 10, &err), WSGI_CORE_E_ARGUMENT,
               err);
    CHECK(wsgi_core_engine_get_python_version(NULL) == NULL);
    CHECK_CONTAINS(wsgi_core_engine_get_python_version(engine), "3.");

    /* Stopping is allowed without a start and twice; starting after it not. */
    CHECK_CALL(wsgi_core_engine_stop(engine, 0, &err), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_engine_stop(engine, UINT64_MAX, &err), WSGI_CORE_OK,
               err);
    CHECK_CALL(wsgi_core_engine_start(engine, &err), WSGI_CORE_E_STATE, err);
    wsgi_core_engine_free(engine);
}

static void process_groups(void)
{
    wsgi_core_config *c = wsgi_core_config_new();
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_GROUP);
    wsgi_core_settings *d = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);

    CHECK_CALL(wsgi_core_settings_set(s, "processes", "0", 1, &err),
               WSGI_CORE_E_OPTION, err);
    CHECK_CALL(wsgi_core_settings_set(s, "processes", "2", 1, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_add_group(NULL, "g", 1, NULL, s, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, NULL, 1, NULL, s, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "", 0, NULL, s, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "g", 1, NULL, NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "g", 1, NULL, d, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "g", 1, NULL, s, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "g", 1, NULL, s, &err),
               WSGI_CORE_E_ARGUMENT, err);
    wsgi_core_settings_free(s);
    wsgi_core_settings_free(d);
    wsgi_core_config_free(c);
}

static wsgi_core_status set_log(wsgi_core_config *c, const char *name,
                                size_t name_len, int fd)
{
    return wsgi_core_config_set_group_log(c, name, name_len, fd,
                                          WSGI_CORE_LEVEL_INFO, &err);
}

static void group_logs(void)
{
    wsgi_core_config *c = wsgi_core_config_new();
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_GROUP);

    CHECK_CALL(set_log(c, "g", 1, -1), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_add_group(c, "g", 1, NULL, s, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(set_log(NULL, "g", 1, -1), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(set_log(c, NULL, 1, -1), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(set_log(c, "other", 5, -1), WSGI_CORE_E_ARGUMENT, err);
    /* No descriptors, and one that is not open. */
    CHECK_CALL(set_log(c, "g", 1, -2), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(set_log(c, "g", 1, INT_MAX), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(set_log(c, "g", 1, -1), WSGI_CORE_OK, err);
    CHECK_CALL(set_log(c, "g", 1, STDERR_FILENO), WSGI_CORE_OK, err);
    wsgi_core_settings_free(s);
    wsgi_core_config_free(c);
}

static void interpreters(void)
{
    wsgi_core_config *c = wsgi_core_config_new();

    CHECK_CALL(wsgi_core_config_begin_interpreters(NULL, "", 0, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_begin_interpreters(c, NULL, 1, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_begin_interpreters(c, "x=y", 3, &err),
               WSGI_CORE_E_OPTION, err);
    CHECK_CALL(wsgi_core_config_end_interpreters(NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_config_end_interpreters(c, &err), WSGI_CORE_E_STATE,
               err);
    CHECK_CALL(
        wsgi_core_config_begin_interpreters(c, "process-group=a", 15, &err),
        WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_begin_interpreters(c, "", 0, &err),
               WSGI_CORE_E_STATE, err);
    CHECK_CALL(wsgi_core_config_set(c, "python-home", "/usr", 4, &err),
               WSGI_CORE_E_OPTION, err);
    CHECK_CALL(wsgi_core_config_set(c, "switch-interval", "0.5", 3, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_end_interpreters(c, &err), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_set(c, "verbose-debugging", "On", 2, &err),
               WSGI_CORE_OK, err);
    CHECK_INT(wsgi_core_settings_new(WSGI_CORE_SCOPE_INTERPRETER) == NULL, 1);
    wsgi_core_config_free(c);
}

/* What is set for some interpreters only was perhaps meant for all. */
static void interpreters_without_an_end(void)
{
    wsgi_core_config *c = wsgi_core_config_new();
    const char *selectors = "application-group=sub";
    wsgi_core_error *detail = NULL;
    wsgi_core_engine *engine = NULL;

    CHECK_CALL(wsgi_core_config_begin_interpreters(c, selectors,
                                                   strlen(selectors), &err),
               WSGI_CORE_OK, err);
    CHECK_INT(wsgi_core_config_check(c, &detail), WSGI_CORE_E_STATE);
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), selectors);
    wsgi_core_error_free(detail);
    detail = NULL;
    CHECK_INT(wsgi_core_engine_prepare(c, NULL, NULL, &engine, &detail),
              WSGI_CORE_E_STATE);
    CHECK_CONTAINS(wsgi_core_error_get_message(detail), selectors);
    wsgi_core_error_free(detail);
    CHECK(engine == NULL);
    CHECK_CALL(wsgi_core_config_end_interpreters(c, &err), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_config_check(c, &err), WSGI_CORE_OK, err);
    wsgi_core_config_free(c);
}

static void supervisors(void)
{
    wsgi_core_engine *engine = prepared();

    CHECK_CALL(wsgi_core_engine_tend(NULL, &err), WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_engine_child_ended(NULL, 1, 0, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_INT(wsgi_core_engine_get_supervisor_pid(NULL), 0);
    /* Without process groups there is none. */
    CHECK_CALL(wsgi_core_engine_tend(engine, &err), WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_engine_child_ended(engine, 1, 0, &err), WSGI_CORE_OK,
               err);
    CHECK_INT(wsgi_core_engine_get_supervisor_pid(engine), 0);
    wsgi_core_engine_free(engine);
}

/* A member of the facts with data missing for its length. */
static void check_member(const wsgi_core_engine *engine, size_t offset,
                         const char *name)
{
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_request *request = NULL;
    wsgi_core_bytes *member =
        (wsgi_core_bytes *)(void *)((char *)&info + offset);

    member->data = NULL;
    member->len = 7;
    if (wsgi_core_request_new(engine, &info, &request, NULL)
        != WSGI_CORE_E_ARGUMENT) {
        CHECK_NOTE("%s without data was accepted", name);
    }
    member->data = "x";
    member->len = SIZE_MAX;
    if (wsgi_core_request_new(engine, &info, &request, NULL)
        != WSGI_CORE_E_ARGUMENT) {
        CHECK_NOTE("%s of impossible length was accepted", name);
    }
    CHECK(request == NULL);
}

#define MEMBER(name) \
    check_member(engine, offsetof(wsgi_core_request_info, name), #name)

static void members_of_request_info(void)
{
    wsgi_core_engine *engine = prepared();

    MEMBER(method);
    MEMBER(request_uri);
    MEMBER(script_name);
    MEMBER(path_info);
    MEMBER(query_string);
    MEMBER(protocol);
    MEMBER(scheme);
    MEMBER(server_name);
    MEMBER(server_addr);
    MEMBER(remote_addr);
    MEMBER(server_hostname);
    MEMBER(host);
    MEMBER(script);
    MEMBER(filename);
    MEMBER(listener_host);
    MEMBER(request_id);
    MEMBER(connection_id);
    MEMBER(handler);
    wsgi_core_engine_free(engine);
}

/* What wsgi_core_request_new() says to these facts. */
static wsgi_core_status try_info(const wsgi_core_engine *engine,
                                 const wsgi_core_request_info *info)
{
    wsgi_core_request *request = NULL;
    wsgi_core_status status;

    status = wsgi_core_request_new(engine, info, &request, NULL);
    CHECK((status == WSGI_CORE_OK) == (request != NULL));
    wsgi_core_request_free(request);
    return status;
}

static void request_new(void)
{
    wsgi_core_engine *engine = prepared();
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_request *request = NULL;
    size_t size;

    CHECK_CALL(wsgi_core_request_new(NULL, &info, &request, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_request_new(engine, NULL, &request, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK_CALL(wsgi_core_request_new(engine, &info, NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    CHECK(request == NULL);

    for (size = 0; size < sizeof(info); size += sizeof(size_t)) {
        info.struct_size = size;
        CHECK_INT(try_info(engine, &info), WSGI_CORE_E_STRUCT_SIZE);
    }
    info.struct_size = SIZE_MAX;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_STRUCT_SIZE);

    info = request_info(SCRIPT, "/hello");
    info.method = bytes(NULL);
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info = request_info(NULL, "/hello");
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info = request_info(SCRIPT, "/hello");
    info.script_type = 77;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.script_type = -1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);

    info = request_info(SCRIPT, "/hello");
    CHECK_INT(try_info(engine, &info), WSGI_CORE_OK);
    wsgi_core_engine_free(engine);
}

static void arrays_of_request_info(void)
{
    wsgi_core_engine *engine = prepared();
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_settings *s = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
    const wsgi_core_settings *layers[2];
    wsgi_core_pair pairs[2] = { 0 };

    layers[0] = s;
    layers[1] = NULL;
    info.settings_len = 1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.settings = layers;
    info.settings_len = 2;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.settings_len = SIZE_MAX;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.settings_len = 1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_OK);

    info.headers_len = 1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.headers = pairs;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    pairs[0].name = bytes("Accept");
    pairs[0].value.len = 3;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    pairs[0].value = bytes("*/*");
    info.headers_len = SIZE_MAX;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.headers_len = 1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_OK);

    info.variables_len = 1;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    info.variables = &pairs[1];
    CHECK_INT(try_info(engine, &info), WSGI_CORE_E_ARGUMENT);
    pairs[1].name = bytes("SERVER_SOFTWARE");
    CHECK_INT(try_info(engine, &info), WSGI_CORE_OK);

    /* An array of nothing may be anywhere. */
    info.headers_len = info.variables_len = info.settings_len = 0;
    CHECK_INT(try_info(engine, &info), WSGI_CORE_OK);
    wsgi_core_settings_free(s);
    wsgi_core_engine_free(engine);
}

/* Serve a request of its own with this table; a request is always consumed. */
static void check_serve(const wsgi_core_engine *engine,
                        const wsgi_core_host *host, wsgi_core_outcome *outcome,
                        wsgi_core_status expected)
{
    static exchange x;
    wsgi_core_request_info info = request_info(SCRIPT, "/hello");
    wsgi_core_request *request = NULL;

    exchange_init(&x);
    CHECK_CALL(wsgi_core_request_new(engine, &info, &request, &err),
               WSGI_CORE_OK, err);
    CHECK_CALL(wsgi_core_request_serve(request, host, &x, outcome, &err),
               expected, err);
    CHECK_INT(x.calls, 0);
}

static void request_serve(void)
{
    wsgi_core_engine *engine = prepared();
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_host host = exchange_host;

    CHECK_CALL(wsgi_core_request_serve(NULL, &host, NULL, NULL, &err),
               WSGI_CORE_E_ARGUMENT, err);
    check_serve(engine, NULL, NULL, WSGI_CORE_E_ARGUMENT);
    host.struct_size = 0;
    check_serve(engine, &host, NULL, WSGI_CORE_E_STRUCT_SIZE);
    host.struct_size = sizeof(host) / 2;
    check_serve(engine, &host, NULL, WSGI_CORE_E_STRUCT_SIZE);
    host.struct_size = SIZE_MAX;
    check_serve(engine, &host, NULL, WSGI_CORE_E_STRUCT_SIZE);

    host = exchange_host;
    host.read = NULL;
    check_serve(engine, &host, NULL, WSGI_CORE_E_ARGUMENT);
    host = exchange_host;
    host.send_head = NULL;
    check_serve(engine, &host, NULL, WSGI_CORE_E_ARGUMENT);
    host = exchange_host;
    host.send = NULL;
    check_serve(engine, &host, NULL, WSGI_CORE_E_ARGUMENT);

    host = exchange_host;
    outcome.struct_size = 0;
    check_serve(engine, &host, &outcome, WSGI_CORE_E_STRUCT_SIZE);
    outcome.struct_size = SIZE_MAX;
    check_serve(engine, &host, &outcome, WSGI_CORE_E_STRUCT_SIZE);

    /* Everything right but the time: the engine was not started. */
    outcome.struct_size = sizeof(outcome);
    check_serve(engine, &host, &outcome, WSGI_CORE_E_STATE);
    CHECK_INT(outcome.head_sent, false);
    CHECK_INT(outcome.complete, false);
    wsgi_core_engine_free(engine);
}

int main(void)
{
    RUN(versions);
    RUN(null_is_freed);
    RUN(null_error);
    RUN(details_of_an_error);
    RUN(details_are_optional);
    RUN(option_get);
    RUN(scopes_of_settings);
    RUN(settings_set);
    RUN(config_set);
    RUN(add_application);
    RUN(add_import);
    RUN(settings_parse);
    RUN(config_parse);
    RUN(settings_find_handler);
    RUN(path_rest);
    RUN(engine_prepare);
    RUN(engine_life);
    RUN(process_groups);
    RUN(group_logs);
    RUN(interpreters);
    RUN(interpreters_without_an_end);
    RUN(supervisors);
    RUN(members_of_request_info);
    RUN(request_new);
    RUN(arrays_of_request_info);
    RUN(request_serve);
    return check_end();
}
