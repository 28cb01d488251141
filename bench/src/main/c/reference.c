// SPDX-License-Identifier: Apache-2.0
//
// What the same work costs in C on the same machine: liburcu's read side and the bare system calls. Prints rows in the
// form of JMH's JSON, each measured in processes of its own, so that the report reads them as it reads the others.
//
// Built and run by ../../../native.sh.

#define _GNU_SOURCE
#define RCU_MEMB
#define URCU_INLINE_SMALL_FUNCTIONS
#define _LGPL_SOURCE

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-memb.h>

enum { PAGE = 4096, FORKS = 3, WARMUPS = 3, MAX_ITERATIONS = 100, MAX_THREADS = 64 };

typedef void (*operation)(size_t bytes);

struct row {
    const char *name;
    operation operation;
    size_t bytes;     // 0: the row has no such parameter
    int threads;
    bool reader;      // whether another thread reads meanwhile
    bool registers;   // whether the threads are readers of liburcu
    int batch;        // operations between two looks at the clock
};

struct worker {
    const struct row *row;
    double seconds;
    double ns_per_operation;
    pthread_barrier_t *start;
    pthread_t thread;
};

static uint64_t shared_word[16];
static volatile bool stop_reader;

static void fail(const char *what) {
    fprintf(stderr, "%s failed: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void raw_read(size_t bytes) {
    (void) bytes;
    (void) *(volatile uint64_t *) shared_word;
}

static void urcu_read(size_t bytes) {
    (void) bytes;
    urcu_memb_read_lock();
    (void) *(volatile uint64_t *) shared_word;
    urcu_memb_read_unlock();
}

static void heavy_barrier(size_t bytes) {
    (void) bytes;
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        fail("membarrier");
    }
}

static void map_touch_unmap(size_t bytes) {
    char *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("mmap");
    }
    for (size_t offset = 0; offset < bytes; offset += PAGE) {
        ((volatile char *) memory)[offset] = 1;
    }
    if (munmap(memory, bytes) != 0) {
        fail("munmap");
    }
}

static void *work(void *argument) {
    struct worker *const worker = argument;
    const struct row *const row = worker->row;
    if (row->registers) {
        urcu_memb_register_thread();
    }
    pthread_barrier_wait(worker->start);
    const double begin = now();
    double end = begin;
    uint64_t done = 0;
    while (end - begin < worker->seconds) {
        for (int i = 0; i < row->batch; i++) {
            row->operation(row->bytes);
        }
        done += (uint64_t) row->batch;
        end = now();
    }
    worker->ns_per_operation = (end - begin) * 1e9 / (double) done;
    if (row->registers) {
        urcu_memb_unregister_thread();
    }
    return NULL;
}

static void *read_on(void *argument) {
    (void) argument;
    while (!stop_reader) {
        raw_read(0);
    }
    return NULL;
}

static double iteration(const struct row *row, double seconds) {
    struct worker workers[MAX_THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned) row->threads);
    double sum = 0;
    for (int i = 0; i < row->threads; i++) {
        workers[i] = (struct worker) {.row = row, .seconds = seconds, .start = &start};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            fail("pthread_create");
        }
    }
    for (int i = 0; i < row->threads; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].ns_per_operation;
    }
    pthread_barrier_destroy(&start);
    return sum / row->threads;
}

// In a process of its own, as JMH does it.
static void measure(const struct row *row, double seconds, int iterations, double *values) {
    int ends[2];
    if (pipe(ends) != 0) {
        fail("pipe");
    }
    const pid_t child = fork();
    if (child < 0) {
        fail("fork");
    }
    if (child == 0) {
        if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) {
            fail("membarrier registration");
        }
        pthread_t reader;
        if (row->reader && pthread_create(&reader, NULL, read_on, NULL) != 0) {
            fail("pthread_create");
        }
        for (int i = 0; i < WARMUPS; i++) {
            iteration(row, seconds);
        }
        for (int i = 0; i < iterations; i++) {
            values[i] = iteration(row, seconds);
        }
        stop_reader = true;
        if (row->reader) {
            pthread_join(reader, NULL);
        }
        const ssize_t size = (ssize_t) ((size_t) iterations * sizeof *values);
        if (write(ends[1], values, (size_t) size) != size) {
            fail("write");
        }
        _exit(0);
    }
    close(ends[1]);
    const ssize_t size = (ssize_t) ((size_t) iterations * sizeof *values);
    if (read(ends[0], values, (size_t) size) != size) {
        fail("read");
    }
    close(ends[0]);
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) {
        fail("measurement");
    }
}

static void print(const struct row *row, double seconds, int iterations, bool last) {
    printf("  {\"benchmark\": \"native.%s\", \"mode\": \"avgt\", \"threads\": %d, \"forks\": %d,\n", row->name,
           row->threads, FORKS);
    printf("   \"params\": {");
    if (row->bytes != 0) {
        printf("\"bytes\": \"%zu\", ", row->bytes);
    }
    printf("\"reader\": \"%s\"},\n", row->reader ? "true" : "false");
    printf("   \"primaryMetric\": {\"scoreUnit\": \"ns/op\", \"rawData\": [");
    for (int fork_number = 0; fork_number < FORKS; fork_number++) {
        double values[MAX_ITERATIONS];
        measure(row, seconds, iterations, values);
        printf("%s[", fork_number == 0 ? "" : ", ");
        for (int i = 0; i < iterations; i++) {
            printf("%s%.4f", i == 0 ? "" : ", ", values[i]);
        }
        printf("]");
    }
    printf("]}}%s\n", last ? "" : ",");
    fflush(stdout);
}

int main(int count, char **arguments) {
    const double seconds = count > 1 ? atof(arguments[1]) : 0.2;
    const int iterations = count > 2 ? atoi(arguments[2]) : 5;
    if (seconds <= 0 || iterations < 1 || iterations > MAX_ITERATIONS) {
        fprintf(stderr, "usage: reference [seconds of an iteration [iterations, at most %d]]\n", MAX_ITERATIONS);
        return 2;
    }
    static const struct row rows[] = {
        {"rawRead", raw_read, 0, 1, false, false, 1000},
        {"urcuMembReadLock", urcu_read, 0, 1, false, true, 1000},
        {"urcuMembReadLock", urcu_read, 0, 2, false, true, 1000},
        {"membarrier", heavy_barrier, 0, 1, false, false, 10},
        {"membarrier", heavy_barrier, 0, 1, true, false, 10},
        {"mmapMunmap", map_touch_unmap, 4096, 1, false, false, 10},
        {"mmapMunmap", map_touch_unmap, 4096, 1, true, false, 10},
        {"mmapMunmap", map_touch_unmap, 65536, 1, false, false, 10},
        {"mmapMunmap", map_touch_unmap, 65536, 1, true, false, 10},
        {"mmapMunmap", map_touch_unmap, 1 << 20, 1, false, false, 10},
    };
    const size_t rows_count = sizeof rows / sizeof rows[0];
    printf("[\n");
    fflush(stdout);
    for (size_t i = 0; i < rows_count; i++) {
        print(&rows[i], seconds, iterations, i + 1 == rows_count);
    }
    printf("]\n");
    return 0;
}
