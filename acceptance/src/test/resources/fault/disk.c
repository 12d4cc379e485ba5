/*
 * A disk that the fault rig can break, preloaded into a node (LD_PRELOAD). It shares a file with the test, mapped by both:
 *
 *   int32  mode      0: nothing; 1: each sync fails with EIO; 2: each sync takes `delay` milliseconds more
 *   int32  delay
 *   int64  failed    syncs that were made to fail
 *   then SLOTS times { int64 inode; int64 synced }: how much of a file was synced last, so that the test can take away the
 *   rest after a kill, as the loss of power does.
 *
 * Only files below COPPICE_FAULT_DISK are touched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 65536

struct slot { _Atomic int64_t inode; _Atomic int64_t synced; };
struct table { _Atomic int32_t mode; _Atomic int32_t delay; _Atomic int64_t failed; struct slot slots[SLOTS]; };

static struct table *table;
static const char *disk;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("COPPICE_FAULT_TABLE");
    disk = getenv("COPPICE_FAULT_DISK");
    if (!path || !disk) return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED) table = mapped;
}

static int ours(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, disk, strlen(disk)) == 0;
}

static void note(const struct stat *before) {
    if (!S_ISREG(before->st_mode)) return;
    uint64_t at = (uint64_t) before->st_ino * 0x9E3779B97F4A7C15u;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &table->slots[(at + i) % SLOTS];
        int64_t free = 0;
        int64_t inode = before->st_ino;
        if (slot->inode == inode || atomic_compare_exchange_strong(&slot->inode, &free, inode) || free == inode) {
            if (slot->synced < before->st_size) slot->synced = before->st_size;
            return;
        }
    }
}

static int sync_with(int (*real)(int), int fd) {
    if (!table || !ours(fd)) return real(fd);
    if (table->mode == 1) {
        table->failed++;
        errno = EIO;
        return -1;
    }
    if (table->mode == 2) {
        struct timespec pause = {table->delay / 1000, (table->delay % 1000) * 1000000L};
        nanosleep(&pause, NULL);
    }
    struct stat before;
    int known = fstat(fd, &before) == 0;
    int result = real(fd);
    if (result == 0 && known) note(&before);
    return result;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }
