/*
 * mod_wsgi.c: httpd as a host of libwsgi_core.
 *
 * A directive is an option of the engine, which alone knows its values. A
 * request is handed to the engine whole; the callbacks below move its body
 * and its response between brigades and the engine. What WSGI means is not
 * known here, and neither is Python.
 *
 * Build and install: apxs -i -c mod_wsgi.c -lwsgi_core
 */

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_mpm.h"
#include "mpm_common.h"
#include "util_filter.h"
#include "unixd.h"
#include "util_script.h"

#include "apr_buckets.h"
#include "apr_hash.h"
#include "apr_lib.h"
#include "apr_optional.h"
#include "apr_portable.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include <unistd.h>

#include "wsgi_core.h"

/* the hook child_stopping */
#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
#error "mod_wsgi needs httpd 2.4.49 or later"
#endif

/* The release of mod_wsgi that this module is compatible with. */
#define MOD_WSGI_VERSION "mod_wsgi/6.1.1"

#define WSGI_HANDLER "wsgi-script"

/* How long a child waits at its end for requests and for Python, within the
 * ten seconds or so after which the parent kills it.
 */
#define STOP_TIMEOUT_MS 5000

APLOG_USE_MODULE(wsgi);

APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec *));

/* One per reading of the configuration, shared by all servers. */
typedef struct {
    wsgi_core_config *options;
    apr_array_header_t *declarations;  /* of declaration */
    const ap_directive_t *python_home; /* for errors found after reading */
    wsgi_core_engine *engine;          /* from post_config on */
    apr_pool_t *pool;
    int stop_timed_out;
    APR_OPTIONAL_FN_TYPE(ssl_is_https) * ssl_is_https;
} process_config;

typedef struct {
    const char *url; /* as configured: a prefix, or the regular expression */
    ap_regex_t *regex;
    const char *target;
    int is_root;                  /* the prefix is "/" */
    wsgi_core_settings *settings; /* NULL without options */
} script_alias;

/* What is told to the engine once everything was read, in the order of the
 * configuration. Its name may be used before its server has one.
 */
typedef struct {
    server_rec *server;
    const ap_directive_t *directive;
    const script_alias *alias;    /* WSGIScriptAlias */
    const char *script;           /* WSGIImportScript */
    const char *group;            /* WSGIDaemonProcess */
    wsgi_core_settings *settings; /* of the latter two */
} declaration;

typedef struct {
    process_config *process;
    apr_array_header_t *aliases; /* of script_alias * */
} server_config;

/* Settings are layers: merging puts layers together and looks into none. */
typedef struct {
    wsgi_core_settings *own; /* of this very section */
    const wsgi_core_settings **layers;
    int nlayers;
} dir_config;

/* A request while the engine serves it. */
typedef struct {
    request_rec *r;
    apr_bucket_brigade *input;  /* what was read and not yet taken */
    apr_bucket_brigade *output; /* empty between callbacks */
    apr_off_t length;           /* Content-Length of the response, or -1 */
    apr_status_t read_failure;
    apr_status_t failure; /* of an output filter; nothing more is passed */
    unsigned int input_ended : 1;
    unsigned int started : 1; /* something was passed to the filters */
    unsigned int ended : 1;   /* EOS was passed */
} exchange;

/*
 * Configuration: creation and merging
 */

static server_config *server_conf(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &wsgi_module);
}

static apr_status_t free_options(void *data)
{
    wsgi_core_config_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_settings(void *data)
{
    wsgi_core_settings_free(data);
    return APR_SUCCESS;
}

/* Virtual hosts have none of their main server's configuration while they are
 * read, so that what all share hangs from the pool.
 */
#define PROCESS_KEY "wsgi_core_process_config"

static process_config *shared_config(apr_pool_t *p)
{
    process_config *process;
    void *data = NULL;

    apr_pool_userdata_get(&data, PROCESS_KEY, p);
    if (data) {
        return data;
    }
    process = apr_pcalloc(p, sizeof(*process));
    process->pool = p;
    process->declarations = apr_array_make(p, 8, sizeof(declaration));
    process->options = wsgi_core_config_new();
    apr_pool_cleanup_register(p, process->options, free_options,
                              apr_pool_cleanup_null);
    apr_pool_userdata_setn(process, PROCESS_KEY, NULL, p);
    return process;
}

static void *create_server_config(apr_pool_t *p, server_rec *s)
{
    server_config *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    conf->process = shared_config(p);
    conf->aliases = apr_array_make(p, 4, sizeof(script_alias *));
    return conf;
}

static void *merge_server_config(apr_pool_t *p, void *basev, void *addv)
{
    const server_config *base = basev;
    const server_config *add = addv;
    server_config *conf = apr_palloc(p, sizeof(*conf));

    conf->process = base->process;
    conf->aliases = apr_array_append(p, add->aliases, base->aliases);
    return conf;
}

static void *create_dir_config(apr_pool_t *p, char *dir)
{
    (void)dir;
    return apr_pcalloc(p, sizeof(dir_config));
}

/* The layers of conf and room for one more. */
static const wsgi_core_settings **copy_layers(apr_pool_t *p,
                                              const dir_config *conf, int more)
{
    const wsgi_core_settings **layers =
        apr_palloc(p, (conf->nlayers + more) * sizeof(*layers));

    if (conf->nlayers) {
        memcpy(layers, conf->layers, conf->nlayers * sizeof(*layers));
    }
    return layers;
}

static void *merge_dir_config(apr_pool_t *p, void *basev, void *addv)
{
    const dir_config *base = basev;
    const dir_config *add = addv;
    dir_config *conf;

    if (!base->nlayers) {
        return addv;
    }
    if (!add->nlayers) {
        return basev;
    }
    conf = apr_pcalloc(p, sizeof(*conf));
    conf->nlayers = base->nlayers + add->nlayers;
    conf->layers = copy_layers(p, base, add->nlayers);
    memcpy(conf->layers + base->nlayers, add->layers,
           add->nlayers * sizeof(*conf->layers));
    return conf;
}

/*
 * Directives
 */

/* A message that begins with the directive. */
static const char *complain(cmd_parms *cmd, const char *format, ...)
{
    va_list args;
    const char *text;

    va_start(args, format);
    text = apr_pvsprintf(cmd->pool, format, args);
    va_end(args);
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", text, NULL);
}

static const char *take_message(apr_pool_t *p, wsgi_core_error *err)
{
    const char *message = apr_pstrdup(p, wsgi_core_error_get_message(err));

    wsgi_core_error_free(err);
    return message;
}

/* Any directive for the whole process; cmd->info is the engine's option. */
static const char *set_process_option(cmd_parms *cmd, void *dummy,
                                      const char *value)
{
    process_config *process = server_conf(cmd->server)->process;
    const char *name = cmd->info;
    const char *refusal = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    wsgi_core_error *err = NULL;

    (void)dummy;
    if (refusal) {
        return refusal;
    }
    if (wsgi_core_config_set(process->options, name, value, strlen(value), &err)
        != WSGI_CORE_OK) {
        return complain(cmd, "%s", take_message(cmd->pool, err));
    }
    if (!strcmp(name, "python-home")) {
        process->python_home = cmd->directive;
    }
    return NULL;
}

/* Relative to ServerRoot */
static const char *set_socket_prefix(cmd_parms *cmd, void *dummy,
                                     const char *value)
{
    cmd->info = (void *)"socket-prefix";
    return set_process_option(cmd, dummy,
                              ap_server_root_relative(cmd->pool, value));
}

static wsgi_core_settings *new_settings(apr_pool_t *p, wsgi_core_scope scope)
{
    wsgi_core_settings *settings = wsgi_core_settings_new(scope);

    apr_pool_cleanup_register(p, settings, free_settings,
                              apr_pool_cleanup_null);
    return settings;
}

/* Any directive that may differ from section to section; likewise. */
static const char *set_dir_option(cmd_parms *cmd, void *mconfig,
                                  const char *value)
{
    dir_config *conf = mconfig;
    wsgi_core_error *err = NULL;

    if (!conf->own) {
        conf->own = new_settings(cmd->pool, WSGI_CORE_SCOPE_DIRECTORY);
        conf->layers = apr_palloc(cmd->pool, sizeof(*conf->layers));
        conf->layers[0] = conf->own;
        conf->nlayers = 1;
    }
    if (wsgi_core_settings_set(conf->own, cmd->info, value, strlen(value), &err)
        != WSGI_CORE_OK) {
        return complain(cmd, "%s", take_message(cmd->pool, err));
    }
    return NULL;
}

static const char *set_verbose_debugging(cmd_parms *cmd, void *dummy, int on)
{
    (void)dummy;
    (void)on;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, cmd->server,
                 "WSGIVerboseDebugging has no effect: LogLevel wsgi:debug and "
                 "wsgi:trace1 show more");
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static declaration *declare(cmd_parms *cmd)
{
    process_config *process = server_conf(cmd->server)->process;
    declaration *made = apr_array_push(process->declarations);

    memset(made, 0, sizeof(*made));
    made->server = cmd->server;
    made->directive = cmd->directive;
    return made;
}

/* The rest of a line, name=value; the value may be quoted. */
static const char *set_words(cmd_parms *cmd, wsgi_core_settings *settings,
                             const char *line)
{
    wsgi_core_error *err = NULL;

    if (wsgi_core_settings_parse(settings, line, strlen(line), &err)
        != WSGI_CORE_OK) {
        return complain(cmd, "%s", take_message(cmd->pool, err));
    }
    return NULL;
}

/* WSGIDaemonProcess */
static const char *add_daemon_group(cmd_parms *cmd, void *dummy,
                                    const char *line)
{
    const char *refusal = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    declaration *made = declare(cmd);

    (void)dummy;
    made->group = ap_getword_conf(cmd->pool, &line);
    made->settings = new_settings(cmd->pool, WSGI_CORE_SCOPE_GROUP);
    if (!refusal && !*made->group) {
        refusal = complain(cmd, "expected a name and options as name=value");
    }
    return refusal ? refusal : set_words(cmd, made->settings, line);
}

/* WSGIImportScript */
static const char *add_import(cmd_parms *cmd, void *dummy, const char *line)
{
    const char *refusal = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    declaration *made = declare(cmd);

    (void)dummy;
    made->script = ap_getword_conf(cmd->pool, &line);
    made->settings = new_settings(cmd->pool, WSGI_CORE_SCOPE_SCRIPT);
    if (!refusal && !ap_os_is_path_absolute(cmd->pool, made->script)) {
        refusal = complain(cmd, "expected an absolute path, process-group=NAME "
                                "and application-group=NAME");
    }
    return refusal ? refusal : set_words(cmd, made->settings, line);
}

static const char *check_alias(cmd_parms *cmd, script_alias *alias, int match)
{
    char *canonical;

    if (match) {
        alias->regex = ap_pregcomp(cmd->pool, alias->url, AP_REG_EXTENDED);
        if (!alias->regex) {
            return complain(cmd, "'%s' is not a valid regular expression",
                            alias->url);
        }
    }
    else if (*alias->url != '/') {
        return complain(cmd, "'%s' is not a URL path: it must begin with /",
                        alias->url);
    }
    if (!ap_os_is_path_absolute(cmd->pool, alias->target)
        && !(match && *alias->target == '$')) {
        return complain(cmd, "'%s' is not an absolute path", alias->target);
    }
    /* r->filename will be canonical too, and the engine compares them. */
    if (!match
        && apr_filepath_merge(&canonical, NULL, alias->target,
                              APR_FILEPATH_NOTRELATIVE, cmd->pool)
               == APR_SUCCESS) {
        alias->target = canonical;
    }
    alias->is_root = !match && !alias->url[strspn(alias->url, "/")];
    return NULL;
}

/* WSGIScriptAlias, and with cmd->info WSGIScriptAliasMatch */
static const char *add_script_alias(cmd_parms *cmd, void *dummy,
                                    const char *line)
{
    apr_array_header_t *aliases = server_conf(cmd->server)->aliases;
    script_alias *alias = apr_pcalloc(cmd->pool, sizeof(*alias));
    const char *refusal = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);

    (void)dummy;
    if (refusal) {
        return refusal;
    }
    alias->url = ap_getword_conf(cmd->pool, &line);
    alias->target = ap_getword_conf(cmd->pool, &line);
    if (!*alias->target) {
        return complain(cmd,
                        "expected %s, a file or directory, and options as "
                        "name=value",
                        cmd->info ? "a regular expression" : "a URL path");
    }
    refusal = check_alias(cmd, alias, cmd->info != NULL);
    if (!refusal && *line) {
        alias->settings = new_settings(cmd->pool, WSGI_CORE_SCOPE_SCRIPT);
        refusal = set_words(cmd, alias->settings, line);
    }
    if (!refusal) {
        APR_ARRAY_PUSH(aliases, script_alias *) = alias;
        declare(cmd)->alias = alias;
    }
    return refusal;
}

/*
 * Callbacks: logs
 */

static void log_for_server(void *ctx, const wsgi_core_log_record *record)
{
    server_rec *s = ctx;

    if (APLOG_MODULE_IS_LEVEL(s, APLOG_MODULE_INDEX, record->level)) {
        ap_log_error_(record->file ? record->file : __FILE__,
                      record->file ? (int)record->line : __LINE__,
                      APLOG_MODULE_INDEX, record->level, 0, s, "%s",
                      record->text);
    }
}

static wsgi_core_level server_log_level(void *ctx)
{
    const server_rec *s = ctx;

    return ap_get_server_module_loglevel(s, APLOG_MODULE_INDEX);
}

static void log_for_request(void *ctx, const wsgi_core_log_record *record)
{
    request_rec *r = ((exchange *)ctx)->r;

    if (APLOG_R_MODULE_IS_LEVEL(r, APLOG_MODULE_INDEX, record->level)) {
        ap_log_rerror_(record->file ? record->file : __FILE__,
                       record->file ? (int)record->line : __LINE__,
                       APLOG_MODULE_INDEX, record->level, 0, r, "%s",
                       record->text);
    }
}

static wsgi_core_level request_log_level(void *ctx)
{
    const request_rec *r = ((exchange *)ctx)->r;

    return ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX);
}

static const wsgi_core_server server_callbacks = {
    sizeof(wsgi_core_server),
    log_for_server,
    server_log_level,
};

/*
 * Callbacks: the body of the request
 */

static wsgi_core_status read_failed(exchange *x, const char **reason)
{
    char text[256];

    if (x->read_failure == AP_FILTER_ERROR) {
        /* A filter has answered already, with 413 for instance. */
        x->failure = AP_FILTER_ERROR;
        *reason = "refused by the server";
    }
    else {
        apr_strerror(x->read_failure, text, sizeof(text));
        *reason = apr_pstrdup(x->r->pool, text);
    }
    return WSGI_CORE_E_HOST;
}

/* Moves what fits from the brigade to the buffer. */
static apr_status_t take_input(exchange *x, char *buffer, apr_size_t size,
                               apr_size_t *taken)
{
    while (!APR_BRIGADE_EMPTY(x->input) && *taken < size) {
        apr_bucket *e = APR_BRIGADE_FIRST(x->input);
        const char *data;
        apr_size_t len;

        if (APR_BUCKET_IS_EOS(e)) {
            x->input_ended = 1;
            apr_brigade_cleanup(x->input);
            break;
        }
        if (!APR_BUCKET_IS_METADATA(e)) {
            apr_status_t rv = apr_bucket_read(e, &data, &len, APR_BLOCK_READ);

            if (rv != APR_SUCCESS) {
                /* What was taken comes first; reading will fail again. */
                return *taken ? APR_SUCCESS : rv;
            }
            if (len > size - *taken) {
                len = size - *taken;
                apr_bucket_split(e, len);
            }
            memcpy(buffer + *taken, data, len);
            *taken += len;
        }
        apr_bucket_delete(e);
    }
    return APR_SUCCESS;
}

/* Waits for the first byte only: what else has arrived is taken along. */
static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    exchange *x = ctx;
    request_rec *r = x->r;
    apr_size_t taken = 0;
    apr_status_t rv = x->read_failure;

    if (!x->input) {
        x->input = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    }
    while (rv == APR_SUCCESS && taken < buffer_len && !x->input_ended) {
        if (APR_BRIGADE_EMPTY(x->input)) {
            rv = ap_get_brigade(r->input_filters, x->input, AP_MODE_READBYTES,
                                taken ? APR_NONBLOCK_READ : APR_BLOCK_READ,
                                buffer_len - taken);
            if (rv == APR_SUCCESS && r->eos_sent && !x->ended) {
                rv = AP_FILTER_ERROR;
            }
            if (taken && (rv != APR_SUCCESS || APR_BRIGADE_EMPTY(x->input))) {
                break;
            }
        }
        if (rv == APR_SUCCESS) {
            rv = take_input(x, buffer, buffer_len, &taken);
        }
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) {
        x->read_failure = rv;
    }
    if (x->read_failure != APR_SUCCESS && !taken) {
        return read_failed(x, reason);
    }
    *read_len = taken;
    return WSGI_CORE_OK;
}

/*
 * Callbacks: the response
 */

static void set_header(request_rec *r, const char *name, const char *value,
                       int error_page)
{
    if (!ap_cstr_casecmp(name, "WWW-Authenticate")) {
        apr_table_addn(r->err_headers_out, name, value);
    }
    else if (error_page) {
        return;
    }
    else if (!ap_cstr_casecmp(name, "Content-Type")) {
        ap_set_content_type(r, value);
    }
    else {
        apr_table_addn(r->headers_out, name, value);
    }
}

/* Copies with a NUL. */
static char *append(char *to, const char **string, wsgi_core_bytes bytes)
{
    *string = to;
    if (bytes.len) {
        memcpy(to, bytes.data, bytes.len);
    }
    to[bytes.len] = '\0';
    return to + bytes.len + 1;
}

static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    exchange *x = ctx;
    request_rec *r = x->r;
    const wsgi_core_pair *header = head->headers;
    const wsgi_core_pair *end = header + head->headers_len;
    apr_size_t size = head->status.len + 1;
    const char *status;
    char *to;

    if (x->failure != APR_SUCCESS) {
        return WSGI_CORE_E_HOST;
    }
    for (; header < end; header++) {
        size += header->name.len + header->value.len + 2;
    }
    to = apr_palloc(r->pool, size);
    to = append(to, &status, head->status);
    for (header = head->headers; header < end; header++) {
        const char *name;
        const char *value;

        to = append(to, &name, header->name);
        to = append(to, &value, header->value);
        set_header(r, name, value, head->error_page);
    }
    if (head->error_page) {
        return WSGI_CORE_OK;
    }
    r->status = head->code;
    r->status_line = status;
    x->length = head->content_length;
    if (x->length >= 0) {
        ap_set_content_length(r, x->length);
    }
    return WSGI_CORE_OK;
}

/* Passes x->output on and empties it. */
static wsgi_core_status pass_output(exchange *x)
{
    x->failure = ap_pass_brigade(x->r->output_filters, x->output);
    apr_brigade_cleanup(x->output);
    x->started = 1;
    if (x->failure == APR_SUCCESS && x->r->connection->aborted) {
        x->failure = APR_ECONNABORTED;
    }
    return x->failure == APR_SUCCESS ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
}

static void append_bucket(exchange *x, apr_bucket *e)
{
    APR_BRIGADE_INSERT_TAIL(x->output, e);
}

/* Whether there are filters that look at the content. */
static int is_filtered(const request_rec *r)
{
    const ap_filter_t *first = r->output_filters;

    return first && first->frec->ftype < AP_FTYPE_PROTOCOL;
}

static int has_unread_body(const exchange *x)
{
    const char *length = apr_table_get(x->r->headers_in, "Content-Length");

    return !x->input_ended && x->read_failure == APR_SUCCESS
           && ((length && strcmp(length, "0"))
               || apr_table_get(x->r->headers_in, "Transfer-Encoding"));
}

/* Called before the last block is put into x->output. Were it the first block
 * as well, and passed together with the EOS, httpd would count it and invent a
 * Content-Length. So that head, block and end still leave in one go, the head
 * is made to go ahead with a brigade of nothing; but filters for content may
 * drop that, and get the block without the EOS instead.
 */
static wsgi_core_status prepare_last(exchange *x, int is_whole)
{
    if (x->started || is_whole || is_filtered(x->r)) {
        return WSGI_CORE_OK;
    }
    return pass_output(x);
}

static wsgi_core_status pass_last(exchange *x, int is_whole)
{
    conn_rec *c = x->r->connection;
    wsgi_core_status status;

    if (!x->started && !is_whole && pass_output(x) != WSGI_CORE_OK) {
        return WSGI_CORE_E_HOST;
    }
    append_bucket(x, apr_bucket_eos_create(c->bucket_alloc));
    x->ended = 1;
    status = pass_output(x);

    /* httpd reads the rest of the request before it lets go of the response,
     * and the client may wait for the response before it sends the rest.
     */
    if (status == WSGI_CORE_OK && has_unread_body(x)) {
        append_bucket(x, apr_bucket_flush_create(c->bucket_alloc));
        ap_pass_brigade(c->output_filters, x->output);
        apr_brigade_cleanup(x->output);
    }
    return status;
}

static wsgi_core_status pass_block(exchange *x, uint32_t flags, int is_whole)
{
    if (flags & WSGI_CORE_SEND_END) {
        return pass_last(x, is_whole);
    }
    if (flags & WSGI_CORE_SEND_FLUSH) {
        append_bucket(x, apr_bucket_flush_create(x->output->bucket_alloc));
    }
    return APR_BRIGADE_EMPTY(x->output) ? WSGI_CORE_OK : pass_output(x);
}

static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    exchange *x = ctx;
    /* With the whole body at once httpd would serve ranges of it. */
    int is_whole = x->length == (apr_off_t)data_len && !x->started
                   && !apr_table_get(x->r->headers_in, "Range");

    if (x->failure != APR_SUCCESS || x->ended) {
        return WSGI_CORE_E_HOST;
    }
    if ((flags & WSGI_CORE_SEND_END)
        && prepare_last(x, is_whole) != WSGI_CORE_OK) {
        return WSGI_CORE_E_HOST;
    }
    if (data_len) {
        append_bucket(x, apr_bucket_transient_create(data, data_len,
                                                     x->output->bucket_alloc));
    }
    return pass_block(x, flags, is_whole);
}

/* Puts a file into x->output. The descriptor is only lent, and the file may be
 * sent after the request is over.
 */
static apr_status_t append_file(exchange *x, int fd, apr_off_t offset,
                                apr_off_t length, uint32_t flags)
{
    request_rec *r = x->r;
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    apr_int32_t mode = APR_FOPEN_READ | APR_FOPEN_BINARY;
    apr_os_file_t os_file = fd;
    apr_file_t *file;
    apr_bucket *e;
    apr_status_t rv;

#if APR_HAS_SENDFILE
    if ((flags & WSGI_CORE_SEND_SENDFILE)
        && core->enable_sendfile != ENABLE_SENDFILE_OFF) {
        mode |= APR_FOPEN_SENDFILE_ENABLED;
    }
#endif
    rv = apr_os_file_put(&file, &os_file, mode, r->pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_dup(&file, file, r->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    e = apr_brigade_insert_file(x->output, file, offset, length, r->pool);
#if APR_HAS_MMAP
    if (core->enable_mmap == ENABLE_MMAP_OFF) {
        apr_bucket_file_enable_mmap(e, 0);
    }
#endif
    if (core->read_buf_size) {
        apr_bucket_file_set_buf_size(e, core->read_buf_size);
    }
    return APR_SUCCESS;
}

static wsgi_core_status send_file(void *ctx, int fd, uint64_t offset,
                                  uint64_t length, uint32_t flags)
{
    exchange *x = ctx;
    int is_whole = x->length == (apr_off_t)length && !x->started;
    apr_status_t rv = APR_SUCCESS;

    if (x->failure != APR_SUCCESS || x->ended) {
        return WSGI_CORE_E_HOST;
    }
    if ((flags & WSGI_CORE_SEND_END)
        && prepare_last(x, is_whole) != WSGI_CORE_OK) {
        return WSGI_CORE_E_HOST;
    }
    if (length) {
        rv = append_file(x, fd, offset, length, flags);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, x->r,
                      "WC0055: [script %s] file of the response can't be "
                      "used",
                      x->r->filename);
        return WSGI_CORE_E_HOST;
    }
    return pass_block(x, flags, is_whole);
}

static bool is_aborted(void *ctx)
{
    return ((exchange *)ctx)->r->connection->aborted;
}

/* Notes of the request, for %{ENV:name}; its variables the engine has. */
static wsgi_core_status get_variable(void *ctx, const char *name,
                                     size_t name_len, wsgi_core_bytes *value)
{
    request_rec *r = ((exchange *)ctx)->r;
    const char *key = apr_pstrmemdup(r->pool, name, name_len);

    value->data = apr_table_get(r->notes, key);
    value->len = value->data ? strlen(value->data) : 0;
    return WSGI_CORE_OK;
}

static const wsgi_core_host host_callbacks = {
    sizeof(wsgi_core_host),
    read_body,
    send_head,
    send_data,
    send_file,
    is_aborted,
    log_for_request,
    request_log_level,
    get_variable,
    NULL, /* read_now */
};

/*
 * The request as the engine wants it
 */

static wsgi_core_bytes bytes_of(const char *string)
{
    wsgi_core_bytes bytes = { string, string ? strlen(string) : 0 };

    return bytes;
}

static wsgi_core_pair *add_pair(wsgi_core_pair *next, const char *name,
                                const char *value)
{
    if (name && value) {
        next->name = bytes_of(name);
        next->value = bytes_of(value);
        ++next;
    }
    return next;
}

static wsgi_core_pair *add_table(wsgi_core_pair *next, const apr_table_t *table)
{
    const apr_array_header_t *array = apr_table_elts(table);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i;

    for (i = 0; i < array->nelts; i++, entry++) {
        next = add_pair(next, entry->key, entry->val);
    }
    return next;
}

/* The target of the request line, as in ap_add_cgi_vars(). */
static wsgi_core_bytes request_uri(request_rec *r, const core_dir_config *core)
{
    const char *rule = NULL;
    wsgi_core_bytes uri;

    if (core->cgi_var_rules) {
        rule = apr_hash_get(core->cgi_var_rules, "REQUEST_URI",
                            APR_HASH_KEY_STRING);
    }
    if (rule && !strcmp(rule, "current-uri")) {
        return bytes_of(r->uri);
    }
    uri.data = r->the_request ? r->the_request : "";
    uri.data += strcspn(uri.data, " \t");
    uri.data += strspn(uri.data, " \t");
    uri.len = strcspn(uri.data, " \t");
    return uri;
}

static const char *redirect_url(request_rec *r, const core_dir_config *core)
{
    apr_uri_t uri;

    if (core->qualify_redirect_url != AP_CORE_CONFIG_ON) {
        return r->prev->uri;
    }
    uri = r->prev->parsed_uri;
    if (!uri.scheme) {
        uri.scheme = (char *)ap_http_scheme(r->prev);
    }
    if (!uri.port) {
        uri.port = ap_get_server_port(r->prev);
        uri.port_str = apr_itoa(r->pool, uri.port);
    }
    if (!uri.hostname) {
        uri.hostname = (char *)ap_get_server_name_for_url(r->prev);
    }
    return apr_uri_unparse(r->pool, &uri, 0);
}

/* What ap_add_common_vars() would put into r->subprocess_env, after what is
 * there already. It isn't called because its tables cost more than the rest
 * of this file.
 */
#define MAX_COMPUTED 11

static wsgi_core_pair *add_variables(request_rec *r, int is_https,
                                     const core_dir_config *core,
                                     wsgi_core_pair *next)
{
    const request_rec *back = r->prev;

    next = add_table(next, r->subprocess_env);
    next = add_pair(next, "SERVER_SOFTWARE", ap_get_server_banner());
    next = add_pair(next, "SERVER_ADMIN", r->server->server_admin);
    next = add_pair(next, "DOCUMENT_ROOT", ap_document_root(r));
    next = add_pair(next, "CONTEXT_PREFIX", ap_context_prefix(r));
    next = add_pair(next, "CONTEXT_DOCUMENT_ROOT", ap_context_document_root(r));
    next = add_pair(next, "AUTH_TYPE", r->ap_auth_type);
    next = add_pair(next, "REMOTE_USER", r->user);
    if (r->prev) {
        next = add_pair(next, "REDIRECT_URL", redirect_url(r, core));
        next = add_pair(next, "REDIRECT_QUERY_STRING", r->prev->args);
        while (back && !back->user) {
            back = back->prev;
        }
        if (back && !r->user) {
            next = add_pair(next, "REDIRECT_REMOTE_USER", back->user);
        }
    }
    return add_pair(next, "HTTPS", is_https ? "1" : NULL);
}

static void set_pairs(request_rec *r, int is_https, const core_dir_config *core,
                      wsgi_core_request_info *info)
{
    int nheaders = apr_table_elts(r->headers_in)->nelts;
    int nvariables = apr_table_elts(r->subprocess_env)->nelts + MAX_COMPUTED;
    wsgi_core_pair *pairs =
        apr_palloc(r->pool, (nheaders + nvariables) * sizeof(*pairs));
    wsgi_core_pair *end = add_table(pairs, r->headers_in);

    info->headers = pairs;
    info->headers_len = end - pairs;
    info->variables = end;
    info->variables_len = add_variables(r, is_https, core, end) - end;
}

static void set_addresses(request_rec *r, wsgi_core_request_info *info)
{
    conn_rec *c = r->connection;
    const char *name = ap_get_server_name_for_url(r);

    if (name[strcspn(name, "<>&\"")]) {
        name = ap_escape_html(r->pool, name);
    }
    info->server_name = bytes_of(name);
    info->server_port = ap_get_server_port(r);
    info->server_addr = bytes_of(c->local_ip);
    info->server_hostname = bytes_of(r->server->server_hostname);
    info->host = bytes_of(r->hostname);
    info->listener_host = bytes_of(c->local_addr->hostname);
    info->listener_port = c->local_addr->port;
    info->remote_addr = bytes_of(r->useragent_ip);
    info->remote_port = c->client_addr->port;
}

static void set_script(request_rec *r, const script_alias *alias,
                       wsgi_core_request_info *info)
{
    const dir_config *conf =
        ap_get_module_config(r->per_dir_config, &wsgi_module);

    info->script = bytes_of(r->filename);
    info->filename = info->script;
    info->script_type =
        r->finfo.filetype == APR_REG      ? WSGI_CORE_FILE_REGULAR
        : r->finfo.filetype == APR_DIR    ? WSGI_CORE_FILE_DIRECTORY
        : r->finfo.filetype == APR_NOFILE ? WSGI_CORE_FILE_MISSING
                                          : WSGI_CORE_FILE_UNKNOWN;
    if (r->finfo.valid & APR_FINFO_MTIME) {
        info->script_mtime_us = r->finfo.mtime;
    }
    info->settings = conf->layers;
    info->settings_len = conf->nlayers;
    if (alias && alias->settings) {
        const wsgi_core_settings **layers = copy_layers(r->pool, conf, 1);

        layers[info->settings_len++] = alias->settings;
        info->settings = layers;
    }

    /* as in ap_add_cgi_vars() */
    info->script_name = bytes_of(r->uri);
    info->path_info = bytes_of(r->path_info);
    if (info->path_info.len && strcmp(r->protocol, "INCLUDED")) {
        info->script_name.len = ap_find_path_info(r->uri, r->path_info);
    }
    info->path_info_refused = r->used_path_info == AP_REQ_REJECT_PATH_INFO;
}

/* The id that %L has in both logs, generated as an error would. */
static const char *request_log_id(request_rec *r)
{
    while (r->main) {
        r = r->main;
    }
    if (!r->log_id) {
        ap_run_generate_log_id(r->connection, r, &r->log_id);
    }
    return r->log_id;
}

static void describe_request(request_rec *r, const process_config *process,
                             const script_alias *alias,
                             wsgi_core_request_info *info)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    int is_https =
        process->ssl_is_https && process->ssl_is_https(r->connection);

    info->method = bytes_of(r->method);
    info->request_uri = request_uri(r, core);
    info->query_string = bytes_of(r->args);
    info->protocol = bytes_of(r->protocol);
    info->scheme = bytes_of(ap_http_scheme(r));
    info->handler = bytes_of(r->handler);
    info->request_id = bytes_of(request_log_id(r));
    info->connection_id = bytes_of(r->connection->log_id);
    info->request_start_us = r->request_time;
    info->body_limit = ap_get_limit_req_body(r);
    info->response_filtered = is_filtered(r);
    info->pass_auth = core->cgi_pass_auth == AP_CGI_PASS_AUTH_ON;
    set_addresses(r, info);
    set_script(r, alias, info);
    set_pairs(r, is_https, core, info);
}

/*
 * Hooks: requests
 */

/* Sets r->filename if the alias matches. */
static int try_alias(request_rec *r, const script_alias *alias)
{
    ap_regmatch_t found[AP_MAX_REG_MATCH];
    const char *target = alias->target;
    apr_size_t matched;

    if (!alias->regex) {
        matched = wsgi_core_path_match(r->uri, strlen(r->uri), alias->url,
                                       strlen(alias->url));
        if (!matched) {
            return DECLINED;
        }
    }
    else {
        if (ap_regexec(alias->regex, r->uri, AP_MAX_REG_MATCH, found, 0)) {
            return DECLINED;
        }
        target = ap_pregsub(r->pool, target, r->uri, AP_MAX_REG_MATCH, found);
        if (!target) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "WSGIScriptAliasMatch %s: the path becomes too long",
                          alias->url);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        matched = found[0].rm_eo;
    }
    r->filename = apr_pstrcat(r->pool, target,
                              r->uri + (alias->is_root ? 0 : matched), NULL);
    return OK;
}

static int translate_name(request_rec *r)
{
    const apr_array_header_t *aliases = server_conf(r->server)->aliases;
    int status = DECLINED;
    int i;

    if (r->uri[0] != '/') {
        return DECLINED;
    }
    for (i = 0; i < aliases->nelts && status == DECLINED; i++) {
        script_alias *alias = APR_ARRAY_IDX(aliases, i, script_alias *);

        status = try_alias(r, alias);
        if (status == OK) {
            r->handler = WSGI_HANDLER;
            ap_set_module_config(r->request_config, &wsgi_module, alias);
        }
    }
    return status;
}

/* A response that broke off must not look complete: it stays without its last
 * chunk, or the connection ends before its Content-Length.
 */
static void break_off(exchange *x)
{
    request_rec *r = x->r;
    conn_rec *c = r->connection;

    c->keepalive = AP_CONN_CLOSE;
    if (c->aborted || x->ended) {
        return;
    }
    append_bucket(x, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool,
                                            c->bucket_alloc));
    append_bucket(x, apr_bucket_eos_create(c->bucket_alloc));
    pass_output(x);
}

/* What the handler returns for what became of the request. */
static int conclude(exchange *x, wsgi_core_status status,
                    const wsgi_core_outcome *outcome,
                    const wsgi_core_error *err)
{
    if (x->failure == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;
    }
    if (x->started) {
        if (status != WSGI_CORE_OK || !outcome->complete) {
            break_off(x);
        }
        return OK;
    }

    /* Nothing has left, so httpd can answer, and the head is forgotten. */
    x->r->status = HTTP_OK;
    x->r->status_line = NULL;
    if (status != WSGI_CORE_OK) {
        return ap_map_http_request_error(x->read_failure,
                                         wsgi_core_error_get_http_status(err));
    }
    /* WSGIErrorOverride */
    return ap_is_HTTP_ERROR(outcome->code) ? outcome->code
                                           : HTTP_INTERNAL_SERVER_ERROR;
}

static int serve(request_rec *r, const script_alias *alias)
{
    const process_config *process = server_conf(r->server)->process;
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_request *request;
    wsgi_core_error *err = NULL;
    wsgi_core_status status;
    exchange x;
    int answer;

    describe_request(r, process, alias, &info);
    if (wsgi_core_request_new(process->engine, &info, &request, &err)
        != WSGI_CORE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "WC%04u: [script %s] %s",
                      wsgi_core_error_get_id(err), r->filename,
                      wsgi_core_error_get_message(err));
        wsgi_core_error_free(err);
        return HTTP_INTERNAL_SERVER_ERROR;
    }

    memset(&x, 0, sizeof(x));
    x.r = r;
    x.length = -1;
    x.output = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    status =
        wsgi_core_request_serve(request, &host_callbacks, &x, &outcome, &err);
    if (outcome.retry_after) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, (int)outcome.retry_after));
    }
    answer = conclude(&x, status, &outcome, err);
    wsgi_core_error_free(err);
    return answer;
}

static int handler(request_rec *r)
{
    const script_alias *alias =
        ap_get_module_config(r->request_config, &wsgi_module);
    const dir_config *conf =
        ap_get_module_config(r->per_dir_config, &wsgi_module);
    const char *name = r->handler ? r->handler : "";

    switch (wsgi_core_settings_find_handler(name, strlen(name), conf->layers,
                                            conf->nlayers)) {
    case WSGI_CORE_HANDLER_APPLICATION:
        if (!alias && !(ap_allow_options(r) & OPT_EXECCGI)) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "WC0077: [script %s] Options ExecCGI is off in this "
                          "directory",
                          r->filename);
            return HTTP_FORBIDDEN;
        }
        return serve(r, alias);
    case WSGI_CORE_HANDLER_SCRIPT:
        return serve(r, alias);
    default:
        return DECLINED;
    }
}

/*
 * Hooks: configuration and processes
 */

static int startup_failed(apr_pool_t *p, wsgi_core_error *err,
                          const ap_directive_t *directive)
{
    const char *where = "mod_wsgi";

    if (directive) {
        where = apr_psprintf(p, "%s on line %d of %s", directive->directive,
                             directive->line_num, directive->filename);
    }
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL,
                 "WC%04u: %s: %s", wsgi_core_error_get_id(err), where,
                 wsgi_core_error_get_message(err));
    wsgi_core_error_free(err);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Whether requests of a server may match the aliases of another: those of the
 * main server are for all virtual hosts, and if there are any, for them alone.
 */
static int has_aliases_of(const server_rec *s, const server_rec *other)
{
    return other->is_virtual ? s == other : s->is_virtual || !s->next;
}

static wsgi_core_status add_application(wsgi_core_config *options,
                                        const script_alias *alias,
                                        server_rec *s, apr_pool_t *p,
                                        wsgi_core_error **err)
{
    const dir_config *dir =
        ap_get_module_config(s->lookup_defaults, &wsgi_module);
    const wsgi_core_settings **layers = copy_layers(p, dir, 1);
    wsgi_core_mapping mapping = WSGI_CORE_MAPPING_INIT;

    mapping.server = bytes_of(s->server_hostname);
    mapping.url = bytes_of(alias->url);
    mapping.script = bytes_of(alias->target);
    mapping.several = alias->regex && ap_strchr_c(alias->target, '$');
    mapping.settings = layers;
    mapping.settings_len = dir->nlayers;
    if (alias->settings) {
        layers[mapping.settings_len++] = alias->settings;
    }
    return wsgi_core_config_add_application(options, &mapping, err);
}

static wsgi_core_status add_declaration(const declaration *made,
                                        server_rec *main_server, apr_pool_t *p,
                                        wsgi_core_error **err)
{
    wsgi_core_config *options = server_conf(main_server)->process->options;
    const wsgi_core_settings *settings = made->settings;
    wsgi_core_mapping mapping = WSGI_CORE_MAPPING_INIT;
    wsgi_core_bytes name = bytes_of(made->server->server_hostname);
    wsgi_core_status status = WSGI_CORE_OK;
    server_rec *s;

    if (made->script) {
        mapping.server = name;
        mapping.script = bytes_of(made->script);
        mapping.settings = &settings;
        mapping.settings_len = 1;
        return wsgi_core_config_add_import(options, &mapping, err);
    }
    if (made->group) {
        /* Those of a virtual host are for its requests only. */
        if (made->server->is_virtual && name.len) {
            status = wsgi_core_settings_set(made->settings, "virtual-host",
                                            name.data, name.len, err);
        }
        return status != WSGI_CORE_OK
                   ? status
                   : wsgi_core_config_add_group(options, made->group,
                                                strlen(made->group),
                                                made->settings, err);
    }
    for (s = main_server; s && status == WSGI_CORE_OK; s = s->next) {
        if (has_aliases_of(s, made->server)) {
            status = add_application(options, made->alias, s, p, err);
        }
    }
    return status;
}

/* Runs under httpd -t as well, other than post_config. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *main_server)
{
    const process_config *process = server_conf(main_server)->process;
    wsgi_core_error *err = NULL;
    int i;

    (void)pconf;
    (void)plog;
    if (wsgi_core_abi_version() != WSGI_CORE_ABI_VERSION) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL,
                     "mod_wsgi was built for version %u of the interface of "
                     "libwsgi_core, but found version %u (libwsgi_core %s)",
                     (unsigned int)WSGI_CORE_ABI_VERSION,
                     (unsigned int)wsgi_core_abi_version(),
                     wsgi_core_version());
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (i = 0; i < process->declarations->nelts; i++) {
        const declaration *made =
            &APR_ARRAY_IDX(process->declarations, i, declaration);

        if (add_declaration(made, main_server, ptemp, &err) != WSGI_CORE_OK) {
            return startup_failed(ptemp, err, made->directive);
        }
    }
    if (wsgi_core_config_check(process->options, &err) != WSGI_CORE_OK) {
        return startup_failed(ptemp, err, process->python_home);
    }
    return OK;
}

static const char *mpm_limit(apr_pool_t *p, int query)
{
    int limit;

    if (ap_mpm_query(query, &limit) != APR_SUCCESS || limit < 1) {
        limit = 1;
    }
    return apr_itoa(p, limit);
}

/*
 * Whether the terminal is the application's, for its debugger: httpd -X, and
 * -DONE_PROCESS alone, are a single process.
 */
static int has_terminal(void)
{
    return ap_exists_config_define("DEBUG")
           || ap_exists_config_define("ONE_PROCESS");
}

/* Options that follow from httpd itself. */
static wsgi_core_status set_host_options(wsgi_core_config *options,
                                         apr_pool_t *p, const server_rec *s,
                                         wsgi_core_error **err)
{
    ap_version_t version;
    const char *values[][2] = {
        { "host-name", "apache" },
        { "host-version", NULL },
        { "host-description", ap_get_server_description() },
        { "host-build-date", ap_get_server_built() },
        { "host-mpm-name", ap_show_mpm() },
        { "host-user",
          apr_psprintf(p, "#%lu", (unsigned long)ap_unixd_config.user_id) },
        { "host-group",
          apr_psprintf(p, "#%lu", (unsigned long)ap_unixd_config.group_id) },
        { "host-timeout",
          apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(s->timeout)) },
        { "threads", mpm_limit(p, AP_MPMQ_MAX_THREADS) },
        { "processes", mpm_limit(p, AP_MPMQ_MAX_DAEMONS) },
        { "keep-stdio", has_terminal() ? "On" : "Off" },
    };
    wsgi_core_status status = WSGI_CORE_OK;
    size_t i;

    ap_get_server_revision(&version);
    values[1][1] = apr_psprintf(p, "%d.%d.%d", version.major, version.minor,
                                version.patch);
    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        status = wsgi_core_config_set(options, values[i][0], values[i][1],
                                      strlen(values[i][1]), err);
        if (status != WSGI_CORE_OK) {
            break;
        }
    }
    return status;
}

/* Supervisors of process groups, of this generation and of those before: they
 * are children of this process until they end, and httpd would call them lost.
 * The list outlives the configuration and this module's memory.
 */
#define SUPERVISORS_KEY "wsgi_core_supervisors"

static apr_array_header_t *get_supervisors(server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    void *data = NULL;

    apr_pool_userdata_get(&data, SUPERVISORS_KEY, pool);
    if (!data) {
        data = apr_array_make(pool, 4, sizeof(apr_proc_t *));
        /* Copies the key, which goes away with this module. */
        apr_pool_userdata_set(data, SUPERVISORS_KEY, NULL, pool);
    }
    return data;
}

static void tend_supervisor(server_rec *s);

static void supervisor_event(int reason, void *data, apr_wait_t status)
{
    apr_proc_t *supervisor = data;

    (void)status;
    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
        apr_proc_other_child_unregister(supervisor);
        supervisor->pid = 0;
        tend_supervisor(ap_server_conf);
    }
}

static void watch_supervisor(process_config *process, apr_proc_t *supervisor)
{
    if (supervisor->pid) {
        apr_proc_other_child_register(supervisor, supervisor_event, supervisor,
                                      NULL, process->pool);
    }
}

/* Watches the supervisor of this generation, and starts it again if it ended:
 * at once or some time later, as the engine has it.
 */
static void tend_supervisor(server_rec *s)
{
    process_config *process = server_conf(s)->process;
    apr_array_header_t *supervisors = get_supervisors(s);
    apr_proc_t *supervisor = NULL;
    pid_t pid;
    int i;

    wsgi_core_engine_tend(process->engine, NULL);
    pid = wsgi_core_engine_get_supervisor_pid(process->engine);
    if (!pid) {
        return;
    }
    for (i = 0; i < supervisors->nelts; i++) {
        apr_proc_t *other = APR_ARRAY_IDX(supervisors, i, apr_proc_t *);

        if (other->pid == pid) {
            return;
        }
        supervisor = other->pid ? supervisor : other;
    }
    if (!supervisor) {
        supervisor = apr_pcalloc(s->process->pool, sizeof(*supervisor));
        APR_ARRAY_PUSH(supervisors, apr_proc_t *) = supervisor;
    }
    supervisor->pid = pid;
    watch_supervisor(process, supervisor);
}

static int monitor(apr_pool_t *p, server_rec *s)
{
    (void)p;
    tend_supervisor(s);
    return DECLINED;
}

/* At httpd's own end it waits for the supervisors, and so for their workers:
 * what started httpd may kill everything else once httpd is gone.
 */
static apr_status_t end_engine(void *data)
{
    server_rec *s = data;
    apr_array_header_t *supervisors = get_supervisors(s);
    int i;

    wsgi_core_engine_free(server_conf(s)->process->engine);
    for (i = 0; i < supervisors->nelts; i++) {
        apr_proc_t *supervisor = APR_ARRAY_IDX(supervisors, i, apr_proc_t *);

        if (supervisor->pid
            && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING) {
            apr_proc_wait(supervisor, NULL, NULL, APR_WAIT);
        }
    }
    return APR_SUCCESS;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    process_config *process = server_conf(s)->process;
    apr_array_header_t *supervisors = get_supervisors(s);
    wsgi_core_error *err = NULL;
    const char *python;
    int i;

    (void)plog;
    /* httpd reads its configuration twice when it starts. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }

    if (set_host_options(process->options, ptemp, s, &err) != WSGI_CORE_OK
        || wsgi_core_engine_prepare(process->options, &server_callbacks, s,
                                    &process->engine, &err)
               != WSGI_CORE_OK) {
        return startup_failed(ptemp, err, NULL);
    }
    /* Runs before the one that ends the processes of piped logs. */
    apr_pool_cleanup_register(pconf, s, end_engine, apr_pool_cleanup_null);
    for (i = 0; i < supervisors->nelts; i++) {
        watch_supervisor(process, APR_ARRAY_IDX(supervisors, i, apr_proc_t *));
    }
    tend_supervisor(s);
    process->ssl_is_https = APR_RETRIEVE_OPTIONAL_FN(ssl_is_https);

    ap_add_version_component(pconf, MOD_WSGI_VERSION);
    python = wsgi_core_engine_get_python_version(process->engine);
    if (python) {
        ap_add_version_component(pconf,
                                 apr_pstrcat(pconf, "Python/", python, NULL));
    }
    return OK;
}

/* The cleanup runs before the pools of requests go: prefork ends its children
 * out of a signal handler, in the middle of a request.
 */
static apr_status_t stop_engine(void *data)
{
    process_config *process = data;

    if (wsgi_core_engine_stop(process->engine, STOP_TIMEOUT_MS, NULL)
        == WSGI_CORE_E_TIMEOUT) {
        process->stop_timed_out = 1;
    }
    return APR_SUCCESS;
}

/* Runs after the cleanups of other modules. Application code is still running
 * in this process, and exit() would take down what it uses.
 */
static apr_status_t leave_process(void *data)
{
    if (((process_config *)data)->stop_timed_out) {
        _exit(0);
    }
    return APR_SUCCESS;
}

/* A child that ends at once waits for its threads before it destroys its pool,
 * without a limit of its own: the parent would have to kill it.
 */
static void child_stopping(apr_pool_t *pchild, int graceful)
{
    process_config *process = server_conf(ap_server_conf)->process;
    int is_threaded = 0;

    (void)pchild;
    if (!graceful) {
        stop_engine(process);
        ap_mpm_query(AP_MPMQ_IS_THREADED, &is_threaded);
        if (is_threaded) {
            leave_process(process);
        }
    }
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    process_config *process = server_conf(s)->process;
    wsgi_core_error *err = NULL;

    apr_pool_cleanup_register(pchild, process, leave_process,
                              apr_pool_cleanup_null);
    apr_pool_pre_cleanup_register(pchild, process, stop_engine);
    if (wsgi_core_engine_start(process->engine, &err) != WSGI_CORE_OK) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "WC%04u: %s",
                     wsgi_core_error_get_id(err),
                     wsgi_core_error_get_message(err));
        wsgi_core_error_free(err);
    }
}

/*
 * Command table
 */

/* Contexts: of the whole server, of a server, of a section */
#define GLOBAL RSRC_CONF
#define SERVER RSRC_CONF
#define SECTION (RSRC_CONF | ACCESS_CONF)

/* What a directive does is said by the option that it sets, whose name is
 * cmd_data: describe_commands() looks it up.
 */
#define OPTION(type, name, set, option, where) \
    AP_INIT_##type(name, set, option, where, NULL)
#define PROCESS(name, option) \
    OPTION(TAKE1, name, set_process_option, option, GLOBAL)
#define PROCESS_LINE(name, option) \
    OPTION(RAW_ARGS, name, set_process_option, option, GLOBAL)
#define DIRECTORY(name, option, where) \
    OPTION(TAKE1, name, set_dir_option, option, where)
#define DIRECTORY_LINE(name, option, where) \
    OPTION(RAW_ARGS, name, set_dir_option, option, where)

/* clang-format off */
static command_rec commands[] = {
    AP_INIT_RAW_ARGS("WSGIScriptAlias", add_script_alias, NULL, SERVER,
        "URL path, script or directory of scripts, options as name=value"),
    AP_INIT_RAW_ARGS("WSGIScriptAliasMatch", add_script_alias, "", SERVER,
        "Regular expression, script or directory, options as name=value"),
    AP_INIT_RAW_ARGS("WSGIImportScript", add_import, NULL, SERVER,
        "A script to load at the start, process-group and application-group"),
    AP_INIT_RAW_ARGS("WSGIDaemonProcess", add_daemon_group, NULL, SERVER,
        "A process group: its name, and options as name=value"),
    AP_INIT_FLAG("WSGIVerboseDebugging", set_verbose_debugging, NULL, GLOBAL,
        "On or Off: without effect, see LogLevel"),
    AP_INIT_TAKE1("WSGISocketPrefix", set_socket_prefix, NULL, GLOBAL,
        "Beginning of the names of the sockets of process groups"),

    DIRECTORY_LINE("WSGIHandlerScript", "handler-script", SECTION),
    DIRECTORY_LINE("WSGIDispatchScript", "dispatch-script", SECTION),
    DIRECTORY_LINE("WSGIAccessScript", "access-script", OR_AUTHCFG),
    DIRECTORY_LINE("WSGIAuthUserScript", "auth-user-script", OR_AUTHCFG),
    DIRECTORY_LINE("WSGIAuthGroupScript", "auth-group-script", OR_AUTHCFG),
    DIRECTORY("WSGIGroupAuthoritative", "group-authoritative", OR_AUTHCFG),
    DIRECTORY_LINE("WSGIRestrictProcess", "restrict-process", SECTION),
    DIRECTORY("WSGIProcessGroup", "process-group", SECTION),
    DIRECTORY("WSGIApplicationGroup", "application-group", SECTION),
    DIRECTORY("WSGICallableObject", "callable-object", OR_FILEINFO),
    DIRECTORY("WSGIPassApacheRequest", "pass-apache-request", SECTION),
    DIRECTORY("WSGIPassAuthorization", "pass-authorization", OR_FILEINFO),
    DIRECTORY("WSGIScriptReloading", "script-reloading", OR_FILEINFO),
    DIRECTORY("WSGIErrorOverride", "error-override", OR_FILEINFO),
    DIRECTORY("WSGIChunkedRequest", "chunked-request", OR_FILEINFO),
    DIRECTORY("WSGIMapHEADToGET", "map-head-to-get", OR_FILEINFO),
    DIRECTORY("WSGIEnableSendfile", "enable-sendfile", OR_FILEINFO),
    DIRECTORY("WSGIIgnoreActivity", "ignore-activity", OR_FILEINFO),

    PROCESS("WSGIPythonHome", "python-home"),
    PROCESS("WSGIPythonPath", "python-path"),
    PROCESS("WSGIPythonEggs", "python-eggs"),
    PROCESS("WSGIPythonOptimize", "python-optimize"),
    PROCESS("WSGIPythonWarnings", "python-warnings"),
    PROCESS("WSGIPythonHashSeed", "python-hash-seed"),
    PROCESS("WSGIDontWriteBytecode", "dont-write-bytecode"),
    PROCESS("WSGISwitchInterval", "switch-interval"),
    PROCESS("WSGICaseSensitivity", "case-sensitivity"),
    PROCESS("WSGIRestrictEmbedded", "restrict-embedded"),
    PROCESS("WSGIRestrictStdin", "restrict-stdin"),
    PROCESS("WSGIRestrictStdout", "restrict-stdout"),
    PROCESS("WSGIRestrictSignal", "restrict-signal"),
    PROCESS("WSGISocketRotation", "socket-rotation"),
    PROCESS("WSGIAcceptMutex", "accept-mutex"),
    PROCESS("WSGIServerMetrics", "server-metrics"),
    PROCESS("WSGISlowRequests", "slow-requests"),
    PROCESS_LINE("WSGITelemetryService", "telemetry-service"),
    PROCESS_LINE("WSGITelemetryOptions", "telemetry-options"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
/* clang-format on */

static void describe_commands(void)
{
    wsgi_core_option option = WSGI_CORE_OPTION_INIT;
    command_rec *command;
    size_t i;

    for (i = 0; wsgi_core_option_get(i, &option) == WSGI_CORE_OK; i++) {
        for (command = commands; command->name; command++) {
            if (!command->errmsg && !strcmp(command->cmd_data, option.name)) {
                command->errmsg = option.meaning;
            }
        }
    }
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const alias[] = { "mod_alias.c", NULL };
    static const char *const others[] = { "mod_userdir.c", "mod_vhost_alias.c",
                                          NULL };

    (void)p;
    describe_commands();
    ap_hook_monitor(monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* first, so that leave_process() comes last */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_LAST);
    ap_hook_translate_name(translate_name, alias, others, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA wsgi_module = {
    STANDARD20_MODULE_STUFF, create_dir_config,   merge_dir_config,
    create_server_config,    merge_server_config, commands,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
