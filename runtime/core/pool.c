/*===- pool.c - Threads that share the work of a call ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * One job at a time: a counter hands out the numbers of its tasks, and whoever is free
 * takes the next one, the caller too. The caller waits for threads that have entered
 * the job, never for one to come: so a job ends even when no thread wakes up. Threads
 * without work look for the next job for a moment, then sleep: a call is often many jobs with
 * little between them, and to wake a thread takes longer than a small one. A thread that woke
 * on the processor of the caller, behind its work, avoids that processor from then on:
 * some kernels put both on one, and part them milliseconds later. The child of a fork has
 * no threads, and the lock may be held by one that is not there: it works alone.
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { mostThreads = 1024, lookingMicroseconds = 200 };

struct mad_pool {
  int32_t threads; /* with the caller's */
  int32_t workers; /* that run */
  int looks;       /* threads without work look for it before they sleep */
  int started;
  atomic_int process; /* that started them */
  atomic_int stopping;
  atomic_flag busy; /* a job is under way */
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  /* The job; written under the lock. */
  mad_task task;
  void *data;
  int64_t count;
  atomic_ullong job; /* its number */
  int open;          /* threads may still enter it */
  atomic_int inside; /* threads that have */
  uint32_t modes;    /* of the caller's floating-point arithmetic */
  int cpu;           /* of the caller, when it began; below 0: not known */
  atomic_llong next;
  pthread_t handles[];
};

#if defined(__x86_64__)
static uint32_t floatModes(void) { return __builtin_ia32_stmxcsr(); }
static void setFloatModes(uint32_t modes) { __builtin_ia32_ldmxcsr(modes); }
static void relax(void) { __builtin_ia32_pause(); }
#else
static uint32_t floatModes(void) { return 0; }
static void setFloatModes(uint32_t modes) { (void)modes; }
static void relax(void) {}
#endif

static int32_t countCpus(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : online > mostThreads ? mostThreads : (int32_t)online;
}

mad_status mad_check_threads(mad_error *error, int32_t threads) {
  return threads < 0 || threads > mostThreads ? mad_error_threads(error, threads, mostThreads)
                                              : MAD_OK;
}

static int64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Whether a thread that has seen job `seen` has something to do. */
static int hasNews(mad_pool *pool, uint64_t seen) {
  return atomic_load_explicit(&pool->job, memory_order_acquire) != seen ||
         atomic_load_explicit(&pool->stopping, memory_order_relaxed);
}

static int isEmpty(mad_pool *pool, uint64_t unused) {
  (void)unused;
  return atomic_load_explicit(&pool->inside, memory_order_acquire) == 0;
}

/* Until `test` holds, or for a moment. */
static void look(mad_pool *pool, int (*test)(mad_pool *, uint64_t), uint64_t seen) {
  if (!pool->looks)
    return;
  const int64_t end = microseconds() + lookingMicroseconds;
  do
    for (int i = 0; i < 64; ++i) {
      if (test(pool, seen))
        return;
      relax();
    }
  while (microseconds() < end);
}

static void takeTasks(mad_pool *pool, mad_task task, void *data, int64_t count) {
  for (;;) {
    const int64_t number = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (number >= count)
      return;
    task(data, number);
  }
}

/* Leaves the processor of the caller to it, if there is another. */
static void avoid(const cpu_set_t *allowed, int cpu) {
  cpu_set_t rest = *allowed;
  if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &rest))
    return;
  CPU_CLR(cpu, &rest);
  if (CPU_COUNT(&rest) > 0)
    (void)pthread_setaffinity_np(pthread_self(), sizeof rest, &rest);
}

static void *worker(void *argument) {
  mad_pool *pool = argument;
  cpu_set_t allowed;
  if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0)
    CPU_ZERO(&allowed);
  uint64_t seen = 0;
  for (;;) {
    look(pool, hasNews, seen);
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping && pool->job == seen)
      pthread_cond_wait(&pool->work, &pool->lock);
    if (pool->stopping)
      break;
    seen = pool->job;
    const int cpu = pool->cpu;
    if (!pool->open) { /* too late */
      pthread_mutex_unlock(&pool->lock);
      if (pool->looks && cpu == sched_getcpu())
        avoid(&allowed, cpu);
      continue;
    }
    ++pool->inside;
    const mad_task task = pool->task;
    void *data = pool->data;
    const int64_t count = pool->count;
    setFloatModes(pool->modes);
    pthread_mutex_unlock(&pool->lock);
    if (pool->looks && cpu == sched_getcpu())
      avoid(&allowed, cpu);
    takeTasks(pool, task, data, count);
    pthread_mutex_lock(&pool->lock);
    if (--pool->inside == 0)
      pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

/* Signals of the host are handled by its own threads. */
static void startWorkers(mad_pool *pool) {
  sigset_t all, before;
  pool->started = 1;
  atomic_store_explicit(&pool->process, getpid(), memory_order_relaxed);
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
    return;
  while (pool->workers < pool->threads - 1 &&
         pthread_create(&pool->handles[pool->workers], NULL, worker, pool) == 0)
    ++pool->workers;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void runAlone(int64_t count, mad_task task, void *data) {
  for (int64_t i = 0; i < count; ++i)
    task(data, i);
}

static int isForked(mad_pool *pool) {
  const int process = atomic_load_explicit(&pool->process, memory_order_relaxed);
  return process != 0 && process != getpid();
}

static void parallelFor(void *user, int64_t count, mad_task task, void *data) {
  mad_pool *pool = user;
  if (count <= 1 || pool->threads == 1 || isForked(pool) || atomic_flag_test_and_set(&pool->busy)) {
    runAlone(count, task, data);
    return;
  }
  if (!pool->started)
    startWorkers(pool);
  pthread_mutex_lock(&pool->lock);
  pool->task = task;
  pool->data = data;
  pool->count = count;
  pool->modes = floatModes();
  pool->cpu = sched_getcpu();
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  ++pool->job;
  pool->open = 1;
  if (count > pool->workers)
    pthread_cond_broadcast(&pool->work);
  else
    for (int64_t i = 1; i < count; ++i)
      pthread_cond_signal(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  takeTasks(pool, task, data, count);
  look(pool, isEmpty, 0);
  pthread_mutex_lock(&pool->lock);
  pool->open = 0;
  while (pool->inside > 0)
    pthread_cond_wait(&pool->done, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
  atomic_flag_clear(&pool->busy);
}

mad_status mad_pool_create(int32_t threads, mad_pool **pool, mad_error *error) {
  if (!pool)
    return mad_error_null(error, "the place for the pool");
  *pool = NULL;
  const mad_status status = mad_check_threads(error, threads);
  if (status != MAD_OK)
    return status;
  const int32_t cpus = countCpus();
  if (threads == 0)
    threads = cpus;
  const size_t bytes = sizeof(mad_pool) + (size_t)(threads - 1) * sizeof(pthread_t);
  mad_pool *made = calloc(1, bytes);
  if (!made)
    return mad_error_memory(error, "a pool of threads", bytes);
  made->threads = threads;
  made->looks = threads <= cpus;
  atomic_flag_clear(&made->busy);
  atomic_init(&made->next, 0);
  atomic_init(&made->process, 0);
  /* With default attributes none of these can fail on Linux. */
  pthread_mutex_init(&made->lock, NULL);
  pthread_cond_init(&made->work, NULL);
  pthread_cond_init(&made->done, NULL);
  *pool = made;
  return MAD_OK;
}

void mad_pool_destroy(mad_pool *pool) {
  if (!pool)
    return;
  if (isForked(pool)) {
    free(pool);
    return;
  }
  pthread_mutex_lock(&pool->lock);
  pool->stopping = 1;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  for (int32_t i = 0; i < pool->workers; ++i)
    pthread_join(pool->handles[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

int32_t mad_pool_threads(const mad_pool *pool) { return pool ? pool->threads : 0; }

mad_executor mad_pool_executor(mad_pool *pool) {
  const mad_executor executor = {parallelFor, pool};
  return executor;
}
