/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pull-progress.h"

#include <stdio.h>

#include "basic/string-util.h"

void pull_progress_init(PullProgress *p, const char *digest) {
        const char *hex = startswith(digest, "sha256:") ?: digest;

        *p = (PullProgress) {};
        (void) snprintf(p->id, sizeof(p->id), "%s", hex);
}

ProgressMessage pull_progress_message(const PullProgress *p) {
        return (ProgressMessage) {
                .status = (char *) p->status,
                .progress_detail = (ProgressDetail *) &p->detail,
                .id = (char *) p->id,
        };
}

bool pull_progress_set(PullProgress *p, const char *status, int64_t current, int64_t total,
                       ProgressMessage *ret) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        bool same = streq(p->status, status);

        if (same && (total == 0 || (now < p->sent + PROGRESS_INTERVAL_USEC && current < total)))
                return false;
        (void) snprintf(p->status, sizeof(p->status), "%s", status);
        p->detail = (ProgressDetail) { total > 0 ? current : 0, total };
        p->sent = now;
        *ret = pull_progress_message(p);
        return true;
}
