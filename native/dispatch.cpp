#include "dispatch.hpp"

#include <atomic>
#include <vector>

#include "pool.hpp"

namespace logloss {

#if defined(__x86_64__) || defined(_M_X64)
extern const Kernel avx512_kernel, avx2_kernel, baseline_kernel;
#elif defined(__aarch64__) || defined(_M_ARM64)
extern const Kernel neon_kernel;
#endif

#if defined(__x86_64__) || defined(_M_X64)
namespace {

struct Features {
    bool avx2 = false, avx512 = false;
};

// Asked of the processor itself: __builtin_cpu_supports needs a library of Clang's that nothing links on Windows.
Features features() {
    unsigned a, b, c, d;
    const auto ask = [&](unsigned leaf) { asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(0)); };
    ask(0);
    if (a < 7) return {};
    ask(1);
    const bool has_fma = c >> 12 & 1, has_xgetbv = c >> 27 & 1;
    if (!has_xgetbv) return {};
    asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    const unsigned saved = a;  // the registers that the operating system keeps for a thread
    ask(7);
    constexpr unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
    const bool has_avx2 = has_fma && b >> 5 & 1 && (saved & 0x06) == 0x06;
    return {has_avx2, has_avx2 && (b & avx512) == avx512 && (saved & 0xe6) == 0xe6};
}

}  // namespace
#endif

const Kernel* choose_kernel(std::string_view wanted) {
    const auto is_wanted = [&](const Kernel& kernel) { return wanted.empty() || wanted == kernel.name; };
#if defined(__x86_64__) || defined(_M_X64)
    static const Features has = features();
    if (has.avx512 && is_wanted(avx512_kernel)) return &avx512_kernel;
    if (has.avx2 && is_wanted(avx2_kernel)) return &avx2_kernel;
    if (is_wanted(baseline_kernel)) return &baseline_kernel;
#elif defined(__aarch64__) || defined(_M_ARM64)
    if (is_wanted(neon_kernel)) return &neon_kernel;
#endif
    return nullptr;
}

void run(Work work, const Task& task, int64_t begin, int64_t end, int threads, Found& found) {
    const int64_t size = end - begin, useful = size / worth_a_thread;
    if (threads > most_threads) threads = most_threads;
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
        found.needs_width |= part.needs_width;
    }
}

}  // namespace logloss
