/* Loaded into a process by LD_PRELOAD, for the tests of faults:
 *   PERCEIVE_FAULT=print   a worker prints 100 MB
 *   PERCEIVE_FAULT=eat     a worker holds 600 MB more than it needs
 *   PERCEIVE_FAULT=clock   the wall clock is off by as many seconds as the file PERCEIVE_CLOCK says just now
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int is_worker(void) {
    char line[4096];
    FILE *file = fopen("/proc/self/cmdline", "r");
    if (!file) return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    for (size_t i = 0; i < length; i += strlen(line + i) + 1) {
        line[length] = 0;
        if (strcmp(line + i, "worker") == 0) return 1;
    }
    return 0;
}

__attribute__((constructor)) static void misbehave(void) {
    const char *fault = getenv("PERCEIVE_FAULT");
    if (!fault || !is_worker()) return;
    if (strcmp(fault, "print") == 0) {
        static char row[1000];
        memset(row, 'x', sizeof row - 1);
        row[sizeof row - 1] = '\n';
        for (int i = 0; i < 100000; i++)
            if (write(2, row, sizeof row) < 0) return;
    }
    if (strcmp(fault, "eat") == 0) {
        size_t bytes = (size_t)600 << 20;
        char *memory = malloc(bytes);
        if (memory) memset(memory, 1, bytes);
    }
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, time);
    const char *fault = getenv("PERCEIVE_FAULT"), *path = getenv("PERCEIVE_CLOCK");
    if (clock != CLOCK_REALTIME || !fault || !path || strcmp(fault, "clock") != 0) return done;
    FILE *file = fopen(path, "r");
    long off = 0;
    if (file) {
        if (fscanf(file, "%ld", &off) != 1) off = 0;
        fclose(file);
    }
    time->tv_sec += off;
    return done;
}
