#include "sensor/state/processes.h"
#include "sensor/state/users.h"
#include "sensor/state/containers.h"
__attribute__((weak)) const struct process *process_ancestor(
	const struct process *process, unsigned level)
{
	return 0;
}
__attribute__((weak)) enum presence users_name(struct users *users,
	const struct container *container, int64_t pid, uint32_t uid, struct text *ret_name)
{
	return ABSENT;
}
__attribute__((weak)) enum presence groups_name(struct users *users,
	const struct container *container, int64_t pid, uint32_t uid, struct text *ret_name)
{
	return ABSENT;
}
__attribute__((weak)) const char *container_kind_name(enum container_kind kind)
{
	return "host";
}
