/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/foresee.h"

#include "policy/policy.h"
#include "resolver/message.h"

void foresee(const struct generation *generation, const struct client *client, const uint8_t *wire, size_t size,
             struct foreseen *foreseen, struct prefetch *prefetch)
{
    size_t name_size;
    const uint8_t *name = wire + MESSAGE_HEADER_SIZE;
    foreseen->is_known = false;
    prefetch->catalog = NULL;
    if (generation->policy == NULL || size <= MESSAGE_HEADER_SIZE ||
        name_from_wire(name, size - MESSAGE_HEADER_SIZE, &name_size) != STATUS_OK)
        return;
    foreseen->view = view_select(generation->policy, client);
    if (foreseen->view.view == VIEW_NONE)
        return;
    foreseen->is_known = true;
    name_split(name, &foreseen->split);
    prefetch_begin(prefetch, &generation->catalogs[foreseen->view.view], &foreseen->split);
}
