/* SPDX-License-Identifier: Apache-2.0 */
/* What the families of patterns are made of: single misfortunes, and how they are put into the queue for many hosts at once. */
#pragma once

#include <stdint.h>

enum deed_kind {
	DEED_DIES,
	DEED_DIES_WITH_BMC,
	DEED_BMC_IS_BACK,
	DEED_HANGS,
	DEED_COMES_BACK,
	DEED_IS_CUT_OFF,
	DEED_IS_JOINED,
	DEED_LOSES_PROBE,
	DEED_HAS_PROBE,
	DEED_LOSES_BUS,
	DEED_HAS_BUS,
	DEED_LOSES_BMC,
	DEED_HAS_BMC,
	DEED_BMC_IS_SLOW,
	DEED_BMC_IS_LOSSY,
	DEED_BUS_GOES,
	DEED_BUS_RETURNS,
	DEED_CONDUCTOR_GOES,
	DEED_CONDUCTOR_RETURNS,
	DEED_API_GOES,
	DEED_API_RETURNS,
	DEED_OSHAD_IS_KILLED,
	DEED_OSHAD_FREEZES,
	DEED_STORE_IS_SLOW,
	DEED_N
};

/** deed_at() - it befalls @host in @ms; those of the control plane and the controller mean no host. */
void deed_at(int64_t ms, enum deed_kind kind, uint32_t host);
/** deed_rack_at() - each host of the rack, within 200 ms. deed_all_at() - of every rack. */
void deed_rack_at(int64_t ms, enum deed_kind kind, uint32_t rack);
void deed_all_at(int64_t ms, enum deed_kind kind);
/** deed_share_at() - the first @n hosts of @order, within a second. */
void deed_share_at(int64_t ms, enum deed_kind kind, const uint32_t *order, uint32_t n);
/** deed_forget() - what was still to happen in the pattern before does not happen any more. */
void deed_forget(void);
