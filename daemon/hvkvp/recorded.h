/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture has recorded
 */
#ifndef HVKVP_HVKVP_RECORDED_H
#define HVKVP_HVKVP_RECORDED_H

#include "hvkvp/command.h"

/**
 * recorded_show() - print the KVP packets of a capture, hvkvp monitor --read
 * @command: the file in @read, and the options
 *
 * Times are those since the first packet; in JSON since 1970.
 *
 * Return: exit code.
 */
int recorded_show(const struct command *command);

#endif /* HVKVP_HVKVP_RECORDED_H */
