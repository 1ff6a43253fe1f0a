/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-exec.h"

#include <signal.h>
#include <stdio.h>

#include "basic/hexdecoct.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "container/container-ask-root.h"
#include "runtime/detach-keys.h"
#include "runtime/shim-protocol.h"

/* Of a command, in an event. */
#define COMMAND_TEXT_MAX 4096U

static void exec_free(ContainerExec *x) {
        Container *c = x->container;

        LIST_REMOVE(execs, c->execs, x);
        if (c->manager && x->id)
                hashmap_remove(c->manager->execs, x->id);
        root_question_free(x->question);
        shim_client_free(x->shim);
        safe_close(x->session.fd);
        free(x->session.early);
        json_done(&ExecConfig_json, &x->config);
        free(x->run_dir);
        free(x->id);
        free(x);
}

/* Nobody can ask for it any more. */
static void exec_discard(ContainerExec *x) {
        if (x->recorded)
                (void) rm_rf_at(AT_FDCWD, x->run_dir);
        exec_free(x);
}

static bool is_active(const ContainerExec *x) {
        return x->state != EXEC_ENDED;
}

void container_exec_discard_ended(ContainerExec *x) {
        if (x->probe && !is_active(x) && !x->shim)
                exec_discard(x);
}

static bool is_stale(const ContainerExec *x, usec_t now) {
        switch (x->state) {
        case EXEC_CREATED:
                return x->since + CONTAINER_EXEC_CREATED_USEC < now;
        case EXEC_ENDED:
                return !x->shim && x->since + CONTAINER_EXEC_ENDED_USEC < now;
        default:
                return false;
        }
}

/* Those whose time is over, and the oldest of too many that have ended. */
static void sweep(Container *c, size_t *ret_active) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        size_t n_active = 0, n_ended = 0;

        LIST_FOREACH(execs, x, c->execs)
                if (x->probe)
                        continue;
                else if (is_stale(x, now))
                        exec_discard(x);
                else if (is_active(x))
                        n_active++;
                else
                        n_ended++;
        LIST_FOREACH(execs, x, c->execs)
                if (n_ended > CONTAINER_EXECS_ENDED_MAX && !x->probe && !is_active(x) && !x->shim) {
                        exec_discard(x);
                        n_ended--;
                }
        if (ret_active)
                *ret_active = n_active;
}

int container_exec_add(Container *c, const char *id, const ExecConfig *config, ContainerExec **ret) {
        ContainerExec *x;
        int r;

        x = new(ContainerExec, 1);
        if (!x)
                return -ENOMEM;
        *x = (ContainerExec) {
                .container = c,
                .id = strdup(id),
                .session.fd = -EBADF,
                .since = now_usec(CLOCK_MONOTONIC),
        };
        LIST_APPEND(execs, c->execs, x);
        r = x->id ? asprintf_safe(&x->run_dir, "%s/" SHIM_EXEC_NAME "/%s", c->run_dir, id) : -ENOMEM;
        if (r >= 0)
                r = json_copy(&ExecConfig_json, config, &x->config);
        if (r >= 0)
                r = hashmap_put(c->manager->execs, x->id, x);
        if (r < 0) {
                exec_free(x);
                return r;
        }
        *ret = x;
        return 0;
}

/* --- create --- */

static int check_container(const Container *c, Error *reterr) {
        if (c->state == CONTAINER_PAUSED)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Container %s is paused, unpause the container before exec", c->doc.id);
        if (c->state == CONTAINER_RESTARTING)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Container %s is restarting, wait until the container is running",
                                  c->doc.id);
        if (!container_is_running(c))
                return error_setf(reterr, ERROR_CONFLICT, "container %s is not running", c->doc.id);
        return 0;
}

static int check_config(const ExecConfig *config, Error *reterr) {
        DetachKeys keys;

        if (strv_isempty(config->cmd))
                return error_setf(reterr, ERROR_INVALID, "No exec command specified");
        STRV_FOREACH(s, config->env)
                if (isempty(*s) || **s == '=')
                        return error_setf(reterr, ERROR_INVALID, "invalid environment variable: \"%s\"", *s);
        return detach_keys_parse(config->detach_keys, &keys, reterr);
}

static int create(Container *c, const ExecConfig *config, bool probe, ContainerExec **ret, Error *reterr) {
        char id[ID_LENGTH + 1];
        int r;

        r = id_generate(id);
        if (r >= 0)
                r = container_exec_add(c, id, config, ret);
        if (r < 0)
                return error_fill(reterr, r);
        (*ret)->probe = probe;
        container_exec_event(*ret, "exec_create", MESSAGE_CONTAINER_EXEC_CREATE_STR, true);
        return 0;
}

int container_exec_create_probe(Container *c, const ExecConfig *config, ContainerExec **ret, Error *reterr) {
        int r = check_container(c, reterr);

        return r < 0 ? r : create(c, config, true, ret, reterr);
}

bool container_exec_has_probe(const Container *c) {
        LIST_FOREACH(execs, x, c->execs)
                if (x->probe && is_active(x))
                        return true;
        return false;
}

void container_exec_kill(ContainerExec *x) {
        x->killed = true;
        if (IN_SET(x->state, EXEC_STARTING, EXEC_RUNNING) && x->shim)
                (void) shim_client_signal(x->shim, SIGKILL, true);
}

void container_exec_abandon(ContainerExec *x) {
        container_exec_forget(x);
        if (x->state == EXEC_CREATED || (x->state == EXEC_STARTING && !x->shim))
                exec_discard(x);
        else
                container_exec_kill(x);
}

int container_exec_create(Container *c, const ExecConfig *config, ContainerExec **ret, Error *reterr) {
        size_t n;
        int r;

        r = check_config(config, reterr);
        if (r >= 0)
                r = check_container(c, reterr);
        if (r < 0)
                return r;
        sweep(c, &n);
        if (n >= CONTAINER_EXECS_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "container %s has %u commands running or waiting to be started, which is "
                                  "the limit",
                                  c->doc.name, CONTAINER_EXECS_MAX);
        return create(c, config, false, ret, reterr);
}

void container_exec_event(const ContainerExec *x, const char *action, const char *message_id,
                          bool with_command) {
        _cleanup_free_ char *command = NULL, *text = NULL;
        char code[24];

        if (with_command) {
                command = strv_join(x->config.cmd, " ");
                if (!command ||
                    asprintf_safe(&text, "%s: %.*s", action, (int) COMMAND_TEXT_MAX, command) < 0) {
                        log_oom();
                        return;
                }
        }
        snprintf(code, sizeof(code), "%lld", (long long) x->exit_code);
        /* Checks of the health come again and again: the journal has what follows from them. */
        container_event(x->container, text ?: action, x->probe ? NULL : message_id, "execID", x->id,
                        x->state == EXEC_ENDED ? "exitCode" : NULL, code, NULL);
}

/* --- look --- */

int container_exec_find(ContainerManager *m, const char *id, ContainerExec **ret, Error *reterr) {
        ContainerExec *x = isempty(id) ? NULL : hashmap_get(m->execs, id);

        if (!x)
                return error_setf(reterr, ERROR_NOT_FOUND, "No such exec instance: %s", strempty(id));
        *ret = x;
        return 0;
}

static int encode_detach_keys(const ExecConfig *config, char **ret) {
        DetachKeys keys = {};
        int r = 0;

        if (!isempty(config->detach_keys))
                r = detach_keys_parse(config->detach_keys, &keys, NULL);
        if (r < 0)
                return r;
        *ret = base64mem(keys.keys, keys.n_keys);
        return *ret ? 0 : -ENOMEM;
}

int container_exec_inspect(const ContainerExec *x, ExecInspect *ret, Error *reterr) {
        _cleanup_(ExecInspect_donep) ExecInspect i = {
                .running = x->state == EXEC_RUNNING,
                .exit_code = { x->state == EXEC_ENDED, x->exit_code },
                .open_stdin = x->config.attach_stdin,
                .open_stdout = x->config.attach_stdout,
                .open_stderr = x->config.attach_stderr,
                .can_remove = x->state == EXEC_ENDED,
                .pid = x->pid,
                .process_config = { .tty = x->config.tty, .privileged = x->config.privileged },
        };
        int r;

        r = free_and_strdup(&i.id, x->id);
        if (r >= 0)
                r = free_and_strdup(&i.container_id, x->container->doc.id);
        if (r >= 0)
                r = free_and_strdup(&i.process_config.entrypoint, x->config.cmd[0]);
        if (r >= 0)
                r = free_and_strdup(&i.process_config.user,
                                    empty_to_null(x->config.user) ?: x->container->doc.config.user);
        if (r >= 0)
                r = strv_extend_strv(&i.process_config.arguments, x->config.cmd + 1);
        if (r >= 0)
                r = encode_detach_keys(&x->config, &i.detach_keys);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(i);
        return 0;
}

int container_exec_ids(Container *c, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;

        sweep(c, NULL);
        LIST_FOREACH(execs, x, c->execs)
                if (x->state != EXEC_ENDED && (!x->probe || is_active(x)) && strv_extend(&l, x->id) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(l);
        return 0;
}

int container_exec_check_start(const ContainerExec *x, Error *reterr) {
        if (x->state == EXEC_ENDED)
                return error_setf(reterr, ERROR_CONFLICT, "Error: Exec command %s has already run", x->id);
        if (x->state != EXEC_CREATED)
                return error_setf(reterr, ERROR_CONFLICT, "Error: Exec command %s is already running",
                                  x->id);
        return check_container(x->container, reterr);
}

/* --- end --- */

void container_exec_set_ended(ContainerExec *x, int64_t exit_code) {
        x->state = EXEC_ENDED;
        x->exit_code = exit_code;
        x->pid = 0;
        x->since = now_usec(CLOCK_MONOTONIC);
}

void container_exec_drop_all(Container *c) {
        while (c->execs)
                exec_free(c->execs);
}

void container_exec_end_all(Container *c) {
        while (c->execs) {
                ContainerExec *x = c->execs;
                ContainerExecSession s = x->session;

                _cleanup_error_ Error e = ERROR_NULL;
                int r = error_setf(&e, ERROR_CONFLICT, "container %s is not running", c->doc.id);

                x->session = (ContainerExecSession) { .fd = -EBADF };
                exec_free(x);
                safe_close(s.fd);
                free(s.early);
                if (s.started)
                        s.started(r, &e, s.userdata);
                if (s.ended)
                        s.ended(s.userdata);
        }
}
