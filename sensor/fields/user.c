/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the user and the group. Names come from the passwd of the host or of the container;
 * they are never absent but "<NA>", as rules compare with that.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/state/users.h"

static struct text name_or_fallback(enum presence presence, int64_t id, struct text name)
{
	if (presence == PRESENT && name.length)
		return name;
	return id == 0 ? TEXT("root") : UNKNOWN_TEXT;
}

enum presence user_name_of(const struct event *event, int64_t uid, struct text *ret_name)
{
	enum presence presence = ABSENT;
	struct text name = {};

	if (event->users && event->container && event->process && uid >= 0)
		presence = users_name(
			event->users, event->container, event->process->pid, (uint32_t)uid, &name);
	*ret_name = name_or_fallback(presence, uid, name);
	return presence == WAITS ? WAITS : PRESENT;
}

enum presence group_name_of(const struct event *event, int64_t gid, struct text *ret_name)
{
	enum presence presence = ABSENT;
	struct text name = {};

	if (event->users && event->container && event->process && gid >= 0)
		presence = groups_name(
			event->users, event->container, event->process->pid, (uint32_t)gid, &name);
	*ret_name = name_or_fallback(presence, gid, name);
	return presence == WAITS ? WAITS : PRESENT;
}

static enum presence give_name(enum presence presence, struct text name, struct value *ret_value)
{
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
	enum presence presence;
	struct text name;

	if (!event->process)
		return ABSENT;
	presence = user_name_of(event, uid_of(event->process), &name);
	return give_name(presence, name, ret_value);
}

READER(user_loginuid)
{
	return event->process ? give_signed(ret_value, event->process->login_uid) : ABSENT;
}

READER(user_loginname)
{
	enum presence presence;
	struct text name;

	if (!event->process)
		return ABSENT;
	presence = user_name_of(event, event->process->login_uid, &name);
	return give_name(presence, name, ret_value);
}

READER(group_gid)
{
	return event->process ? give_number(gid_of(event->process), ret_value) : ABSENT;
}

READER(group_name)
{
	enum presence presence;
	struct text name;

	if (!event->process)
		return ABSENT;
	presence = group_name_of(event, gid_of(event->process), &name);
	return give_name(presence, name, ret_value);
}

static const struct field user_fields[] = {
	{ "user.uid", TYPE_UINT32, ARGUMENT_NONE, FIELD_OF_SNAPSHOT, "Effective user id",
		user_uid },
	{ "user.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Its name on the host or in the container; <NA> when there is none", user_name },
	{ "user.homedir", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Home directory of the user" },
	{ "user.shell", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Login shell of the user" },
	{ "user.loginuid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_SNAPSHOT,
		"User id with which the session was opened; -1 when none was", user_loginuid },
	{ "user.loginname", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Name of user.loginuid; <NA> when there is none", user_loginname },
};

static const struct field group_fields[] = {
	{ "group.gid", TYPE_UINT32, ARGUMENT_NONE, FIELD_OF_SNAPSHOT, "Effective group id",
		group_gid },
	{ "group.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Its name on the host or in the container; <NA> when there is none", group_name },
};

const struct field_family family_user = { "user", "The user", user_fields, COUNT_OF(user_fields) };
const struct field_family family_group = { "group", "The group", group_fields,
	COUNT_OF(group_fields) };
