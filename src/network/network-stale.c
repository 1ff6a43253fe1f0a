/* SPDX-License-Identifier: Apache-2.0 */
/* Links whose containers are gone. The kernel deletes a veth with its namespace, some time later; what is
 * still there then (somebody holds the namespace) is deleted here, one a turn of the loop, since each waits
 * 20 ms for a grace period. */
#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/time-util.h"
#include "network/network-manager-private.h"

#define GRACE_USEC (2 * USEC_PER_SEC)
#define STALE_MAX 4096U                 /* beyond that the next start of the daemon finds them */

static void delete_if_there(NetworkManager *m, const char *name) {
        LinkInfo link;
        NetlinkBatch b;
        int r;

        r = netlink_link_get(m->netlink, name, &link);
        /* The group tells it from one that somebody else has made under this name since. */
        if (r < 0 || link.group != LINK_GROUP)
                return;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_delete(&b, link.index);
        r = netlink_batch_send(m->netlink, &b, NULL);
        if (r < 0 && r != -ENODEV)
                (void) log_debug_errno(r, "Cannot delete interface %s: %m", name);
}

static int on_stale(sd_event_source *s, uint64_t usec, void *userdata) {
        NetworkManager *m = ASSERT_PTR(userdata);
        _cleanup_free_ char *name = NULL;
        size_t n = strv_length(m->stale_links);

        if (n == 0)
                return 0;
        name = m->stale_links[n - 1];
        m->stale_links[n - 1] = NULL;
        delete_if_there(m, name);

        /* In the past: again in the next turn. */
        if (n > 1)
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static int arm(NetworkManager *m) {
        uint64_t usec = now_usec(CLOCK_MONOTONIC) + GRACE_USEC;
        int r;

        if (!m->stale_source) {
                r = sd_event_add_time(m->event, &m->stale_source, CLOCK_MONOTONIC, usec, 0, on_stale, m);
                if (r < 0)
                        return r;
                (void) sd_event_source_set_description(m->stale_source, "stale-links");
                return sd_event_source_set_priority(m->stale_source, SD_EVENT_PRIORITY_IDLE);
        }
        r = sd_event_source_set_time(m->stale_source, usec);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(m->stale_source, SD_EVENT_ONESHOT);
}

void network_manager_forget_link(NetworkManager *m, const char *name) {
        if (strv_length(m->stale_links) >= STALE_MAX || strv_extend(&m->stale_links, name) < 0 || arm(m) < 0)
                log_debug("Cannot remember to delete interface %s", name);
}
