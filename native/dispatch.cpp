#include "dispatch.hpp"

#include <atomic>
#include <vector>

#include "pool.hpp"

namespace logloss {

#if defined(__x86_64__) || defined(_M_X64)
extern const Kernel avx512_kernel, avx2_kernel, baseline_kernel;
#elif defined(__aarch64__) || defined(_M_ARM64)
extern const Kernel neon_kernel;
#else
extern const Kernel baseline_kernel;
#endif

const Kernel* choose_kernel(std::string_view wanted) {
    const auto is_wanted = [&](const Kernel& kernel) { return wanted.empty() || wanted == kernel.name; };
#if defined(__x86_64__) || defined(_M_X64)
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    if (has_avx512 && is_wanted(avx512_kernel)) return &avx512_kernel;
    if (has_avx2 && is_wanted(avx2_kernel)) return &avx2_kernel;
    if (is_wanted(baseline_kernel)) return &baseline_kernel;
#elif defined(__aarch64__) || defined(_M_ARM64)
    if (is_wanted(neon_kernel)) return &neon_kernel;
#else
    if (is_wanted(baseline_kernel)) return &baseline_kernel;
#endif
    return nullptr;
}

void run(Work work, const Task& task, int64_t begin, int64_t end, int threads, Found& found) {
    const int64_t size = end - begin, useful = size / worth_a_thread;
    if (threads > useful) threads = static_cast<int>(useful);
    if (threads < 2) {
        work(task, begin, end, found);
        return;
    }
    // Small pieces, so that a thread which comes late, or is slow, holds nobody up.
    constexpr int64_t piece = int64_t{1} << 16;
    std::atomic<int64_t> next = begin;
    std::vector<Found> parts(threads);
    share_work(threads - 1, [&](int i) {
        for (int64_t at; (at = next.fetch_add(piece, std::memory_order_relaxed)) < end;)
            work(task, at, end - at < piece ? end : at + piece, parts[i]);
    });
    for (const Found& part : parts) {
        found.sum.merge(part.sum);
        found.is_suspect |= part.is_suspect;
        found.is_narrow |= part.is_narrow;
    }
}

}  // namespace logloss
