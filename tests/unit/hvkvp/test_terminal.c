// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp on a terminal: columns, colours, nothing that controls the terminal.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/child.h"
#include "support/scratch.h"

static struct child child;
static char shown[8192];

#define RUN(...) child_run(&child, "hvkvp", "--state-dir", scratch_dir, __VA_ARGS__)

/* Run hvkvp on a terminal of its own; @shown is what it printed. Return: exit code. */
static int run(const char *command, const char *a, const char *b, const char *option)
{
	const char *bin = getenv("HVKVP_BIN");
	char path[512], c;
	size_t len = 0;
	int master, status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/hvkvp", bin ? bin : ".");
	fflush(stdout);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid) {
		execl(path, "hvkvp", "-s", scratch_dir, option, command, a, b, NULL);
		_exit(127);
	}
	/* The terminal makes "\r\n" of each "\n". */
	while (read(master, &c, 1) == 1 && len < sizeof(shown) - 1)
		if (c != '\r')
			shown[len++] = c;
	shown[len] = 0;
	close(master);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void begin(void)
{
	scratch_begin();
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	CHECK_INT(RUN("set", "guest", "a", "1"), 0);
	CHECK_INT(RUN("set", "guest", "longer €", "two\nlines \x1b[31m"), 0);
}

#define PLAIN_A	"guest      a         1\n"
#define PLAIN_B	"guest      longer €  two\\nlines \\x1b[31m\n"

static void columns(void)
{
	begin();
	setenv("NO_COLOR", "1", 1);
	CHECK_INT(run("list", "guest", NULL, "--max-keys=9"), 0);
	CHECK_TEXT(shown, PLAIN_A PLAIN_B);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	CHECK_INT(run("list", "guest", NULL, "--max-keys=9"), 0);
	CHECK_TEXT(shown, PLAIN_A PLAIN_B);
	scratch_end();
}

/* What is shown without its colours. */
static const char *uncoloured(int *colours)
{
	static char plain[sizeof(shown)];
	char *to = plain;

	*colours = 0;
	for (const char *at = shown; *at; at++) {
		if (*at == '\x1b') {
			at += strcspn(at, "m");
			(*colours)++;
		} else {
			*to++ = *at;
		}
	}
	*to = 0;
	return plain;
}

static void colours(void)
{
	int count;

	begin();
	CHECK_INT(run("list", "guest", NULL, "--max-keys=9"), 0);
	CHECK_TEXT(uncoloured(&count), PLAIN_A PLAIN_B);
	CHECK_INT(count, 8);
	CHECK_INT(run("info", NULL, NULL, "--max-keys=9"), 0);
	uncoloured(&count);
	CHECK(count > 0);
	/* JSON is for programs, also here; and so is a pipe. */
	CHECK_INT(run("list", "guest", NULL, "--json"), 0);
	CHECK(!strchr(shown, '\x1b'));
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\ta\t1\nguest\tlonger €\ttwo\\nlines \\x1b[31m\n");
	CHECK_INT(RUN("info"), 0);
	CHECK(!strchr(child.out, '\x1b'));
	scratch_end();
}

static void values(void)
{
	begin();
	CHECK_INT(run("get", "guest", "longer €", "--max-keys=9"), 0);
	CHECK_TEXT(shown, "two\\nlines \\x1b[31m\n");
	CHECK_INT(run("get", "guest", "longer €", "--raw"), 0);
	CHECK_TEXT(shown, "two\nlines \x1b[31m");
	CHECK_INT(run("wait", "guest", "longer €", "--max-keys=9"), 0);
	CHECK_TEXT(shown, "two\\nlines \\x1b[31m\n");
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "aligned columns; NO_COLOR and a dumb terminal get no colours", columns },
	{ "colours on a terminal only", colours },
	{ "get and wait escape what would control the terminal, unless it is asked for as it is", values },
};

TAP_MAIN("terminal", cases)
