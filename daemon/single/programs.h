/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVKVP_SINGLE_PROGRAMS_H
#define HVKVP_SINGLE_PROGRAMS_H

/*
 * The main functions of both programs. For SINGLE=1 daemon/Makefile compiles their main.c with these
 * names in the place of main.
 */

/**
 * hvkvpd_main() - run the daemon
 * @argc: of main
 * @argv: of main
 *
 * Return: exit code.
 */
int hvkvpd_main(int argc, char **argv);

/**
 * hvkvp_main() - run the command
 * @argc: of main
 * @argv: of main
 *
 * Return: exit code.
 */
int hvkvp_main(int argc, char **argv);

#endif
