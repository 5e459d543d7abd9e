#include "dispatch.hpp"

#include <exception>
#include <thread>
#include <vector>

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

void run(const Kernel& kernel, const Task& task, int threads, Found& found) {
    // Starting a thread must cost little beside its share of the work.
    constexpr int64_t share = int64_t{1} << 18, grain = int64_t{1} << 12;
    const int64_t useful = task.size / share;
    const int n = static_cast<int>(useful < threads ? (useful > 1 ? useful : 1) : threads);
    if (n == 1) {
        kernel.run(task, 0, task.size, found);
        return;
    }
    const int64_t part = (task.size / n + grain - 1) / grain * grain;
    std::vector<Found> parts(n);
    std::vector<std::thread> others;
    const auto work = [&](int i) {
        const int64_t begin = i * part, end = i + 1 == n ? task.size : begin + part;
        kernel.run(task, begin, end, parts[i]);
    };
    try {
        for (int i = 1; i < n; ++i) others.emplace_back(work, i);
    } catch (const std::exception&) {  // the system has no more threads: the caller does what they would have done
        for (int i = static_cast<int>(others.size()) + 1; i < n; ++i) work(i);
    }
    work(0);
    for (std::thread& other : others) other.join();
    for (const Found& part_found : parts) {
        found.sum.merge(part_found.sum);
        found.is_suspect |= part_found.is_suspect;
        found.is_narrow |= part_found.is_narrow;
    }
}

}  // namespace logloss
