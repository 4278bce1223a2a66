/*===- limits.c - What the memory of this machine can do -----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Loops that do nothing but move f32 arrays larger than any cache, each with 1
 * thread up to one a core; best of several. Every loop is there with ordinary
 * stores and with stores that bypass the caches. Prints one line a loop:
 * name, stores, threads, bytes an element, GB/s (10^9 bytes that the loop names;
 * what the caches fetch in addition is not counted).
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
typedef float vec __attribute__((vector_size(32)));

typedef enum { COPY, SCALE, TRIAD, READ_SUM, FILL } kind;
static const char *const names[] = {"copy", "scale", "triad", "read-sum", "fill"};
static const int bytes_per_element[] = {8, 8, 12, 4, 4};

typedef struct {
  kind what;
  int bypass;
  const vec *a, *b;
  vec *out;
  size_t count; /* vectors */
  float sum;
} job;

static void store(vec *to, vec value, int bypass) {
  if (bypass)
    __builtin_nontemporal_store(value, to);
  else
    *to = value;
}

static inline __attribute__((always_inline)) void moving(job *j, int bypass) {
  const vec *restrict a = j->a, *restrict b = j->b;
  vec *restrict out = j->out;
  const vec s = {3, 3, 3, 3, 3, 3, 3, 3};
  switch (j->what) {
  case COPY:
    for (size_t i = 0; i < j->count; ++i)
      store(out + i, a[i], bypass);
    break;
  case SCALE:
    for (size_t i = 0; i < j->count; ++i)
      store(out + i, s * a[i], bypass);
    break;
  case TRIAD:
    for (size_t i = 0; i < j->count; ++i)
      store(out + i, a[i] + s * b[i], bypass);
    break;
  case FILL:
    for (size_t i = 0; i < j->count; ++i)
      store(out + i, s, bypass);
    break;
  case READ_SUM: {
    vec t[8] = {{0}};
    for (size_t i = 0; i + 8 <= j->count; i += 8)
      for (int k = 0; k < 8; ++k)
        t[k] += a[i + (size_t)k];
    for (int k = 0; k < 8; ++k)
      for (int l = 0; l < 8; ++l)
        j->sum += t[k][l];
    break;
  }
  }
}

static void *work(void *argument) {
  job *j = argument;
  if (j->bypass)
    moving(j, 1);
  else
    moving(j, 0);
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(job whole, int threads) {
  pthread_t handles[MAX_THREADS];
  job jobs[MAX_THREADS];
  double start = now();
  for (int t = 0; t < threads; ++t) {
    size_t begin = whole.count * (size_t)t / (size_t)threads;
    jobs[t] = whole;
    jobs[t].a += begin;
    jobs[t].b += begin;
    jobs[t].out += begin;
    jobs[t].count = whole.count * (size_t)(t + 1) / (size_t)threads - begin;
    if (t + 1 == threads)
      work(&jobs[t]);
    else if (pthread_create(&handles[t], NULL, work, &jobs[t]) != 0)
      return 1e30;
  }
  for (int t = 0; t + 1 < threads; ++t)
    pthread_join(handles[t], NULL);
  double time = now() - start;
  /* The sums must be needed by somebody. */
  for (int t = 0; t < threads; ++t)
    if (jobs[t].sum == 12345.0f)
      time += 1e-12;
  return time;
}

/* With large pages, as NumPy asks for them too. */
static vec *array(size_t bytes) {
  void *memory = aligned_alloc(1 << 21, bytes);
  if (!memory)
    return NULL;
  madvise(memory, bytes, MADV_HUGEPAGE);
  return memset(memory, 0, bytes);
}

int main(int argc, char **argv) {
  size_t elements = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000000;
  int repeats = argc > 2 ? atoi(argv[2]) : 7;
  size_t count = elements / 8, page = 1 << 21;
  size_t bytes = (count * sizeof(vec) + page - 1) / page * page;
  if (count == 0 || repeats < 1) {
    fprintf(stderr, "usage: limits [ELEMENTS] [REPEATS]\n");
    return 1;
  }
  vec *a = array(bytes), *b = array(bytes), *out = array(bytes);
  if (!a || !b || !out) {
    fprintf(stderr, "limits: three arrays of %zu bytes do not fit into memory\n", bytes);
    return 1;
  }
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (cores > MAX_THREADS)
    cores = MAX_THREADS;
  for (int threads = 1; threads <= cores; threads *= 2) {
    for (int what = COPY; what <= FILL; ++what) {
      for (int bypass = 0; bypass <= (what == READ_SUM ? 0 : 1); ++bypass) {
        job whole = {(kind)what, bypass, a, b, out, count, 0};
        double best = 1e30;
        for (int r = 0; r < repeats; ++r) {
          double time = seconds(whole, threads);
          best = time < best ? time : best;
        }
        double moved = (double)count * 8 * bytes_per_element[what];
        printf("%s %s %d %d %.3f\n", names[what], bypass ? "bypassing" : "ordinary", threads,
               bytes_per_element[what], 1e-9 * moved / best);
      }
    }
  }
  free(a);
  free(b);
  free(out);
  return 0;
}
