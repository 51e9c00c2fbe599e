/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as an image: readers stay inside them and lookups end. The checksum is put right, so that only the checks
 * can save us. */
#include "zones/image.h"
#include "zones/lookup.h"
#include "zones/prefetch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_all(const struct catalog *catalog)
{
    static const char *const names[] = {"\001x",
                                        "\003www\001x",
                                        "\001q\001w\001x",
                                        "\001q\001c\001x",
                                        "\002c1\001x",
                                        "\001q\001d\001x",
                                        "\001q\003sub\001x",
                                        "\004none\001x",
                                        "\001c\003ent\001x",
                                        "\006hidden\001x",
                                        "\001q\006hidden\001x",
                                        "\001q\001a\001b\004none\001x",
                                        "\001q\001b\004none\001x"};
    static const uint16_t types[] = {RRTYPE_A, RRTYPE_NS, RRTYPE_SOA, RRTYPE_MX, RRTYPE_HTTPS, RRTYPE_DS, RRTYPE_ANY};
    static struct answer answer;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct name_split split;
        struct prefetch prefetch;
        name_split((const uint8_t *)names[i], &split);
        prefetch_begin(&prefetch, catalog, &split);
        prefetch_finish(&prefetch, 1);
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++) {
            answer_reset(&answer);
            zone_lookup(catalog, (const uint8_t *)names[i], types[j], &answer);
        }
    }
}

static void ask_image(const void *block, size_t size)
{
    struct catalog_zone zone = {.apex = (const uint8_t *)"\001x", .image_id = 1, .serial = 1};
    struct image_ref ref = {.block = block, .size = size};
    struct catalog catalog;
    uint8_t *bytes;
    size_t bytes_size;
    if (catalog_build(&zone, 1, &bytes, &bytes_size) != STATUS_OK)
        return;
    if (catalog_open(bytes, bytes_size, &catalog) == STATUS_OK) {
        catalog.images = &ref;
        ask_all(&catalog);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < sizeof(struct image_header) || size > (1u << 20))
        return 0;
    void *block = NULL;
    if (posix_memalign(&block, IMAGE_ALIGNMENT, size) != 0)
        return 0;
    memcpy(block, data, size);
    struct image_header *header = block;
    if (header->size <= size && header->size >= sizeof *header)
        image_checksum(block, (size_t)header->size, header->checksum);
    struct diag diag;
    diag_init(&diag);
    image_verify(block, size, &diag);
    diag_clear(&diag);
    ask_image(block, size);
    free(block);
    return 0;
}
