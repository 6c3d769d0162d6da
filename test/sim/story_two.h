/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginnings and ends of the misfortunes of two controllers. @host is any number: where one of the two is meant, it says which. What befalls
 * the leader befalls whoever has the lease at that moment.
 */
#pragma once

#include <stdint.h>

void two_leader_killed(uint32_t host);
void two_leader_frozen(uint32_t host);
void two_lease_well(uint32_t host);
void two_lease_cut(uint32_t host);
void two_lease_one_way(uint32_t host);
void two_lease_lossy(uint32_t host);
void two_lease_away(uint32_t host);
void two_lease_back(uint32_t host);
void two_resigns(uint32_t host);
