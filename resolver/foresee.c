/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/foresee.h"

#include "policy/policy.h"
#include "resolver/message.h"

void foresee_view(const struct generation *generation, const struct client *client, struct foreseen *foreseen)
{
    foreseen->is_known = false;
    foreseen->view.view = VIEW_NONE;
    if (generation->policy != NULL)
        foreseen->view = view_select(generation->policy, client);
}

void foresee_name(const struct generation *generation, const uint8_t *wire, size_t size, struct foreseen *foreseen,
                  struct prefetch *prefetch)
{
    if (foreseen->view.view == VIEW_NONE || size <= MESSAGE_HEADER_SIZE ||
        name_split_wire(wire + MESSAGE_HEADER_SIZE, size - MESSAGE_HEADER_SIZE, &foreseen->split) != STATUS_OK)
        return;
    foreseen->is_known = true;
    prefetch_begin(prefetch, &generation->catalogs[foreseen->view.view], &foreseen->split);
}
