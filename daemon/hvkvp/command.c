// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp's commands: what they share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "util/escape.h"

int command_fail(int code, const char *format, ...)
{
	va_list ap;

	fputs("hvkvp: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

int command_pool(const char *text)
{
	int number = store_pool_parse(text);

	if (number >= 0)
		return number;
	return -command_fail(EXIT_USAGE,
			     "no such pool: %s; there are external, guest, auto, parameter, internal (0 to 4)",
			     text);
}

int command_may_write(const struct command *command, int number)
{
	if (number == HVKVP_POOL_AUTO)
		return command_fail(EXIT_REFUSED, "pool auto is read-only: it is computed when it is read; write to pool guest");
	if ((number == HVKVP_POOL_EXTERNAL || number == HVKVP_POOL_PARAMETER) && !command->force)
		return command_fail(EXIT_REFUSED, "pool %s belongs to the host, which may overwrite it at any time; use --force, or write to pool guest",
				    store_pool_name(number));
	return EXIT_OK;
}

int command_set_failed(const struct pool *pool, int err)
{
	bool text = err == -EINVAL || err == -EILSEQ || err == -EMSGSIZE;

	return command_fail(text ? EXIT_USAGE : EXIT_STORAGE, "%s", pool_why(pool));
}

int command_not_found(unsigned int pool, const char *key)
{
	char shown[SHOWN_KEY_SIZE];

	return command_fail(EXIT_NOT_FOUND, "no key \"%s\" in pool %s",
			    escape(key, shown, sizeof(shown)), store_pool_name(pool));
}

int command_print_json(json_t *value)
{
	bool bad = !value || json_dumpf(value, stdout, JSON_INDENT(2)) || putchar('\n') == EOF;

	json_decref(value);
	return bad ? command_fail(EXIT_STORAGE, "cannot print the result") : EXIT_OK;
}

json_t *command_json_pair(unsigned int pool, const char *key, const char *value)
{
	return json_pack("{s:s, s:s, s:s}", "pool", store_pool_name(pool),
			 "key", key, "value", value);
}

int command_print_value(const struct command *command, unsigned int pool, const char *key,
			const char *value)
{
	char *shown = NULL;

	if (command->json)
		return command_print_json(command_json_pair(pool, key, value));
	if (isatty(STDOUT_FILENO) && !command->raw && !command->null) {
		size_t size = 4 * strlen(value) + 1;

		shown = malloc(size);
		if (!shown)
			return command_fail(EXIT_STORAGE, "out of memory");
		value = escape(value, shown, size);
	}
	fputs(value, stdout);
	if (!command->raw)
		putchar(command->null ? 0 : '\n');
	free(shown);
	return EXIT_OK;
}

const char *command_colour(char name)
{
	static int allowed = -1;
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (allowed < 0)
		allowed = isatty(STDOUT_FILENO) && !(no && no[0]) && term && strcmp(term, "dumb");
	if (!allowed)
		return "";
	switch (name) {
	case 'p':
		return "\x1b[36m";
	case 'k':
		return "\x1b[1m";
	case 'g':
		return "\x1b[32m";
	case 'b':
		return "\x1b[31m";
	case 'd':
		return "\x1b[2m";
	default:
		return "\x1b[0m";
	}
}

int command_columns(const char *text)
{
	int n = 0;

	while (*text)
		n += (*text++ & 0xc0) != 0x80;
	return n;
}
