//===- main.cpp - A C++ program that calls a compiled model ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: host LIBRARY MODEL
//
// Calls libmodel.so, and the same model compiled in this process, by way of mad.hpp.
//
//===----------------------------------------------------------------------===//
#include "mad.hpp"

#include <cstdio>
#include <thread>

static void show(const std::vector<float> &points, const mad::Tensor<float> &p) {
  for (int64_t i = 0; i < p.shape()[0]; ++i)
    std::printf("(%4.1f, %4.1f): %.4f %.4f %.4f\n", points[2 * i], points[2 * i + 1], p[3 * i],
                p[3 * i + 1], p[3 * i + 2]);
}

static void run(const char *library, const char *source) {
  const std::vector<float> points = {1, 0, -1, 1, -1, -1};
  const mad::Module model(library);
  mad::Context context(model);
  const mad::Tensor<float> p = context.call<float>("classify", mad::view(points, {3, 2}));
  show(points, p);

  // The same code, made here and now.
  mad::Context fresh(mad::compile(source));
  const auto q = fresh.call<float>("classify", mad::view(points, {3, 2}));
  std::printf("built and compiled agree: %s\n",
              std::equal(p.begin(), p.end(), q.begin(), q.end()) ? "yes" : "no");

  // Results in memory that is there; a context for each thread.
  std::vector<float> results(9 * 4);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      mad::Context own(model);
      own.callInto("classify", mad::view(points, {3, 2}),
                   mad::View<float>(results.data() + 9 * t, {3, 3}));
    });
  for (std::thread &thread : threads)
    thread.join();
  std::printf("four threads: %.4f %.4f\n", results[0], results[27]);

  // Failures as values, and as exceptions.
  const auto wrong = context.tryCall<float>("classify", mad::view(points, {2, 3}));
  if (!wrong)
    std::printf("%s: %s\n", mad_status_name(wrong.status().code), wrong.status().message.c_str());
  context.call<double>("classify", mad::view(points, {3, 2}));
}

int main(int argc, char **argv) {
  try {
    run(argc > 1 ? argv[1] : "out/libmodel.so", argc > 2 ? argv[2] : "../host-c/model.mad");
  } catch (const mad::Error &error) {
    std::printf("%s: %s\n", error.statusName(), error.what());
    return 0; // the last line of `run` is wrong on purpose
  }
  return 1;
}
