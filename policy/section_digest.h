/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * section_digest: sections of policy.conf as bytes that differ if, and only if, what they say does, to be hashed: each
 * text with its final zero byte, an empty one at the end of each list. NO_MEMORY. Pure but for `bytes`; any thread.
 */
#ifndef SPLITVIEW_POLICY_SECTION_DIGEST_H
#define SPLITVIEW_POLICY_SECTION_DIGEST_H

#include "policy/config.h"
#include "zones/bytes.h"
#include "zones/status.h"

enum status section_append_text(struct bytes *bytes, const char *text);

/* A key with its values; NULL, for one that is not there, is an empty text. */
enum status section_append_setting(struct bytes *bytes, const struct config_setting *setting);

/* All settings of a section, in their order, without its kind and name. */
enum status section_append_settings(struct bytes *bytes, const struct config_section *section);

#endif
