/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that read a journal. Private to this room. */
#pragma once

#include "report/archive.h"
#include "report/part.h"

/** archive_answer() - the opening of each answer that comes from a journal. */
cJSON *archive_answer(const struct archive *a);
