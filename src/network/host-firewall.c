/* SPDX-License-Identifier: Apache-2.0 */
#include "network/host-firewall.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/process-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"
#include "shared/nft.h"

#include <linux/netfilter.h>

#define CHAIN_MAX 29U                   /* iptables' own maximum, with the NUL */
#define LISTING_MAX (8U << 20)          /* of the rules of a host; fail2ban makes thousands */

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"
#define FIREWALLD_ZONE "org.fedoraproject.FirewallD1.zone"
/* Every firewalld has it; its target is ACCEPT. One of our own would need a reload of the whole firewall. */
#define ZONE "trusted"

static const struct {
        const char *chain;              /* as nft_list_drop_forward() names it */
        const char *program, *restore;
} families[] = {
        { "ip filter FORWARD",  "iptables",  "iptables-restore"  },
        { "ip6 filter FORWARD", "ip6tables", "ip6tables-restore" },
};
#define N_FAMILIES ELEMENTSOF(families)

/* One run of a program, at most one for a family at a time: first the listing, then, if something is to be
 * changed, the change. */
typedef struct Run {
        HostFirewall *firewall;
        unsigned family;
        int output_fd;                  /* what the program prints */
        int pidfd;
        sd_event_source *source;
        bool changes;                   /* the second step */
        bool again;                     /* things changed meanwhile */
        char *failure;                  /* why the last one failed; NULL = it did not */
} Run;

struct HostFirewall {
        sd_event *event;
        char *table;
        bool insert;
        char **bridges;
        NftWatch *watch;
        sd_event_source *check_source;
        Run runs[N_FAMILIES];

        sd_bus *bus;
        sd_bus_slot *owner_slot, *reloaded_slot;
        char *told;                     /* the last warning in the journal and in STATUS= */
};

/* --- the plan --- */

static void chain_name(const char *table, char ret[static CHAIN_MAX]) {
        const char *number = startswith(table, "dockerd-");

        (void) snprintf(ret, CHAIN_MAX, "DOCKERD-%s", number ?: "FORWARD");
}

typedef struct Listing {
        bool drops;                     /* -P FORWARD DROP */
        bool chain;                     /* ours is there */
        char **jumps;                   /* rules of FORWARD that lead to it, without "-A " */
        char **rules;                   /* of ours, whole lines */
} Listing;

static void listing_done(Listing *l) {
        strv_free(l->jumps);
        strv_free(l->rules);
}

static int listing_parse(char *const *lines, const char *chain, Listing *ret) {
        _cleanup_free_ char *begin = strjoin("-A ", chain, " "), *end = strjoin(" -j ", chain),
                            *declaration = strjoin("-N ", chain);
        int r = 0;

        if (!begin || !end || !declaration)
                return -ENOMEM;
        STRV_FOREACH(line, lines) {
                ret->drops |= streq(*line, "-P FORWARD DROP");
                ret->chain |= streq(*line, declaration);
                if (startswith(*line, "-A FORWARD ") && endswith(*line, end))
                        RET_GATHER(r, strv_extend(&ret->jumps, startswith(*line, "-A ")));
                if (startswith(*line, begin))
                        RET_GATHER(r, strv_extend(&ret->rules, *line));
        }
        return r;
}

static int wanted_rules(const char *chain, char *const *bridges, char ***ret) {
        int r = 0;

        STRV_FOREACH(b, bridges) {
                RET_GATHER(r, strv_extendf(ret, "-A %s -i %s -j ACCEPT", chain, *b));
                RET_GATHER(r, strv_extendf(ret, "-A %s -o %s -j ACCEPT", chain, *b));
        }
        return r;
}

static int append_plan(Buffer *b, const Listing *l, const char *chain, const char *table,
                       char *const *wanted) {
        bool any = !strv_isempty(wanted);
        int r;

        r = buffer_appendf(b, "*filter\n:%s - [0:0]\n", chain);
        STRV_FOREACH(rule, wanted)
                RET_GATHER(r, buffer_appendf(b, "%s\n", *rule));
        if (!any)
                STRV_FOREACH(jump, l->jumps)
                        RET_GATHER(r, buffer_appendf(b, "-D %s\n", *jump));
        else if (strv_isempty(l->jumps))
                RET_GATHER(r, buffer_appendf(b, "-I FORWARD 1 -m comment --comment \"containers, see nft table "
                                                "inet %s\" -j %s\n", table, chain));
        if (!any)
                RET_GATHER(r, buffer_appendf(b, "-X %s\n", chain));
        RET_GATHER(r, buffer_append_str(b, "COMMIT\n"));
        return r;
}

int host_firewall_plan(const char *listing, const char *table, char *const *bridges, char **ret) {
        _cleanup_strv_free_ char **lines = NULL, **wanted = NULL;
        _cleanup_(listing_done) Listing l = {};
        _cleanup_buffer_ Buffer b = {};
        char chain[CHAIN_MAX];
        int r;

        chain_name(table, chain);
        r = strv_split(listing, "\n", &lines);
        if (r >= 0)
                r = listing_parse(lines, chain, &l);
        if (r >= 0)
                r = wanted_rules(chain, bridges, &wanted);
        if (r < 0)
                return r;
        *ret = NULL;
        if (strv_isempty(wanted) ? !l.chain : !l.drops && !l.chain)
                return 0;
        if (!strv_isempty(wanted) && !strv_isempty(l.jumps) && strv_equal(l.rules, wanted))
                return 0;

        r = append_plan(&b, &l, chain, table, wanted);
        if (r < 0)
                return r;
        *ret = buffer_steal(&b);
        return *ret ? 0 : -ENOMEM;
}

/* --- running the programs --- */

static int make_input(const char *text) {
        _cleanup_close_ int fd = memfd_create("iptables", MFD_CLOEXEC);
        size_t n = strlen(text);

        if (fd < 0)
                return -errno;
        if (write(fd, text, n) != (ssize_t) n || lseek(fd, 0, SEEK_SET) < 0)
                return -EIO;
        return TAKE_FD(fd);
}

/* -w: another one may hold the lock of iptables just now. */
static int spawn(unsigned family, const char *input, int *ret_output, pid_t *ret_pid, int *ret_pidfd) {
        const char *list[] = { families[family].program, "-w", "-S", NULL };
        const char *change[] = { families[family].restore, "-w", "--noflush", NULL };
        const char *const *argv = input ? change : list;
        _cleanup_close_ int in = -EBADF, out = memfd_create("iptables", MFD_CLOEXEC);
        int r;

        if (out < 0)
                return -errno;
        if (input) {
                in = make_input(input);
                if (in < 0)
                        return in;
        }
        r = process_spawn(&(SpawnRequest) {
                .path = argv[0],
                .argv = (char *const *) argv,
                .envp = process_plain_environment(),
                .fds = (const int[]) { in, out, out },
                .n_fds = 3,
        }, ret_pid, ret_pidfd);
        if (r < 0)
                return r;
        *ret_output = TAKE_FD(out);
        return 0;
}

static int read_output(int fd, char **ret) {
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return read_to_end(fd, LISTING_MAX, ret, NULL);
}

static void run_done(Run *run) {
        run->source = sd_event_source_disable_unref(run->source);
        run->pidfd = safe_close(run->pidfd);
        run->output_fd = safe_close(run->output_fd);
}

static void tell(HostFirewall *f) {
        _cleanup_strv_free_ char **warnings = NULL;

        if (host_firewall_warnings(f, &warnings) < 0 || streq_ptr(f->told, warnings ? warnings[0] : NULL))
                return;
        (void) free_and_strdup(&f->told, warnings ? warnings[0] : NULL);
        STRV_FOREACH(w, warnings)
                log_warning("%s", startswith(*w, "WARNING: ") ?: *w);
        (void) sd_notifyf(0, "STATUS=Serving%s%s", warnings ? "; " : "",
                          warnings ? startswith(warnings[0], "WARNING: ") ?: warnings[0] : "");
}

static int start_run(Run *run, const char *input);

static void run_failed(Run *run, int r, const char *words) {
        run->failure = mfree(run->failure);
        if (isempty(words))
                words = strerror(-r);
        (void) asprintf_safe(&run->failure, "%s: %.*s", families[run->family].program,
                             (int) strcspn(words, "\n"), words);
        tell(run->firewall);
}

static void run_step(Run *run, int status) {
        _cleanup_free_ char *text = NULL, *plan = NULL;
        HostFirewall *f = run->firewall;
        bool changed = run->changes;
        int r;

        r = read_output(run->output_fd, &text);
        run_done(run);
        if (r >= 0 && status != 0)
                return run_failed(run, -EIO, strempty(text));
        if (r >= 0 && !changed && !run->again)
                r = host_firewall_plan(strempty(text), f->table, f->bridges, &plan);
        if (r >= 0 && (plan || run->again)) {
                run->again = false;
                r = start_run(run, plan);
                if (r >= 0)
                        return;
        }
        if (r < 0)
                return run_failed(run, r, NULL);
        run->failure = mfree(run->failure);
        if (changed)
                log_info("The host's firewall (%s) lets the traffic of containers through now.",
                         families[run->family].chain);
        tell(f);
}

static int on_program_end(sd_event_source *s, const siginfo_t *si, void *userdata) {
        run_step(userdata, status_from_siginfo(si));
        return 0;
}

/* input: what to change; NULL: only look. */
static int start_run(Run *run, const char *input) {
        pid_t pid;
        int r;

        run->changes = input;
        r = spawn(run->family, input, &run->output_fd, &pid, &run->pidfd);
        if (r >= 0)
                r = sd_event_add_child_pidfd(run->firewall->event, &run->source, run->pidfd, WEXITED,
                                             on_program_end, run);
        return r;
}

/* --- the chains --- */

static bool family_is_concerned(unsigned family, char *const *drops) {
        return strv_contains(drops, families[family].chain);
}

static int on_check(sd_event_source *s, void *userdata) {
        _cleanup_strv_free_ char **drops = NULL;
        HostFirewall *f = userdata;

        if (nft_list_drop_forward(f->table, &drops) < 0)
                return 0;
        for (unsigned i = 0; f->insert && i < N_FAMILIES; i++) {
                Run *run = f->runs + i;
                int r;

                if (!family_is_concerned(i, drops)) {
                        run->failure = mfree(run->failure);
                        continue;
                }
                if (run->source) {
                        run->again = true;
                        continue;
                }
                r = start_run(run, NULL);
                if (r < 0)
                        run_failed(run, r, r == -ENOENT ? "the program is not installed" : NULL);
        }
        if (!f->insert || strv_isempty(drops))
                tell(f);
        return 0;
}

static void check(HostFirewall *f) {
        (void) sd_event_source_set_enabled(f->check_source, SD_EVENT_ONESHOT);
}

static void on_foreign_change(void *userdata) {
        check(userdata);
}

int host_firewall_warnings(HostFirewall *f, char ***warnings) {
        _cleanup_strv_free_ char **drops = NULL;
        int r;

        r = nft_list_drop_forward(f->table, &drops);
        if (r < 0)
                return 0;
        STRV_FOREACH(chain, drops) {
                const char *why = NULL;
                bool known = false;

                for (unsigned i = 0; i < N_FAMILIES; i++)
                        if (streq(*chain, families[i].chain)) {
                                known = f->insert;
                                why = f->runs[i].failure;
                        }
                /* There is no network with IPv6 whose traffic it could drop. */
                if ((known && !why) || startswith(*chain, "ip6 "))
                        continue;
                r = strv_extendf(warnings,
                                 "WARNING: the host's firewall (%s) drops forwarded packets: published "
                                 "ports and outgoing connections of containers work only where its rules "
                                 "allow them%s%s%s",
                                 *chain, why ? " (" : "", strempty(why), why ? ")" : "");
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- firewalld --- */

static int on_zone_reply(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        /* No firewalld, or it knows already. An interface in another zone is there by somebody's wish. */
        if (!e || sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
            (e->message && (startswith(e->message, "ZONE_ALREADY_SET") ||
                            startswith(e->message, "UNKNOWN_INTERFACE"))))
                return 0;
        log_warning("firewalld does not take a bridge into the zone " ZONE ": %s", strempty(e->message));
        return 0;
}

static int zone_call(sd_bus *bus, const char *method, const char *bridge, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_call(bus, ret, FIREWALLD, FIREWALLD_PATH, FIREWALLD_ZONE, method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(*ret, false);
        if (r >= 0)
                r = sd_bus_message_append(*ret, "ss", ZONE, bridge);
        return r;
}

static void send_zone(HostFirewall *f, const char *method, const char *bridge) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (!f->bus || !f->insert)
                return;
        if (zone_call(f->bus, method, bridge, &m) < 0 ||
            sd_bus_call_async(f->bus, NULL, m, on_zone_reply, NULL, 0) < 0)
                log_debug("Cannot send %s to firewalld", method);
}

static int on_firewalld(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        HostFirewall *f = userdata;

        STRV_FOREACH(b, f->bridges)
                send_zone(f, "addInterface", *b);
        check(f);
        return 0;
}

int host_firewall_set_bus(HostFirewall *f, sd_bus *bus) {
        int r;

        f->owner_slot = sd_bus_slot_unref(f->owner_slot);
        f->reloaded_slot = sd_bus_slot_unref(f->reloaded_slot);
        sd_bus_unref(f->bus);
        f->bus = sd_bus_ref(bus);
        if (!bus || !f->insert)
                return 0;
        r = sd_bus_match_signal_async(bus, &f->reloaded_slot, FIREWALLD, FIREWALLD_PATH, FIREWALLD,
                                      "Reloaded", on_firewalld, NULL, f);
        if (r >= 0)
                r = sd_bus_add_match_async(bus, &f->owner_slot,
                                           "type='signal',sender='org.freedesktop.DBus',"
                                           "member='NameOwnerChanged',arg0='" FIREWALLD "'",
                                           on_firewalld, NULL, f);
        return r < 0 ? r : on_firewalld(NULL, f, NULL);
}

void host_firewall_set_bridges(HostFirewall *f, char **bridges) {
        char **old = f->bridges;

        f->bridges = bridges;
        STRV_FOREACH(b, old)
                if (!strv_contains(bridges, *b))
                        send_zone(f, "removeInterface", *b);
        STRV_FOREACH(b, bridges)
                if (!strv_contains(old, *b))
                        send_zone(f, "addInterface", *b);
        strv_free(old);
        check(f);
}

/* --- life --- */

int host_firewall_new(sd_event *event, const char *table, bool insert, HostFirewall **ret) {
        _cleanup_(host_firewall_freep) HostFirewall *f = new0(HostFirewall, 1);
        int r;

        if (!f)
                return -ENOMEM;
        f->event = sd_event_ref(event);
        f->insert = insert;
        for (unsigned i = 0; i < N_FAMILIES; i++)
                f->runs[i] = (Run) { .firewall = f, .family = i, .output_fd = -EBADF, .pidfd = -EBADF };
        r = free_and_strdup(&f->table, table);
        if (r >= 0)
                r = sd_event_add_defer(event, &f->check_source, on_check, f);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->check_source, SD_EVENT_OFF);
        if (r >= 0)
                r = nft_watch_new(event, NFPROTO_UNSPEC, NULL, on_foreign_change, f, &f->watch);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

HostFirewall *host_firewall_free(HostFirewall *f) {
        if (!f)
                return NULL;
        for (unsigned i = 0; i < N_FAMILIES; i++) {
                run_done(f->runs + i);
                free(f->runs[i].failure);
        }
        (void) host_firewall_set_bus(f, NULL);
        nft_watch_free(f->watch);
        sd_event_source_disable_unref(f->check_source);
        sd_event_unref(f->event);
        strv_free(f->bridges);
        free(f->table);
        free(f->told);
        return mfree(f);
}

/* --- without a loop --- */

static int run_and_wait(unsigned family, const char *input, char **ret) {
        _cleanup_close_ int output = -EBADF;
        int r, status;
        pid_t pid;

        r = spawn(family, input, &output, &pid, NULL);
        if (r >= 0)
                r = process_wait(pid, &status);
        if (r >= 0)
                r = read_output(output, ret);
        return r < 0 ? r : status == 0 ? 0 : -EIO;
}

static int remove_chain(unsigned family, const char *table, bool *ret) {
        _cleanup_free_ char *listing = NULL, *plan = NULL, *words = NULL;
        int r;

        /* No table, no chain; the program would make the table in order to look. */
        if (nft_table_exists(family == 0 ? NFPROTO_IPV4 : NFPROTO_IPV6, "filter") <= 0)
                return 0;
        r = run_and_wait(family, NULL, &listing);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = host_firewall_plan(strempty(listing), table, NULL, &plan);
        if (r < 0 || !plan)
                return r;
        r = run_and_wait(family, plan, &words);
        *ret |= r >= 0;
        return r;
}

static int remove_from_zone(sd_bus *bus, const char *bridge, bool *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = zone_call(bus, "removeInterface", bridge, &m);
        if (r >= 0)
                *ret |= sd_bus_call(bus, m, 0, NULL, NULL) >= 0;
        return r;
}

int host_firewall_remove(const char *table, char *const *bridges, bool *ret, Error *reterr) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = 0;

        for (unsigned i = 0; i < N_FAMILIES; i++)
                RET_GATHER(r, remove_chain(i, table, ret));
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to change the host's firewall");
        if (!strv_isempty(bridges) && sd_bus_open_system(&bus) >= 0)
                STRV_FOREACH(b, bridges)
                        (void) remove_from_zone(bus, *b, ret);
        return 0;
}
