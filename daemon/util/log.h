/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log lines, to standard error or to syslog
 */
#ifndef HVKVP_UTIL_LOG_H
#define HVKVP_UTIL_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

/**
 * log_open() - say where lines go, and which ones
 * @level: the least important level to be written, LOG_ERR to LOG_DEBUG
 * @to_syslog: syslog(3) instead of standard error
 *
 * Standard error gets "<N>" in front of each line when it is the journal, so
 * that the level survives. Before this call lines up to LOG_NOTICE go to
 * standard error.
 */
void log_open(int level, int to_syslog);

/**
 * log_forked() - this is a child that has closed the descriptors of its parent
 */
void log_forked(void);

/**
 * log_level_parse() - a level by its name
 * @name: "err", "warning", "notice", "info" or "debug"
 *
 * Return: the level, or -1 for any other name.
 */
int log_level_parse(const char *name);

/**
 * log_level_name() - the name of a level
 * @level: LOG_ERR to LOG_DEBUG
 *
 * Return: the name that log_level_parse() accepts; "?" for any other number.
 */
const char *log_level_name(int level);

/**
 * log_writes() - are lines of a level written?
 * @level: syslog(3) level
 *
 * For callers who would make a text that nothing shows.
 */
bool log_writes(int level);

/**
 * log_line() - write one line
 * @level: syslog(3) level
 * @format: printf(3) format; no newline at its end
 */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct journald_field;

/* The most fields of a line. */
#define LOG_FIELDS 12

/**
 * log_fields() - write one line that has fields
 * @level: syslog(3) level
 * @fields: for the journal, where the lines go there; else only the line is written
 * @count: of @fields, at most LOG_FIELDS
 * @line: no newline at its end
 */
void log_fields(int level, const struct journald_field *fields, size_t count, const char *line);

/**
 * log_set_sink() - give the lines to a function instead (tests)
 * @sink: gets each line that passes the level; NULL for the default
 */
void log_set_sink(void (*sink)(int level, const char *line));

#define log_err(...)	log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)

#endif /* HVKVP_UTIL_LOG_H */
