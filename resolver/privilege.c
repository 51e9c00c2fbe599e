/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum status privilege_find(const struct server_config *config, struct diag *diag, struct privilege *privilege)
{
    *privilege = (struct privilege){.user = config->user, .uid = geteuid(), .gid = getegid()};
    if (config->user[0] != '\0') {
        const struct passwd *user = getpwnam(config->user);
        if (user == NULL)
            return diag_error(diag, NULL, "[server] user: found %s, wanted a user of this machine", config->user);
        privilege->uid = user->pw_uid;
        privilege->gid = user->pw_gid;
    }
    if (config->group[0] != '\0') {
        const struct group *group = getgrnam(config->group);
        if (group == NULL)
            return diag_error(diag, NULL, "[server] group: found %s, wanted a group of this machine", config->group);
        privilege->gid = group->gr_gid;
    }
    privilege->changes = privilege->uid != geteuid() || privilege->gid != getegid();
    return STATUS_OK;
}

static enum status failed(const char *what, struct diag *diag)
{
    return diag_fail(diag, STATUS_IO, NULL, "cannot change to the user and group of [server]: %s: %s", what,
                     strerror(errno));
}

static enum status become(const struct privilege *privilege, struct diag *diag)
{
    gid_t gid = privilege->gid;
    int rc = privilege->user[0] != '\0' ? initgroups(privilege->user, gid) : setgroups(1, &gid);

    if (rc != 0)
        return failed("supplementary groups", diag);
    if (setresgid(gid, gid, gid) != 0)
        return failed("group", diag);
    if (setresuid(privilege->uid, privilege->uid, privilege->uid) != 0)
        return failed("user", diag);
    if (privilege->uid != 0 && setresuid(0, 0, 0) == 0) {
        errno = EPERM;
        return failed("root could be regained", diag);
    }
    return STATUS_OK;
}

enum status privilege_drop(const struct privilege *privilege, struct diag *diag)
{
    enum status status = privilege->changes ? become(privilege, diag) : STATUS_OK;

    if (status == STATUS_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed("no new privileges", diag);
    return status;
}
