/* SPDX-License-Identifier: Apache-2.0 */
/* A state in files, in a folder of its own. */
#ifndef TESTS_COMMON_STATE_STATE_FILE_UNIT_H
#define TESTS_COMMON_STATE_STATE_FILE_UNIT_H

#include <dirent.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/state/state_file.h"
#include "tests/common/state/state_unit.h"

struct fixture {
    char folder[64];
    char path[96];
    struct config config;
    bool lost; /* what confirm says of the lease */
    uint64_t number;
    struct state_store *store;
};

static inline int confirm(void *arg, struct error *err)
{
    const struct fixture *f = arg;
    return f->lost ? error_set(err, STATUS_DENIED, "lost") : STATUS_OK;
}

static inline int open_as(struct fixture *f, uint64_t number, struct state_store **out,
                          struct error *err)
{
    const struct state_fence fence = {number, confirm, f};
    return state_file.open(&f->config, &fence, out, err);
}

static inline void setup(struct fixture *f)
{
    *f = (struct fixture){.number = 1};
    snprintf(f->folder, sizeof f->folder, "/tmp/tilewire-unit-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/checkpoint", f->folder);
    f->config.ingestor.checkpoint_path = f->path;
    assert_int_equal(open_as(f, 1, &f->store, NULL), STATUS_OK);
}

/* As the next holder of the lease. */
static inline void reopen(struct fixture *f)
{
    state_file.close(f->store);
    assert_int_equal(open_as(f, ++f->number, &f->store, NULL), STATUS_OK);
}

static inline size_t files(const struct fixture *f, const char *part)
{
    size_t count = 0;
    DIR *dir = opendir(f->folder);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL;
    }
    closedir(dir);
    return count;
}

static inline void teardown(struct fixture *f)
{
    state_file.close(f->store);
    DIR *dir = opendir(f->folder);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
}

static inline int save_one(struct state_store *store, struct state_id id, const char *value,
                           struct error *err)
{
    struct state_changes changes = {0};
    state_put(&changes, id, str_of(value));
    const int status = state_file.save(store, &changes, 0, err);
    state_changes_free(&changes);
    return status;
}

static inline void save(struct fixture *f, struct state_id id, const char *value)
{
    assert_int_equal(save_one(f->store, id, value, NULL), STATUS_OK);
}

static inline void assert_loads(struct state_store *store, const char *text)
{
    struct state_changes loaded = {0};
    struct error err = {{0}};
    const int status = state_file.load(store, &loaded, &err);
    if (status != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    assert_changes(&loaded, text);
    state_changes_free(&loaded);
}

static inline int load_status(struct state_store *store, struct error *err)
{
    struct state_changes loaded = {0};
    const int status = state_file.load(store, &loaded, err);
    state_changes_free(&loaded);
    return status;
}

static inline char *database_of(const struct fixture *f, uint64_t number)
{
    return x_asprintf("%s.state.%llu", f->path, (unsigned long long)number);
}

#endif
