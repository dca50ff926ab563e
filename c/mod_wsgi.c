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
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"
#include "http_ssl.h"
#include "mod_auth.h"
#include "ap_mpm.h"
#include "mpm_common.h"
#include "util_filter.h"
#include "unixd.h"
#include "util_script.h"

#include "apr_portable.h"
#include "apr_strings.h"

#include <unistd.h>

#include "wsgi_core.h"

/* the hook child_stopping, and the flags of a module */
#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
#error "mod_wsgi needs httpd 2.4.49 or later"
#endif

/* How long a child waits at its end for requests and for Python, within the
 * ten seconds or so after which the parent kills it.
 */
#define STOP_TIMEOUT_MS 5000

APLOG_USE_MODULE(wsgi);

/* One per reading of the configuration, shared by all servers. */
typedef struct {
    wsgi_core_config *options;
    apr_array_header_t *declarations; /* of declaration * */
    wsgi_core_engine *engine;         /* from post_config on */
    int stop_timed_out;
} process_config;

/* What is told to the engine once everything was read, in the order of the
 * configuration: a process group, an alias with its URL, or a script to import.
 */
typedef struct {
    server_rec *server;
    const ap_directive_t *directive;
    const char *group;
    const char *url; /* as configured: a prefix, or the regular expression */
    ap_regex_t *regex;
    const char *target; /* the script */
    wsgi_core_settings *settings;
    apr_array_header_t *layers; /* settings as the only layer */
} declaration;

typedef struct {
    process_config *process;
    apr_array_header_t *aliases; /* of declaration * */
} server_config;

/* A request while the engine serves it. */
typedef struct {
    request_rec *r;
    apr_bucket_brigade *input;  /* what was read and not yet taken */
    apr_bucket_brigade *output; /* empty between callbacks */
    apr_off_t length;           /* Content-Length of the response, or -1 */
    const char *redirect;       /* answer with what is at this path instead */
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

static apr_status_t free_settings(void *data)
{
    wsgi_core_settings_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_options(void *data)
{
    wsgi_core_config_free(data);
    return APR_SUCCESS;
}

static void *create_server_config(apr_pool_t *p, server_rec *s)
{
    server_config *conf = apr_pcalloc(p, sizeof(*conf));

    conf->aliases = apr_array_make(p, 4, sizeof(declaration *));
    if (s->is_virtual) {
        conf->process = server_conf(ap_server_conf)->process;
        return conf;
    }
    conf->process = apr_pcalloc(p, sizeof(*conf->process));
    conf->process->declarations = apr_array_make(p, 8, sizeof(declaration *));
    conf->process->options = wsgi_core_config_new();
    apr_pool_cleanup_register(p, conf->process->options, free_options,
                              apr_pool_cleanup_null);
    return conf;
}

/* What is configured for a directory is an array of wsgi_core_settings *, the
 * outermost first: merging puts such layers together and looks into none.
 */
static void *create_dir_config(apr_pool_t *p, char *dir)
{
    return apr_array_make(p, 1, sizeof(wsgi_core_settings *));
}

static void *merge_dir_config(apr_pool_t *p, void *base, void *add)
{
    /* httpd merges for each request, mostly sections without settings. */
    return apr_is_empty_array(add)    ? base
           : apr_is_empty_array(base) ? add
                                      : apr_array_append(p, base, add);
}

static const apr_array_header_t *layers_of(const ap_conf_vector_t *section)
{
    return ap_get_module_config(section, &wsgi_module);
}

/* Layers as the engine wants them. */
#define LAYERS(array) (void *)(array)->elts, (array)->nelts

/*
 * Directives
 */

/* What add_declared() makes, other than an alias for a prefix */
static char alias_match[] = "match";
static char import_script[] = "import";
static char daemon_group[] = "group";

/* A message that begins with the directive. */
static const char *complain(cmd_parms *cmd, const char *what, const char *text)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", what, text, NULL);
}

/* The same of an error, or NULL when there is none. */
static const char *report(cmd_parms *cmd, wsgi_core_error *err)
{
    const char *refusal =
        err ? complain(cmd, "", wsgi_core_error_get_message(err)) : NULL;

    wsgi_core_error_free(err);
    return refusal;
}

/* Any directive for the whole process; cmd->info is the engine's option. */
static const char *set_process_option(cmd_parms *cmd, void *dummy,
                                      const char *value)
{
    wsgi_core_config *options = server_conf(cmd->server)->process->options;
    const char *refusal = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    wsgi_core_error *err = NULL;

    if (refusal) {
        return refusal;
    }
    wsgi_core_config_set(options, cmd->info, value, strlen(value), &err);
    return report(cmd, err);
}

static wsgi_core_settings *new_settings(apr_pool_t *p, wsgi_core_scope scope)
{
    wsgi_core_settings *settings = wsgi_core_settings_new(scope);

    apr_pool_cleanup_register(p, settings, free_settings,
                              apr_pool_cleanup_null);
    return settings;
}

/* <WSGIInterpreterOptions>: options of the process, for some interpreters */
static const char *add_interpreter_options(cmd_parms *cmd, void *dummy,
                                           const char *line)
{
    wsgi_core_config *options = server_conf(cmd->server)->process->options;
    const char *end = ap_strrchr_c(line, '>');
    const char *refusal = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const ap_directive_t *inner = cmd->directive->first_child;
    const command_rec *known;
    wsgi_core_error *err = NULL;

    if (refusal || !end) {
        return refusal ? refusal : complain(cmd, "", "expected >");
    }
    for (; inner; inner = inner->next) {
        known = ap_find_command(inner->directive, wsgi_module.cmds);
        if (!known || known->AP_TAKE1 != set_process_option) {
            return complain(cmd, inner->directive,
                            " can't be set for interpreters");
        }
    }
    wsgi_core_config_begin_interpreters(options, line, end - line, &err);
    if (!err) {
        refusal =
            ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
        wsgi_core_config_end_interpreters(options, NULL);
    }
    return refusal ? refusal : report(cmd, err);
}

/* Any directive that may differ from section to section; likewise. */
static const char *set_dir_option(cmd_parms *cmd, void *mconfig,
                                  const char *value)
{
    apr_array_header_t *layers = mconfig;
    wsgi_core_error *err = NULL;

    if (apr_is_empty_array(layers)) {
        APR_ARRAY_PUSH(layers, wsgi_core_settings *) =
            new_settings(cmd->pool, WSGI_CORE_SCOPE_DIRECTORY);
    }
    wsgi_core_settings_set(APR_ARRAY_IDX(layers, 0, wsgi_core_settings *),
                           cmd->info, value, strlen(value), &err);
    return report(cmd, err);
}

/* WSGIScriptAlias, WSGIScriptAliasMatch, WSGIImportScript, WSGIDaemonProcess:
 * the rest of the line is options, name=value.
 */
static const char *add_declared(cmd_parms *cmd, void *dummy, const char *line)
{
    server_config *conf = server_conf(cmd->server);
    declaration *made = apr_pcalloc(cmd->pool, sizeof(*made));
    int is_group = cmd->info == daemon_group;
    const char **name = is_group ? &made->group : &made->target;
    const char *refusal = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    wsgi_core_error *err = NULL;

    if (refusal) {
        return refusal;
    }
    made->server = cmd->server;
    made->directive = cmd->directive;
    if (!is_group && cmd->info != import_script) {
        made->url = ap_getword_conf(cmd->pool, &line);
        APR_ARRAY_PUSH(conf->aliases, declaration *) = made;
    }
    *name = ap_getword_conf(cmd->pool, &line);
    if (!**name) {
        return complain(cmd, "", cmd->cmd->errmsg);
    }
    if (cmd->info == alias_match) {
        made->regex = ap_pregcomp(cmd->pool, made->url, AP_REG_EXTENDED);
        if (!made->regex) {
            return complain(cmd, made->url, " is not a regular expression");
        }
    }
    APR_ARRAY_PUSH(conf->process->declarations, declaration *) = made;
    made->settings = new_settings(cmd->pool, is_group ? WSGI_CORE_SCOPE_GROUP
                                                      : WSGI_CORE_SCOPE_SCRIPT);
    wsgi_core_settings_parse(made->settings, line, strlen(line), &err);
    made->layers = apr_array_make(cmd->pool, 1, sizeof(made->settings));
    APR_ARRAY_PUSH(made->layers, wsgi_core_settings *) = made->settings;
    return report(cmd, err);
}

/*
 * Callbacks
 */

static void log_for_server(void *ctx, const wsgi_core_log_record *record)
{
    ap_log_error_(record->file, (int)record->line, APLOG_MODULE_INDEX,
                  record->level, 0, ctx, "%s", record->text);
}

static wsgi_core_level server_log_level(void *ctx)
{
    return ap_get_server_module_loglevel((const server_rec *)ctx,
                                         APLOG_MODULE_INDEX);
}

static void log_for_request(void *ctx, const wsgi_core_log_record *record)
{
    ap_log_rerror_(record->file, (int)record->line, APLOG_MODULE_INDEX,
                   record->level, 0, ((exchange *)ctx)->r, "%s", record->text);
}

static wsgi_core_level request_log_level(void *ctx)
{
    return ap_get_request_module_loglevel(((exchange *)ctx)->r,
                                          APLOG_MODULE_INDEX);
}

/* Takes from the first bucket that has something: of a filter that hands over
 * more than was asked for, the rest stays where it is.
 */
static apr_status_t read_bucket(exchange *x, apr_read_type_e mode, char *buffer,
                                apr_size_t size, apr_size_t *taken)
{
    request_rec *r = x->r;
    apr_status_t rv = x->read_failure;

    while (rv == APR_SUCCESS && !*taken && !x->input_ended) {
        apr_bucket *e = APR_BRIGADE_FIRST(x->input);
        const char *data;
        apr_size_t len;

        if (APR_BRIGADE_EMPTY(x->input)) {
            rv = ap_get_brigade(r->input_filters, x->input, AP_MODE_READBYTES,
                                mode, size);
            if (rv == APR_SUCCESS && r->eos_sent && !x->ended) {
                rv = AP_FILTER_ERROR;
            }
            if (APR_BRIGADE_EMPTY(x->input) && mode == APR_NONBLOCK_READ) {
                break;
            }
            continue;
        }
        if (APR_BUCKET_IS_EOS(e)) {
            x->input_ended = 1;
        }
        else if (!APR_BUCKET_IS_METADATA(e)) {
            rv = apr_bucket_read(e, &data, &len, APR_BLOCK_READ);
            if (rv != APR_SUCCESS) {
                break;
            }
            if (len > size) {
                len = size;
                apr_bucket_split(e, len);
            }
            memcpy(buffer, data, len);
            *taken = len;
        }
        apr_bucket_delete(e);
    }
    x->read_failure = APR_STATUS_IS_EAGAIN(rv) ? APR_SUCCESS : rv;
    return rv;
}

static wsgi_core_status read_body(void *ctx, char *buffer, size_t buffer_len,
                                  size_t *read_len, const char **reason)
{
    exchange *x = ctx;
    apr_status_t rv =
        read_bucket(x, APR_BLOCK_READ, buffer, buffer_len, read_len);

    if (rv == APR_SUCCESS) {
        return WSGI_CORE_OK;
    }
    *reason = apr_strerror(rv, apr_pcalloc(x->r->pool, 256), 256);
    if (rv == AP_FILTER_ERROR) {
        /* A filter has answered already, with 413 for instance. */
        x->failure = AP_FILTER_ERROR;
        *reason = "refused by the server";
    }
    return WSGI_CORE_E_HOST;
}

/* A failure comes again with the read that waits. */
static wsgi_core_status read_now(void *ctx, char *buffer, size_t buffer_len,
                                 size_t *read_len, bool *available)
{
    exchange *x = ctx;

    /* Reading would ask the client for a body that may not be wanted. */
    if (!x->r->expecting_100) {
        read_bucket(x, APR_NONBLOCK_READ, buffer, buffer_len, read_len);
    }
    *available = *read_len > 0 || x->input_ended;
    return WSGI_CORE_OK;
}

static char *copy(const request_rec *r, wsgi_core_bytes bytes)
{
    return apr_pstrmemdup(r->pool, bytes.data, bytes.len);
}

static void set_header(request_rec *r, const wsgi_core_pair *header,
                       int is_redirect)
{
    const char *name = copy(r, header->name);
    char *value = copy(r, header->value);

    if (!ap_cstr_casecmp(name, "Content-Type")) {
        ap_content_type_tolower(value);
        ap_set_content_type(r, value);
    }
    else if (!ap_cstr_casecmp(name, "WWW-Authenticate")
             || (is_redirect && !ap_cstr_casecmp(name, "Set-Cookie"))) {
        /* These go with what httpd answers instead. */
        apr_table_addn(r->err_headers_out, name, value);
    }
    else {
        apr_table_addn(r->headers_out, name, value);
    }
}

static wsgi_core_status send_head(void *ctx, const wsgi_core_head *head)
{
    exchange *x = ctx;
    request_rec *r = x->r;
    size_t i;

    if (x->failure != APR_SUCCESS) {
        return WSGI_CORE_E_HOST;
    }
    for (i = 0; i < head->headers_len; i++) {
        set_header(r, &head->headers[i], head->local_redirect.data != NULL);
    }
    /* httpd keeps it on its page, and does not know every status. */
    r->status_line = copy(r, head->status);
    if (head->error_page) {
        return WSGI_CORE_OK;
    }
    if (head->local_redirect.data) {
        x->redirect = copy(r, head->local_redirect);
        r->status_line = NULL;
        return WSGI_CORE_OK;
    }
    r->status = head->code;
    x->length = head->content_length;
    if (x->length >= 0) {
        ap_set_content_length(r, x->length);
    }
    return WSGI_CORE_OK;
}

/* Passes a brigade on and empties it; after a failure nothing else is left. */
static wsgi_core_status pass_brigade(exchange *x, apr_bucket_brigade *brigade)
{
    x->failure = ap_pass_brigade(x->r->output_filters, brigade);
    apr_brigade_cleanup(brigade);
    x->started = 1;
    if (x->failure == APR_SUCCESS && x->r->connection->aborted) {
        x->failure = APR_ECONNABORTED;
    }
    if (x->failure != APR_SUCCESS) {
        apr_brigade_cleanup(x->output);
        return WSGI_CORE_E_HOST;
    }
    return WSGI_CORE_OK;
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

/* Passes on what is in x->output. */
static wsgi_core_status pass_block(exchange *x, uint32_t flags, int is_whole)
{
    request_rec *r = x->r;
    conn_rec *c = r->connection;
    int is_last = flags & WSGI_CORE_SEND_END;
    wsgi_core_status status = WSGI_CORE_OK;

    if (x->redirect || x->failure != APR_SUCCESS || x->ended) {
        apr_brigade_cleanup(x->output);
        return x->redirect ? WSGI_CORE_OK : WSGI_CORE_E_HOST;
    }

    /* If the last block were the first as well, httpd would count it and
     * invent a Content-Length. So the head is made to go ahead with a brigade
     * of nothing; but filters for content may drop that, and get the block
     * without the EOS instead.
     */
    if (is_last && !x->started && !is_whole
        && pass_brigade(x, is_filtered(r)
                               ? x->output
                               : apr_brigade_create(r->pool, c->bucket_alloc))
               != WSGI_CORE_OK) {
        return WSGI_CORE_E_HOST;
    }
    if (is_last) {
        append_bucket(x, apr_bucket_eos_create(c->bucket_alloc));
        x->ended = 1;
    }
    else if (flags & WSGI_CORE_SEND_FLUSH) {
        append_bucket(x, apr_bucket_flush_create(c->bucket_alloc));
    }
    if (!APR_BRIGADE_EMPTY(x->output)) {
        status = pass_brigade(x, x->output);
    }

    /* httpd reads the rest of the request before it lets go of the response,
     * and the client may wait for the response before it sends the rest.
     */
    if (status == WSGI_CORE_OK && is_last && !x->input_ended
        && x->read_failure == APR_SUCCESS && ap_request_has_body(r)) {
        append_bucket(x, apr_bucket_flush_create(c->bucket_alloc));
        ap_pass_brigade(c->output_filters, x->output);
        apr_brigade_cleanup(x->output);
    }
    return status;
}

static wsgi_core_status send_data(void *ctx, const char *data, size_t data_len,
                                  uint32_t flags)
{
    exchange *x = ctx;
    /* With the whole body at once httpd would serve ranges of it. */
    int is_whole = x->length == (apr_off_t)data_len && !x->started
                   && !apr_table_get(x->r->headers_in, "Range");

    if (data_len && (flags & WSGI_CORE_SEND_FOREIGN) && is_filtered(x->r)) {
        append_bucket(x, apr_bucket_heap_create(data, data_len, NULL,
                                                x->output->bucket_alloc));
    }
    else if (data_len) {
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

    if ((flags & (WSGI_CORE_SEND_SENDFILE | WSGI_CORE_SEND_FOREIGN))
        && core->enable_sendfile != ENABLE_SENDFILE_OFF) {
        mode |= APR_FOPEN_SENDFILE_ENABLED;
    }
    rv = apr_os_file_put(&file, &os_file, mode, r->pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_dup(&file, file, r->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    e = apr_brigade_insert_file(x->output, file, offset, length, r->pool);
    if (core->enable_mmap == ENABLE_MMAP_OFF
        || (flags & WSGI_CORE_SEND_FOREIGN)) {
        apr_bucket_file_enable_mmap(e, 0);
    }
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
    apr_status_t rv =
        length ? append_file(x, fd, offset, length, flags) : APR_SUCCESS;

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, x->r,
                      "WC0055: [script %s] file of the response can't be used",
                      x->r->filename);
        return WSGI_CORE_E_HOST;
    }
    return pass_block(x, flags, is_whole);
}

/* httpd sets its own again for the next request. */
static void set_send_timeout(void *ctx, uint32_t seconds)
{
    conn_rec *c = ((exchange *)ctx)->r->connection;

    /* The socket of an HTTP/2 connection is not this response's alone. */
    if (!c->master) {
        apr_socket_timeout_set(ap_get_conn_socket(c),
                               apr_time_from_sec(seconds));
    }
}

static bool is_aborted(void *ctx)
{
    return ((exchange *)ctx)->r->connection->aborted;
}

/* Notes of the request, for %{ENV:name}; its variables the engine has. */
static wsgi_core_status get_variable(void *ctx, const char *name,
                                     size_t name_len, wsgi_core_bytes *value)
{
    const request_rec *r = ((exchange *)ctx)->r;

    *value = wsgi_core_bytes_of(apr_table_get(r->notes, name));
    return WSGI_CORE_OK;
}

/* mod_ssl's, for applications and scripts that ask for them by name. */
static wsgi_core_status get_ssl_variable(void *ctx, const char *name,
                                         size_t name_len,
                                         wsgi_core_bytes *value)
{
    request_rec *r = ((exchange *)ctx)->r;

    *value = wsgi_core_bytes_of(
        ap_ssl_var_lookup(r->pool, r->server, r->connection, r, name));
    return WSGI_CORE_OK;
}

/* clang-format off */
static const wsgi_core_server server_callbacks = {
    sizeof(wsgi_core_server), log_for_server, server_log_level
};
static const wsgi_core_host host_callbacks = {
    sizeof(wsgi_core_host), read_body, send_head, send_data, send_file,
    is_aborted, log_for_request, request_log_level, get_variable, read_now,
    set_send_timeout, get_ssl_variable
};
/* clang-format on */

/*
 * The request as the engine wants it
 */

static wsgi_core_pair *add_pair(wsgi_core_pair *next, const char *name,
                                const char *value)
{
    if (name && value) {
        next->name = wsgi_core_bytes_of(name);
        next->value = wsgi_core_bytes_of(value);
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
    apr_hash_t *rules = core->cgi_var_rules;
    const char *rule =
        rules ? apr_hash_get(rules, "REQUEST_URI", APR_HASH_KEY_STRING) : NULL;
    wsgi_core_bytes uri;

    if (rule && !strcmp(rule, "current-uri")) {
        return wsgi_core_bytes_of(r->uri);
    }
    uri.data = r->the_request ? r->the_request : "";
    uri.data += strcspn(uri.data, " \t");
    uri.data += strspn(uri.data, " \t");
    uri.len = strcspn(uri.data, " \t");
    return uri;
}

/* What ap_add_common_vars() would put into r->subprocess_env, after what is
 * there already. It isn't called because its tables cost more than the rest
 * of this file.
 */
#define MAX_COMPUTED 11

static wsgi_core_pair *
add_variables(request_rec *r, const core_dir_config *core, wsgi_core_pair *next)
{
    const request_rec *back = r;
    const char *url;

    next = add_table(next, r->subprocess_env);
    next = add_pair(next, "CONTEXT_PREFIX", ap_context_prefix(r));
    next = add_pair(next, "CONTEXT_DOCUMENT_ROOT", ap_context_document_root(r));
    next = add_pair(next, "AUTH_TYPE", r->ap_auth_type);
    next = add_pair(next, "REMOTE_USER", r->user);
    if (r->prev) {
        url = r->prev->uri;
        if (core->qualify_redirect_url == AP_CORE_CONFIG_ON) {
            url = apr_uri_unparse(r->pool, &r->prev->parsed_uri,
                                  APR_URI_UNP_OMITSITEPART);
            url = ap_construct_url(r->pool, url, r->prev);
        }
        next = add_pair(next, "REDIRECT_URL", url);
        next = add_pair(next, "REDIRECT_QUERY_STRING", r->prev->args);
    }
    while (back && !back->user) {
        back = back->prev;
    }
    if (back && back != r) {
        next = add_pair(next, "REDIRECT_REMOTE_USER", back->user);
    }
    return next;
}

static void set_pairs(request_rec *r, int is_served,
                      const core_dir_config *core, wsgi_core_request_info *info)
{
    int nheaders = apr_table_elts(r->headers_in)->nelts;
    int nvariables = apr_table_elts(r->subprocess_env)->nelts + MAX_COMPUTED;
    wsgi_core_pair *pairs =
        apr_palloc(r->pool, (nheaders + nvariables) * sizeof(*pairs));
    wsgi_core_pair *end = add_table(pairs, r->headers_in);

    info->headers = pairs;
    info->headers_len = end - pairs;
    info->variables = end;
    if (is_served) {
        end = add_variables(r, core, end);
    }
    else {
        /* for a script that decides about the request */
        end = add_pair(end, "SERVER_SIGNATURE", ap_psignature("", r));
        end = add_pair(end, "REMOTE_HOST",
                       ap_get_useragent_host(r, REMOTE_HOST, NULL));
    }
    end = add_pair(end, "SERVER_SOFTWARE", ap_get_server_banner());
    end = add_pair(end, "SERVER_ADMIN", r->server->server_admin);
    end = add_pair(end, "DOCUMENT_ROOT", ap_document_root(r));
    end =
        add_pair(end, "HTTPS", ap_ssl_conn_is_ssl(r->connection) ? "1" : NULL);
    info->variables_len = end - info->variables;
}

static void set_script(request_rec *r, wsgi_core_request_info *info)
{
    const declaration *alias =
        ap_get_module_config(r->request_config, &wsgi_module);
    const apr_array_header_t *layers = layers_of(r->per_dir_config);

    if (alias) {
        layers = apr_array_append(r->pool, layers, alias->layers);
    }
    info->script = wsgi_core_bytes_of(r->filename ? r->filename : r->uri);
    info->script_type =
        r->finfo.filetype == APR_REG      ? WSGI_CORE_FILE_REGULAR
        : r->finfo.filetype == APR_DIR    ? WSGI_CORE_FILE_DIRECTORY
        : r->finfo.filetype == APR_NOFILE ? WSGI_CORE_FILE_MISSING
                                          : WSGI_CORE_FILE_UNKNOWN;
    info->script_mtime_us = r->finfo.mtime; /* 0: not known */
    info->script_refused = !alias && !(ap_allow_options(r) & OPT_EXECCGI);
    info->settings = (void *)layers->elts;
    info->settings_len = layers->nelts;

    /* as in ap_add_cgi_vars() */
    info->script_name = wsgi_core_bytes_of(r->uri);
    info->path_info = wsgi_core_bytes_of(r->path_info);
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

static void describe_request(request_rec *r, int is_served,
                             wsgi_core_request_info *info)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    conn_rec *c = r->connection;

    info->method = wsgi_core_bytes_of(r->method);
    info->request_uri = request_uri(r, core);
    info->query_string = wsgi_core_bytes_of(r->args);
    info->protocol = wsgi_core_bytes_of(r->protocol);
    info->scheme = wsgi_core_bytes_of(ap_http_scheme(r));
    info->handler = wsgi_core_bytes_of(r->handler);
    info->request_id = wsgi_core_bytes_of(request_log_id(r));
    info->connection_id = wsgi_core_bytes_of(c->log_id);
    info->request_start_us = r->request_time;
    info->native_request = r;
    info->body_limit = ap_get_limit_req_body(r);
    info->response_filtered = is_filtered(r);
    info->pass_auth = core->cgi_pass_auth == AP_CGI_PASS_AUTH_ON;
    info->server_name = wsgi_core_bytes_of(
        ap_escape_html(r->pool, ap_get_server_name_for_url(r)));
    info->server_port = ap_get_server_port(r);
    info->server_addr = wsgi_core_bytes_of(c->local_ip);
    info->server_hostname = wsgi_core_bytes_of(r->server->server_hostname);
    info->host = wsgi_core_bytes_of(r->hostname);
    info->listener_host = wsgi_core_bytes_of(c->local_addr->hostname);
    info->listener_port = c->local_addr->port;
    info->remote_addr = wsgi_core_bytes_of(r->useragent_ip);
    info->remote_port = c->client_addr->port;
    set_script(r, info);
    set_pairs(r, is_served, core, info);
}

/*
 * Hooks: requests
 */

/* Maps the request to the script if the alias matches. */
static int try_alias(request_rec *r, const declaration *alias)
{
    ap_regmatch_t found[AP_MAX_REG_MATCH];
    const char *target = alias->target;
    const char *rest;

    if (!alias->regex) {
        rest = wsgi_core_path_rest(r->uri, strlen(r->uri), alias->url,
                                   strlen(alias->url));
        if (!rest) {
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
        rest = r->uri + found[0].rm_eo;
    }
    r->filename = apr_pstrcat(r->pool, target, rest, NULL);
    r->handler = "wsgi-script";
    ap_set_module_config(r->request_config, &wsgi_module, (void *)alias);
    return OK;
}

static int translate_name(request_rec *r)
{
    const server_rec *s = r->uri[0] == '/' ? r->server : NULL;
    int status = DECLINED;
    int i;

    for (; s && status == DECLINED; s = s->is_virtual ? ap_server_conf : NULL) {
        const apr_array_header_t *aliases = server_conf(s)->aliases;

        for (i = 0; i < aliases->nelts && status == DECLINED; i++) {
            status = try_alias(r, APR_ARRAY_IDX(aliases, i, declaration *));
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
    pass_brigade(x, x->output);
}

/* A local redirect: the answer is what GET gives for another path, and cookies.
 * httpd must not find the body of this request again, neither as one of that
 * one nor as a request of its own.
 */
static int redirect(exchange *x)
{
    request_rec *r = x->r;
    int status = ap_discard_request_body(r);

    if (status != OK) {
        return status;
    }
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    r->method = "GET";
    r->method_number = M_GET;
    ap_internal_redirect(x->redirect, r);
    return OK;
}

/* What the handler returns for what became of the request. */
static int conclude(exchange *x, wsgi_core_status status,
                    const wsgi_core_outcome *outcome)
{
    int code = outcome->head_sent || !ap_is_HTTP_ERROR(outcome->code)
                   ? HTTP_INTERNAL_SERVER_ERROR
                   : outcome->code;

    if (x->failure == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;
    }
    if (x->started) {
        if (status != WSGI_CORE_OK || !outcome->complete) {
            break_off(x);
        }
        return OK;
    }
    if (status == WSGI_CORE_OK && x->redirect) {
        return redirect(x);
    }

    /* Nothing has left, so httpd can answer, and the head is forgotten. */
    x->r->status = HTTP_OK;
    if (status == WSGI_CORE_OK) {
        return code; /* WSGIErrorOverride, with the status line */
    }
    x->r->status_line = NULL;
    return ap_map_http_request_error(x->read_failure, code);
}

static int handler(request_rec *r)
{
    wsgi_core_engine *engine = server_conf(r->server)->process->engine;
    const apr_array_header_t *layers = layers_of(r->per_dir_config);
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;
    wsgi_core_outcome outcome = WSGI_CORE_OUTCOME_INIT;
    wsgi_core_request *request = NULL;
    wsgi_core_status status;
    exchange x = { .r = r, .length = -1 };

    if (wsgi_core_settings_find_handler(r->handler, strlen(r->handler),
                                        LAYERS(layers))
        == WSGI_CORE_HANDLER_NONE) {
        return DECLINED;
    }
    x.input = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    x.output = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    describe_request(r, 1, &info);
    wsgi_core_request_new(engine, &info, &request, NULL);
    status =
        wsgi_core_request_serve(request, &host_callbacks, &x, &outcome, NULL);
    if (outcome.retry_after) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, (int)outcome.retry_after));
    }
    return conclude(&x, status, &outcome);
}

/* What a script says about the request, and what goes with a yes. No verdict
 * at all if it fails, which has been logged: then nobody is let in.
 */
static wsgi_core_verdict ask(request_rec *r, wsgi_core_check_kind kind,
                             const char *user, const char *detail,
                             const char **text)
{
    wsgi_core_engine *engine = server_conf(r->server)->process->engine;
    wsgi_core_request_info info = WSGI_CORE_REQUEST_INFO_INIT;
    wsgi_core_check check = WSGI_CORE_CHECK_INIT;
    wsgi_core_request *request = NULL;
    wsgi_core_decision *decision = NULL;
    wsgi_core_verdict verdict;
    exchange x = { .r = r };

    check.kind = kind;
    check.user = wsgi_core_bytes_of(user);
    check.detail = wsgi_core_bytes_of(detail);
    check.others_decide =
        ap_satisfies(r) == SATISFY_ANY && ap_some_auth_required(r);
    describe_request(r, 0, &info);
    wsgi_core_request_new(engine, &info, &request, NULL);
    wsgi_core_request_check(request, &check, &host_callbacks, &x, &decision,
                            NULL);
    verdict = decision ? wsgi_core_decision_get_verdict(decision) : 0;
    *text = copy(r, wsgi_core_decision_get_text(decision));
    wsgi_core_decision_free(decision);
    return verdict;
}

/* By verdict */
static const authn_status authn_answers[] = { AUTH_GENERAL_ERROR, AUTH_GRANTED,
                                              AUTH_DENIED,
                                              AUTH_USER_NOT_FOUND };
static const authz_status authz_answers[] = { AUTHZ_DENIED, AUTHZ_GRANTED,
                                              AUTHZ_DENIED, AUTHZ_DENIED };
static const int access_answers[] = { HTTP_FORBIDDEN, OK, HTTP_FORBIDDEN,
                                      DECLINED };

static authn_status check_password(request_rec *r, const char *user,
                                   const char *password)
{
    const char *name = NULL;
    wsgi_core_verdict verdict =
        ask(r, WSGI_CORE_CHECK_PASSWORD, user, password, &name);

    r->user = name ? (char *)name : r->user;
    return authn_answers[verdict];
}

static authn_status get_realm_hash(request_rec *r, const char *user,
                                   const char *realm, char **hash)
{
    const char *text = NULL;
    wsgi_core_verdict verdict =
        ask(r, WSGI_CORE_CHECK_REALM_HASH, user, realm, &text);

    *hash = (char *)text;
    return text ? AUTH_USER_FOUND : authn_answers[verdict];
}

/* Require wsgi-group */
static authz_status check_groups(request_rec *r, const char *line,
                                 const void *parsed)
{
    const char *text;

    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    return authz_answers[ask(r, WSGI_CORE_CHECK_GROUPS, r->user, line, &text)];
}

static int check_access(request_rec *r)
{
    const apr_array_header_t *layers = layers_of(r->per_dir_config);
    const char *text;

    if (!wsgi_core_settings_control_access(LAYERS(layers))) {
        return DECLINED;
    }
    return access_answers[ask(r, WSGI_CORE_CHECK_ACCESS, NULL,
                              ap_get_useragent_host(r, REMOTE_NAME, NULL),
                              &text)];
}

static const authn_provider authentication = { check_password, get_realm_hash };
static const authz_provider authorization = { check_groups, NULL };

/*
 * Hooks: configuration and processes
 */

static int startup_failed(apr_pool_t *p, wsgi_core_error *err,
                          const ap_directive_t *directive)
{
    const char *where =
        directive ? apr_psprintf(p, "%s on line %d of %s", directive->directive,
                                 directive->line_num, directive->filename)
                  : "mod_wsgi";

    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL,
                 "WC%04u: %s: %s", wsgi_core_error_get_id(err), where,
                 wsgi_core_error_get_message(err));
    wsgi_core_error_free(err);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static wsgi_core_status add_mapping(const declaration *made, server_rec *s,
                                    apr_pool_t *p, wsgi_core_error **err)
{
    wsgi_core_config *options = server_conf(s)->process->options;
    const apr_array_header_t *layers =
        apr_array_append(p, layers_of(s->lookup_defaults), made->layers);
    wsgi_core_mapping mapping = WSGI_CORE_MAPPING_INIT;

    mapping.server = wsgi_core_bytes_of(s->server_hostname);
    mapping.url = wsgi_core_bytes_of(made->url);
    mapping.is_pattern = made->regex != NULL;
    mapping.script = wsgi_core_bytes_of(made->target);
    mapping.settings = (void *)layers->elts;
    mapping.settings_len = layers->nelts;
    return made->url ? wsgi_core_config_add_application(options, &mapping, err)
                     : wsgi_core_config_add_import(options, &mapping, err);
}

static wsgi_core_status add_declaration(const declaration *made, server_rec *s,
                                        apr_pool_t *p, wsgi_core_error **err)
{
    const server_rec *own = made->server;
    wsgi_core_status status = WSGI_CORE_OK;

    /* Groups of a virtual host are for its requests only. */
    if (made->group) {
        return wsgi_core_config_add_group(
            server_conf(s)->process->options, made->group, strlen(made->group),
            own->is_virtual ? own->server_hostname : NULL, made->settings, err);
    }
    /* Aliases of the main server are for all virtual hosts, and if there are
     * any, for them alone.
     */
    for (; s && status == WSGI_CORE_OK; s = s->next) {
        if (made->url && !own->is_virtual ? s->is_virtual || !s->next
                                          : s == own) {
            status = add_mapping(made, s, p, err);
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

    if (wsgi_core_abi_check(WSGI_CORE_ABI_VERSION, &err) != WSGI_CORE_OK) {
        return startup_failed(ptemp, err, NULL);
    }
    for (i = 0; i < process->declarations->nelts; i++) {
        const declaration *made =
            APR_ARRAY_IDX(process->declarations, i, const declaration *);

        if (add_declaration(made, main_server, ptemp, &err) != WSGI_CORE_OK) {
            return startup_failed(ptemp, err, made->directive);
        }
    }
    if (wsgi_core_config_check(process->options, &err) != WSGI_CORE_OK) {
        return startup_failed(ptemp, err, NULL);
    }
    return OK;
}

/* Options that follow from httpd itself. The terminal is the application's, for
 * its debugger, where there is a single process: httpd -X or -DONE_PROCESS.
 */
static wsgi_core_status set_host_options(wsgi_core_config *options,
                                         apr_pool_t *p, const server_rec *s,
                                         wsgi_core_error **err)
{
    ap_version_t version;
    int threads = 1;
    int processes = 1;
    const char *line;

    ap_get_server_revision(&version);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    line = apr_psprintf(
        p,
        "host-name=apache host-version=%d.%d.%d host-description=\"%s\" "
        "host-build-date=\"%s\" host-mpm-name=%s host-root=\"%s\" "
        "host-user=#%lu host-group=#%lu host-timeout=%d threads=%d "
        "processes=%d keep-stdio=%s end-with-parent=%s",
        version.major, version.minor, version.patch,
        ap_escape_quotes(p, ap_get_server_description()), ap_get_server_built(),
        ap_show_mpm(), ap_escape_quotes(p, ap_server_root),
        (unsigned long)ap_unixd_config.user_id,
        (unsigned long)ap_unixd_config.group_id, (int)apr_time_sec(s->timeout),
        threads, processes,
        ap_exists_config_define("DEBUG")
                || ap_exists_config_define("ONE_PROCESS")
            ? "On"
            : "Off",
        ap_exists_config_define("MOD_WSGI_END_WITH_PARENT") ? "On" : "Off");
    return wsgi_core_config_parse(options, line, strlen(line), err);
}

/* Supervisors of process groups, by pid, of this generation and of those
 * before: they are children of this process until they end, and httpd would
 * call them lost. The list outlives the configuration and this module's memory.
 */
static apr_hash_t *get_supervisors(server_rec *s)
{
    static const char key[] = "wsgi_core_supervisors";
    apr_hash_t **kept = ap_retained_data_get(key);

    if (!kept) {
        kept = ap_retained_data_create(key, sizeof(*kept));
        *kept = apr_hash_make(s->process->pool);
    }
    return *kept;
}

static int tend_supervisor(apr_pool_t *p, server_rec *s);

static void supervisor_event(int reason, void *data, apr_wait_t status)
{
    server_rec *s = ap_server_conf;
    apr_proc_t *supervisor = data;

    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
        apr_proc_other_child_unregister(supervisor);
        apr_hash_set(get_supervisors(s), &supervisor->pid,
                     sizeof(supervisor->pid), NULL);
        wsgi_core_engine_child_ended(
            server_conf(s)->process->engine, (uint32_t)supervisor->pid,
            reason == APR_OC_REASON_DEATH ? (int32_t)status : -1, NULL);
        tend_supervisor(NULL, s);
    }
}

static void watch(apr_proc_t *supervisor, server_rec *s)
{
    apr_proc_other_child_register(supervisor, supervisor_event, supervisor,
                                  NULL, s->process->pconf);
}

/* Watches the supervisor of this generation, and starts it again if it ended:
 * at once or some time later, as the engine has it.
 */
static int tend_supervisor(apr_pool_t *p, server_rec *s)
{
    wsgi_core_engine *engine = server_conf(s)->process->engine;
    apr_hash_t *supervisors = get_supervisors(s);
    apr_proc_t *supervisor;
    pid_t pid;

    wsgi_core_engine_tend(engine, NULL);
    pid = wsgi_core_engine_get_supervisor_pid(engine);
    if (pid && !apr_hash_get(supervisors, &pid, sizeof(pid))) {
        supervisor = apr_pcalloc(s->process->pool, sizeof(*supervisor));
        supervisor->pid = pid;
        apr_hash_set(supervisors, &supervisor->pid, sizeof(pid), supervisor);
        watch(supervisor, s);
    }
    return DECLINED;
}

/* At httpd's own end it waits for the supervisors, and so for their workers:
 * what started httpd may kill everything else once httpd is gone.
 */
static apr_status_t end_engine(void *data)
{
    server_rec *s = data;
    apr_hash_index_t *i;

    wsgi_core_engine_free(server_conf(s)->process->engine);
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING) {
        for (i = apr_hash_first(NULL, get_supervisors(s)); i;
             i = apr_hash_next(i)) {
            apr_proc_wait(apr_hash_this_val(i), NULL, NULL, APR_WAIT);
        }
    }
    return APR_SUCCESS;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    process_config *process = server_conf(s)->process;
    apr_hash_index_t *i;
    wsgi_core_error *err = NULL;
    const char *python;
    int n;

    /* httpd reads its configuration twice when it starts. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }

    /* A group logs as much as its server, and to the same file if it is one. */
    for (n = 0; n < process->declarations->nelts; n++) {
        const declaration *made =
            APR_ARRAY_IDX(process->declarations, n, const declaration *);
        apr_file_t *log = made->server->error_log;
        apr_os_file_t fd = -1;

        if (made->group) {
            if (log && log != s->error_log) {
                apr_os_file_get(&fd, log);
            }
            wsgi_core_config_set_group_log(
                process->options, made->group, strlen(made->group), fd,
                server_log_level(made->server), NULL);
        }
    }
    if (set_host_options(process->options, ptemp, s, &err) != WSGI_CORE_OK
        || wsgi_core_engine_prepare(process->options, &server_callbacks, s,
                                    &process->engine, &err)
               != WSGI_CORE_OK) {
        return startup_failed(ptemp, err, NULL);
    }
    /* Runs before the one that ends the processes of piped logs. */
    apr_pool_cleanup_register(pconf, s, end_engine, apr_pool_cleanup_null);
    for (i = apr_hash_first(ptemp, get_supervisors(s)); i;
         i = apr_hash_next(i)) {
        watch(apr_hash_this_val(i), s);
    }
    tend_supervisor(ptemp, s);

    /* the release that this module is compatible with */
    ap_add_version_component(pconf, "mod_wsgi/6.1.1");
    python = wsgi_core_engine_get_python_version(process->engine);
    if (python) {
        ap_add_version_component(pconf,
                                 apr_psprintf(pconf, "Python/%s", python));
    }
    return OK;
}

/* The cleanup runs before the pools of requests go: prefork ends its children
 * out of a signal handler, in the middle of a request.
 */
static apr_status_t stop_engine(void *data)
{
    process_config *process = data;

    process->stop_timed_out |=
        wsgi_core_engine_stop(process->engine, STOP_TIMEOUT_MS, NULL)
        == WSGI_CORE_E_TIMEOUT;
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

    ap_mpm_query(AP_MPMQ_IS_THREADED, &is_threaded);
    if (is_threaded && !graceful) {
        stop_engine(process);
        leave_process(process);
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
        startup_failed(pchild, err, NULL);
    }
}

/*
 * Command table
 */

#define SECTION (RSRC_CONF | ACCESS_CONF)

/* What a directive does is said by the option that it sets, whose name is
 * cmd_data: describe_commands() looks it up.
 */
#define DECLARED(name, what, help) \
    AP_INIT_RAW_ARGS(name, add_declared, what, RSRC_CONF, help)
#define PROCESS(type, name, option) \
    AP_INIT_##type(name, set_process_option, option, RSRC_CONF, NULL)
#define LAYER(type, name, option, where) \
    AP_INIT_##type(name, set_dir_option, option, where, NULL)

/* clang-format off */
static command_rec commands[] = {
    DECLARED("WSGIScriptAlias", NULL,
        "expected a URL path, a script or directory, and options"),
    DECLARED("WSGIScriptAliasMatch", alias_match,
        "expected a regular expression, a script or directory, and options"),
    DECLARED("WSGIImportScript", import_script,
        "expected a script, process-group=NAME and application-group=NAME"),
    DECLARED("WSGIDaemonProcess", daemon_group,
        "expected a name, and options as name=value"),

    LAYER(RAW_ARGS, "WSGIHandlerScript", "handler-script", SECTION),
    LAYER(RAW_ARGS, "WSGIDispatchScript", "dispatch-script", SECTION),
    LAYER(RAW_ARGS, "WSGIAccessScript", "access-script", OR_AUTHCFG),
    LAYER(RAW_ARGS, "WSGIAuthUserScript", "auth-user-script", OR_AUTHCFG),
    LAYER(RAW_ARGS, "WSGIAuthGroupScript", "auth-group-script", OR_AUTHCFG),
    LAYER(TAKE1, "WSGIGroupAuthoritative", "group-authoritative", OR_AUTHCFG),
    LAYER(RAW_ARGS, "WSGIRestrictProcess", "restrict-process", SECTION),
    LAYER(TAKE1, "WSGIProcessGroup", "process-group", SECTION),
    LAYER(TAKE1, "WSGIApplicationGroup", "application-group", SECTION),
    LAYER(TAKE1, "WSGICallableObject", "callable-object", OR_FILEINFO),
    LAYER(TAKE1, "WSGIPassApacheRequest", "pass-apache-request", SECTION),
    LAYER(TAKE1, "WSGIPassAuthorization", "pass-authorization", OR_FILEINFO),
    LAYER(TAKE1, "WSGIScriptReloading", "script-reloading", OR_FILEINFO),
    LAYER(TAKE1, "WSGIErrorOverride", "error-override", OR_FILEINFO),
    LAYER(TAKE1, "WSGIChunkedRequest", "chunked-request", OR_FILEINFO),
    LAYER(TAKE1, "WSGIMapHEADToGET", "map-head-to-get", OR_FILEINFO),
    LAYER(TAKE1, "WSGIEnableSendfile", "enable-sendfile", OR_FILEINFO),
    LAYER(TAKE1, "WSGIIgnoreActivity", "ignore-activity", OR_FILEINFO),
    LAYER(RAW_ARGS, "WSGITrustedProxyHeaders", "trusted-proxy-headers",
        OR_FILEINFO),
    LAYER(RAW_ARGS, "WSGITrustedProxies", "trusted-proxies", OR_FILEINFO),

    PROCESS(TAKE1, "WSGIPythonHome", "python-home"),
    PROCESS(TAKE1, "WSGIPythonPath", "python-path"),
    PROCESS(TAKE1, "WSGIPythonEggs", "python-eggs"),
    PROCESS(TAKE1, "WSGIPythonOptimize", "python-optimize"),
    PROCESS(TAKE1, "WSGIPythonWarnings", "python-warnings"),
    PROCESS(TAKE1, "WSGIPythonHashSeed", "python-hash-seed"),
    PROCESS(TAKE1, "WSGIDontWriteBytecode", "dont-write-bytecode"),
    PROCESS(TAKE1, "WSGISwitchInterval", "switch-interval"),
    PROCESS(TAKE1, "WSGIPerInterpreterGIL", "per-interpreter-gil"),
    PROCESS(TAKE1, "WSGIFreeThreading", "free-threading"),
    PROCESS(TAKE1, "WSGIDestroyInterpreter", "destroy-interpreter"),
    AP_INIT_RAW_ARGS("<WSGIInterpreterOptions", add_interpreter_options, NULL,
        RSRC_CONF, "process-group and application-group of the interpreters"),
    PROCESS(TAKE1, "WSGICaseSensitivity", "case-sensitivity"),
    PROCESS(TAKE1, "WSGIRestrictEmbedded", "restrict-embedded"),
    PROCESS(TAKE1, "WSGIRestrictStdin", "restrict-stdin"),
    PROCESS(TAKE1, "WSGIRestrictStdout", "restrict-stdout"),
    PROCESS(TAKE1, "WSGIRestrictSignal", "restrict-signal"),
    PROCESS(TAKE1, "WSGIVerboseDebugging", "verbose-debugging"),
    PROCESS(TAKE1, "WSGISocketPrefix", "socket-prefix"),
    PROCESS(TAKE1, "WSGISocketRotation", "socket-rotation"),
    PROCESS(TAKE1, "WSGIAcceptMutex", "accept-mutex"),
    PROCESS(TAKE1, "WSGIServerMetrics", "server-metrics"),
    PROCESS(TAKE1, "WSGISlowRequests", "slow-requests"),
    PROCESS(RAW_ARGS, "WSGITelemetryService", "telemetry-service"),
    PROCESS(RAW_ARGS, "WSGITelemetryOptions", "telemetry-options"),
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
    static const char *const ssl[] = { "mod_ssl.c", NULL };
    static const char *const hosts[] = { "mod_authz_host.c", NULL };
    static const char *const alias[] = { "mod_alias.c", NULL };
    static const char *const others[] = { "mod_userdir.c", "mod_vhost_alias.c",
                                          NULL };

    describe_commands();
    ap_hook_monitor(tend_supervisor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* first, so that leave_process() comes last */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_LAST);
    ap_hook_translate_name(translate_name, alias, others, APR_HOOK_MIDDLE);
    ap_hook_check_access(check_access, ssl, hosts, APR_HOOK_MIDDLE,
                         AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHN_PROVIDER_GROUP, "wsgi",
                              AUTHN_PROVIDER_VERSION, &authentication,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "wsgi-group",
                              AUTHZ_PROVIDER_VERSION, &authorization,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

/* clang-format off */
module AP_MODULE_DECLARE_DATA wsgi_module = {
    STANDARD20_MODULE_STUFF, create_dir_config, merge_dir_config,
    create_server_config, NULL, commands, register_hooks, AP_MODULE_FLAG_NONE
};
/* clang-format on */
