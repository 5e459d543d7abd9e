// Which kernel runs, on how many threads.
#pragma once

#include <atomic>
#include <string_view>

#include "task.hpp"

namespace logloss {

// The best kernel that this processor can run, or the one of that name; null where there is none.
const Kernel* choose_kernel(std::string_view wanted);

// The one that everything runs on, from when the extension is imported.
inline std::atomic<const Kernel*> chosen_kernel = nullptr;

// So many elements are worth a thread of their own.
constexpr int64_t worth_a_thread = int64_t{1} << 17;
constexpr int most_threads = 256;

// Does a range of a task in as many threads as are worth waking.
void run(Work work, const Task& task, int64_t begin, int64_t end, int threads, Found& found);

}  // namespace logloss
