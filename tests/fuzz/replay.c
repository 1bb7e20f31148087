/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, in builds without libFuzzer: replay FOLDER. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define FILE_MAX ((size_t)1 << 20)

static int no_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The content in memory of just its size, so that AddressSanitizer sees what reads beyond it. */
static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    uint8_t *room = malloc(FILE_MAX);
    FUZZ_CHECK(file != NULL && room != NULL);
    *len = fread(room, 1, FILE_MAX, file);
    FUZZ_CHECK(ferror(file) == 0 && *len < FILE_MAX);
    (void)fclose(file);
    uint8_t *data = realloc(room, *len != 0 ? *len : 1);
    FUZZ_CHECK(data != NULL);
    return data;
}

/* False when the file is called good-* and is not taken. */
static bool replay(const char *folder, const char *name)
{
    char path[4096];
    FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    printf("%s\n", name);
    (void)fflush(stdout); /* It is the last line when the target fails. */
    size_t len;
    uint8_t *data = read_file(path, &len);
    (void)fuzz_was_taken();
    LLVMFuzzerTestOneInput(data, len);
    free(data);
    if (strncmp(name, "good-", 5) != 0 || fuzz_was_taken()) {
        return true;
    }
    printf("%s is not accepted any more\n", path);
    return false;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    const int count = argc == 2 ? scandir(argv[1], &entries, no_hidden, alphasort) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: %s FOLDER, which has to have files\n", argv[0]);
        return 2;
    }
    int refused = 0;
    for (int i = 0; i < count; i++) {
        refused += replay(argv[1], entries[i]->d_name) ? 0 : 1;
        free(entries[i]);
    }
    free(entries);
    return refused == 0 ? 0 : 1;
}
