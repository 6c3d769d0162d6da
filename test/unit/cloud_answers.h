/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks of answers for the tests of the cloud room: rows of services, servers and migrations, paths of requests. */
#pragma once

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "bbbbbbbb-0000-4000-8000-000000000002"
#define C "cccccccc-0000-4000-8000-000000000003"

#define SERVICE(host, status, state, forced)                                                                           \
	"{\"binary\":\"nova-compute\",\"host\":\"" host "\",\"id\":\"id-" host "\",\"status\":\"" status               \
	"\",\"state\":\"" state "\",\"updated_at\":\"2026-11-22T10:31:41.000000\",\"disabled_reason\":null,"           \
	"\"forced_down\":" forced "}"
#define SERVICES(rows) "{\"services\":[" rows "]}"
#define C1_DOWN        SERVICES(SERVICE("c1", "enabled", "down", "true"))
#define C1_ALIVE       SERVICES(SERVICE("c1", "enabled", "up", "false"))
#define FIND_PATH      "/os-services?binary=nova-compute&host=c1"
#define FIND                                                                                                           \
	{                                                                                                              \
		"GET", FIND_PATH, NULL, 200, C1_DOWN, 0, false                                                         \
	}
#define FIND_UP                                                                                                        \
	{                                                                                                              \
		"GET", FIND_PATH, NULL, 200, C1_ALIVE, 0, false                                                        \
	}

#define ROW(id, vm, task, host)                                                                                        \
	"{\"id\":\"" id "\",\"name\":\"vm\",\"status\":\"X\",\"tenant_id\":\"p1\",\"OS-EXT-STS:vm_state\":\"" vm       \
	"\",\"OS-EXT-STS:task_state\":" task ",\"OS-EXT-SRV-ATTR:host\":" host ",\"locked\":false}"
#define SERVERS(rows)    "{\"servers\":[" rows "]}"
#define NEXT(what)       "\"" what "\":[{\"rel\":\"self\",\"href\":\"x\"},{\"rel\":\"next\",\"href\":\"http://evil/\"}]"
#define DETAIL_PATH      "/servers/detail?all_tenants=1&host=c1&limit=100"
#define SHORT_PATH       "/servers?all_tenants=1&host=c1&limit=100"
#define MIGRATIONS_PATH  "/os-migrations?migration_type=evacuation&host=c1&limit=500"
#define HISTORY_PATH(id) "/os-migrations?migration_type=evacuation&instance_uuid=" id "&limit=500"
#define MOVE(id, instance, status, source, dest)                                                                       \
	"{\"id\":" id ",\"uuid\":\"m-" id "\",\"instance_uuid\":\"" instance "\",\"status\":\"" status                 \
	"\",\"migration_type\":\"evacuation\",\"source_compute\":\"" source "\",\"dest_compute\":" dest                \
	",\"created_at\":\"2026-11-22T10:31:50.000000\",\"updated_at\":null}"
#define MOVES(rows) "{\"migrations\":[" rows "]}"
#define BROKEN      "{\"computeFault\":{\"code\":500,\"message\":\"Unexpected API Error. Please report\\n<class 'X'>\"}}"
#define GONE        "{\"itemNotFound\":{\"code\":404,\"message\":\"Instance could not be found.\"}}"
