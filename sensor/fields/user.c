/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the user and the group. Names come from the passwd of the host or of the container;
 * they are never absent but "<NA>", as rules compare with that.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/state/users.h"

/* What Falco gives where no file says anything: of id 0, and of the others. */
static const char *const fallbacks[NAME_KINDS][2] = {
	[NAME_OF_USER] = { "root", "<NA>" },
	[NAME_OF_GROUP] = { "root", "<NA>" },
	[NAME_OF_HOME] = { "/root", "<NA>" },
	[NAME_OF_SHELL] = { "<NA>", "<NA>" },
};

enum presence name_of_id(
	const struct event *event, enum name_kind kind, int64_t id, struct text *ret_name)
{
	enum presence presence = ABSENT;
	struct text name = {};

	if (event->users && event->container && event->process && id >= 0)
		presence = users_name_of(event->users, event->container, event->process->pid, kind,
			(uint32_t)id, &name);
	if (presence != PRESENT)
		name = text_of(fallbacks[kind][id != 0]);
	*ret_name = name;
	return presence == WAITS ? WAITS : PRESENT;
}

static enum presence give_name(
	const struct event *event, enum name_kind kind, int64_t id, struct value *ret_value)
{
	struct text name;
	enum presence presence = name_of_id(event, kind, id, &name);

	*ret_value = value_text(name);
	return presence;
}

static int64_t uid_of(const struct process *process)
{
	return process->effective_user_id >= 0 ? process->effective_user_id : process->user_id;
}

static int64_t gid_of(const struct process *process)
{
	return process->effective_group_id >= 0 ? process->effective_group_id : process->group_gid;
}

static enum presence give_number(int64_t id, struct value *ret_value)
{
	return id < 0 ? ABSENT : give_unsigned(ret_value, (uint64_t)id);
}

READER(user_uid)
{
	return event->process ? give_number(uid_of(event->process), ret_value) : ABSENT;
}

READER(user_name)
{
	if (!event->process)
		return ABSENT;
	return give_name(event, NAME_OF_USER, uid_of(event->process), ret_value);
}

READER(user_homedir)
{
	if (!event->process)
		return ABSENT;
	return give_name(event, NAME_OF_HOME, uid_of(event->process), ret_value);
}

READER(user_shell)
{
	if (!event->process)
		return ABSENT;
	return give_name(event, NAME_OF_SHELL, uid_of(event->process), ret_value);
}

READER(user_loginuid)
{
	return event->process ? give_signed(ret_value, event->process->login_uid) : ABSENT;
}

READER(user_loginname)
{
	if (!event->process)
		return ABSENT;
	return give_name(event, NAME_OF_USER, event->process->login_uid, ret_value);
}

READER(group_gid)
{
	return event->process ? give_number(gid_of(event->process), ret_value) : ABSENT;
}

READER(group_name)
{
	if (!event->process)
		return ABSENT;
	return give_name(event, NAME_OF_GROUP, gid_of(event->process), ret_value);
}

static const struct field user_fields[] = {
	{ "user.uid", TYPE_UINT32, ARGUMENT_NONE, FIELD_OF_PROCESS, "Effective user id", user_uid },
	{ "user.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Its name on the host or in the container; <NA> when there is none", user_name },
	{ "user.homedir", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Home directory of the user; <NA> when there is none", user_homedir },
	{ "user.shell", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Login shell of the user; <NA> when there is none", user_shell },
	{ "user.loginuid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"User id with which the session was opened; -1 when none was", user_loginuid },
	{ "user.loginname", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Name of user.loginuid; <NA> when there is none", user_loginname },
};

static const struct field group_fields[] = {
	{ "group.gid", TYPE_UINT32, ARGUMENT_NONE, FIELD_OF_PROCESS, "Effective group id",
		group_gid },
	{ "group.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Its name on the host or in the container; <NA> when there is none", group_name },
};

const struct field_family family_user = { "user", "The user", user_fields, COUNT_OF(user_fields) };
const struct field_family family_group = { "group", "The group", group_fields,
	COUNT_OF(group_fields) };
