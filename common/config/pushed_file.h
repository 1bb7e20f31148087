/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a file of pushed events says what it is: by SQLite's application_id, and its format by
 * user_version. The ingestor makes and writes it; `tilewire check --connect` looks at it.
 */
#ifndef COMMON_CONFIG_PUSHED_FILE_H
#define COMMON_CONFIG_PUSHED_FILE_H

#define PUSHED_FILE_APPLICATION_ID 0x544c5750 /* "TLWP" */
#define PUSHED_FILE_FORMAT 1                  /* the newest that this program knows */

#endif
