// Which kernel runs, on how many threads.
#pragma once

#include <string_view>

#include "task.hpp"

namespace logloss {

// The best kernel that this processor can run, or the one that LOGLOSS_KERNEL names; null where it names none of them.
const Kernel* choose_kernel(std::string_view wanted);

// Runs a task in as many threads as are worth waking.
void run(const Kernel& kernel, const Task& task, int threads, Found& found);

}  // namespace logloss
