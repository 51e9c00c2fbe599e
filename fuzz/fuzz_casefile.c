/* SPDX-License-Identifier: BSD-2-Clause */
/* View tests: the line reader, and every word's parser; what was taken is run against zones that are not there. */
#include "policy/casefile.h"
#include "policy/policy.h"
#include "zones/catalog.h"
#include "zones/memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] = "[view internet]\nclients = any\n"
                                  "[view internal]\nclients = 10.10.0.0/16\nbase = internet\n"
                                  "[network office]\nkind = wired\nfrom = 10.10.0.9\n";

static bool check_result(void *context, const struct casefile_result *result)
{
    const struct casefile *casefile = context;

    if (result->passed != (result->why[0] == '\0') || casefile_count(casefile) == 0)
        abort();
    return true;
}

/* Against views without zones: everything is refused. */
static void run(const struct casefile *casefile, struct policy *policy)
{
    uint8_t *block = NULL;
    size_t size = 0;
    struct catalog catalogs[2];
    struct casefile_totals totals;

    if (catalog_build(NULL, 0, &block, &size) != STATUS_OK)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (catalog_open(block, size, &catalogs[i]) != STATUS_OK)
            abort();
    struct generation generation = {.policy = policy, .catalogs = catalogs, .catalog_count = 2};
    if (casefile_run(casefile, &generation, check_result, (void *)(uintptr_t)casefile, &totals) == STATUS_OK &&
        totals.passed + totals.failed != casefile_count(casefile))
        abort();
    memory_free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy;
    struct diag diag;

    if (size > 20000)
        return 0;
    diag_init(&diag);
    if (policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &policy) != STATUS_OK)
        abort();
    struct casefile *casefile = casefile_new(policy);
    enum status status = casefile_read_text(casefile, NULL, "a.views", (const char *)data, size, &diag);
    if ((status == STATUS_OK) != (diag.errors == 0))
        abort();
    if (status == STATUS_OK && casefile_count(casefile) < 2000)
        run(casefile, policy);
    casefile_free(casefile);
    policy_free(policy);
    diag_clear(&diag);
    return 0;
}
